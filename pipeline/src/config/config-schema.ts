import { z } from 'zod'
import { cacheSettings } from './cache-settings.ts'
import { s3Settings, spellSettings } from './s3-settings.ts'
import { duration, filled, tableSettings } from './table-settings.ts'

// What stands in a schema as its error is the remedy: it is said of every value that does not fit, after what is there instead.
const DMS =
  "Write the endpoint's S3Settings, such as {DataFormat: csv, AddColumnName: true}, or the name of a JSON file with them"

const reload = z.strictObject({ settle: duration.optional() }, 'Write {settle: 60s}')

/** The shape of `tributary.yaml`; `tributary.schema.json` is generated from it. */
export const configSchema = z.strictObject(
  {
    landing: filled('Write where DMS puts its files: a folder or s3://bucket/prefix'),
    lake: filled('Write where the tables are to be: a folder or s3://bucket/prefix'),
    dms: z
      .union([z.string().min(1, DMS), z.record(z.string(), z.unknown()).transform(spellSettings).pipe(s3Settings)], DMS)
      .optional(),
    queue: z.string('Write the URL of a queue of SQS, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME').optional(),
    reload: reload.optional(),
    freshness: duration.optional(),
    cache: cacheSettings.optional(),
    tables: z.record(
      z.string(),
      tableSettings,
      'Write an entry for each table, such as shop.orders: {key: [order_id]}',
    ),
  },
  'Write settings, at least landing, lake and tables, or let `tributary init` write them',
)

/** The names that may stand in each part of the file, `tables` for the settings of one table. */
export const SETTING_NAMES = {
  file: Object.keys(configSchema.shape),
  dms: Object.keys(s3Settings.shape),
  reload: Object.keys(reload.shape),
  cache: Object.keys(cacheSettings.shape),
  table: Object.keys(tableSettings.shape),
  properties: Object.keys(tableSettings.shape.properties.unwrap().in.shape),
} as const

/** Which part of the file a path leads to; undefined where names are free, as those of columns are. */
export function partAt(where: readonly PropertyKey[]): keyof typeof SETTING_NAMES | undefined {
  const [first, , third] = where
  if (first === undefined) return 'file'
  if (where.length === 1 && (first === 'dms' || first === 'reload' || first === 'cache')) return first
  if (first !== 'tables') return undefined
  if (where.length === 2) return 'table'
  return where.length === 3 && third === 'properties' ? 'properties' : undefined
}
