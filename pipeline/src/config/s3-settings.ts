import { z } from 'zod'

// dms-format.md §2. The endpoint's own names, so that what `describe-endpoints` prints can be pasted.
const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })], 'Write true or false')
const TEXT = 'Write a text, in quotes where it would be a number or true'
const text = z.string(TEXT)
const number = z.union(
  [
    z.number(),
    z
      .string()
      .regex(/^[0-9]+$/)
      .transform(Number),
  ],
  'Write a whole number',
)
const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) => {
  const remedy = `Write one of ${values.join(', ')}`
  return z
    .string(remedy)
    .refine((value) => values.includes(value.toLowerCase()), remedy)
    .transform((value) => value.toLowerCase())
}

/** The S3Settings that say how files are written; the rest is accepted and not looked at. */
export const s3Settings = z.strictObject({
  AddColumnName: flag.optional(),
  AddTrailingPaddingCharacter: flag.optional(),
  BucketFolder: text.optional(),
  BucketName: text.optional(),
  CannedAclForObjects: text.optional(),
  CdcInsertsAndUpdates: flag.optional(),
  CdcInsertsOnly: flag.optional(),
  CdcMaxBatchInterval: number.optional(),
  CdcMinFileSize: number.optional(),
  CdcPath: text.optional(),
  CompressionType: oneOf(['none', 'gzip']).optional(),
  CsvDelimiter: text.min(1, TEXT).optional(),
  CsvNoSupValue: text.optional(),
  CsvNullValue: text.optional(),
  CsvRowDelimiter: text.min(1, TEXT).optional(),
  DataFormat: oneOf(['csv', 'parquet']).optional(),
  DataPageSize: number.optional(),
  DatePartitionDelimiter: oneOf(['slash', 'dash', 'underscore', 'none']).optional(),
  DatePartitionEnabled: flag.optional(),
  DatePartitionSequence: oneOf(['yyyymmdd', 'yyyymmddhh', 'yyyymm', 'mmyyyydd', 'ddmmyyyy']).optional(),
  DatePartitionTimezone: text.optional(),
  DictPageSizeLimit: number.optional(),
  EnableStatistics: flag.optional(),
  EncodingType: text.optional(),
  EncryptionMode: text.optional(),
  ExpectedBucketOwner: text.optional(),
  ExternalTableDefinition: text.optional(),
  GlueCatalogGeneration: flag.optional(),
  IgnoreHeaderRows: number.optional(),
  IncludeOpForFullLoad: flag.optional(),
  MaxFileSize: number.optional(),
  ParquetTimestampInMillisecond: flag.optional(),
  ParquetVersion: text.optional(),
  PreserveTransactions: flag.optional(),
  Rfc4180: flag.optional(),
  RowGroupLength: number.optional(),
  ServerSideEncryptionKmsKeyId: text.optional(),
  ServiceAccessRoleArn: text.optional(),
  TimestampColumnName: text.optional(),
  UseCsvNoSupValue: flag.optional(),
  UseTaskStartTimeForFullLoadTimestamp: flag.optional(),
})

/** What `dms:` says of the files. */
export type S3Settings = z.output<typeof s3Settings>

const NAMES = new Map(Object.keys(s3Settings.shape).map((name) => [name.toLowerCase(), name]))

/** The settings under their documented names, however they were spelled. Names that are not known stay, to be refused. */
export function spellSettings(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [NAMES.get(name.toLowerCase()) ?? name, value]),
  )
}

/** The settings inside what `aws dms describe-endpoints` prints, or the object itself when it is a plain settings file. */
export function settingsOfEndpoint(json: unknown): Readonly<Record<string, unknown>> | string {
  const top = record.safeParse(json)
  if (!top.success) return 'it holds no object'
  const endpoints = z
    .array(record)
    .safeParse(top.data['Endpoints'] ?? (top.data['Endpoint'] === undefined ? undefined : [top.data['Endpoint']]))
  if (!endpoints.success) {
    const inner = record.safeParse(top.data['S3Settings'])
    return inner.success ? inner.data : top.data
  }
  const found = endpoints.data
    .map((endpoint) => record.safeParse(endpoint['S3Settings']))
    .filter((parsed) => parsed.success)
  const [only] = found
  if (only === undefined) return 'none of its endpoints has S3Settings'
  return found.length === 1
    ? only.data
    : `it has ${found.length} endpoints with S3Settings: keep the one of this landing`
}

const record = z.record(z.string(), z.unknown())
