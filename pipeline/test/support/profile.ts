// What a random endpoint writes, and the random tables that it carries.
import type { Random } from './random.ts'
import { COLUMN_TYPES, type ColumnType } from './values.ts'

/** The endpoint settings of one landing. */
export interface Endpoint {
  readonly format: 'csv' | 'parquet'
  readonly header: boolean
  readonly gzip: boolean
  readonly nullMarker: string | undefined
  readonly delimiter: string
  readonly rowDelimiter: string
  readonly opInLoad: boolean
  readonly timestampColumn: string | undefined
  readonly noSup: string | undefined
  readonly bucketFolder: string | undefined
  readonly datePartition: boolean
  /** CDC without `Op`, inserts only. */
  readonly insertsOnly: boolean
}

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly isKey: boolean
  /** The type is inferred from data: no value may look like anything but text. */
  readonly isInferred: boolean
}

/** One source table and how Tributary is told of it. */
export interface TableSpec {
  readonly name: string
  readonly columns: readonly Column[]
  /** Whether `columns` stands in the configuration. */
  readonly isListed: boolean
  readonly sequence: 'none' | 'text' | 'long' | 'time'
  readonly beforeImage: 'none' | 'key' | 'all'
  readonly beforeImageInLoad: boolean
  readonly write: 'merge-on-read' | 'copy-on-write'
  readonly partitionBy: readonly string[]
  readonly history: boolean
  readonly hasLoad: boolean
  /** Files of the other format in between: each file is looked at. */
  readonly isMixed: boolean
}

export const SEQUENCE_COLUMN = 'change_seq'

/** The column that orders changes, as `sequence:` names it. */
export function sequenceColumn(endpoint: Endpoint, table: TableSpec): string | undefined {
  if (table.sequence === 'none') return undefined
  return table.sequence === 'time' ? endpoint.timestampColumn : SEQUENCE_COLUMN
}

/** A random endpoint. `kind` goes through the formats in turn, so that every run has each of them. */
export function randomEndpoint(random: Random, kind: number): Endpoint {
  const form = kind % 6
  const isParquet = form === 4 || form === 5
  const isPartial = kind % 5 === 3 && !isParquet
  const isInsertsOnly = kind % 12 === 5
  return {
    format: isParquet ? 'parquet' : 'csv',
    header: form === 0 || form === 1,
    gzip: form === 1 || form === 3 || form === 5,
    nullMarker: isParquet ? undefined : [undefined, '\\N', 'NULL'][(kind + Math.floor(kind / 6)) % 3],
    delimiter: random.pick([',', ',', ';', '|', '\t']),
    rowDelimiter: random.pick(['\n', '\n', '\r\n']),
    opInLoad: !isInsertsOnly && random.chance(0.5),
    timestampColumn: random.chance(0.6) ? 'dms_ts' : undefined,
    noSup: isPartial ? '~NOSUP~' : undefined,
    bucketFolder: random.pick([undefined, 'out', 'deep/out']),
    datePartition: random.chance(0.3),
    insertsOnly: isInsertsOnly,
  }
}

const AWKWARD = ['at', 'order', 'a"b', '__proto__']
const NAMES = [
  'amount',
  'note',
  'Größe',
  'is done',
  "o'clock",
  'select',
  'v1',
  'constructor',
  'rowid',
  'key',
  'Mixed',
  'filename',
]

const TIMED_AT = 3
const PLAIN_AT: readonly number[] = [4, 5]

/**
 * A random table of that endpoint; the first table of a landing has the awkward column names, the fourth is ordered by commit times where there
 * are any, and the fifth and sixth are plain.
 */
export function randomTable(random: Random, endpoint: Endpoint, at: number): TableSpec {
  const isListed = endpoint.format === 'csv' ? !endpoint.header || random.chance(0.8) : random.chance(0.5)
  const isTextOnly = endpoint.format === 'csv' && !isListed
  const keyTypes: readonly ColumnType[] = isTextOnly
    ? ['string']
    : random.pick<readonly ColumnType[]>([['long'], ['integer'], ['string'], ['long', 'string'], ['date', 'integer']])
  const key = keyTypes.map(
    (type, index): Column => ({
      name: at === 0 && index === 0 ? '__proto__' : `id${index}`,
      type,
      isKey: true,
      isInferred: isTextOnly,
    }),
  )
  const names = at === 0 ? AWKWARD.slice(0, 3) : random.shuffle(NAMES).slice(0, random.int(1, 4))
  const types = COLUMN_TYPES.filter((type) => isListed || type !== 'timestamp')
  const rest = names.map(
    (name): Column => ({
      name,
      type: isTextOnly ? 'string' : random.pick(types),
      isKey: false,
      isInferred: isTextOnly,
    }),
  )
  const sequences = [
    'none',
    'text',
    isListed ? 'long' : 'text',
    endpoint.timestampColumn === undefined ? 'text' : 'time',
  ] as const
  const partition = random.chance(0.2)
    ? rest.filter(({ type }) => type === 'integer' || type === 'date' || type === 'boolean').slice(0, 1)
    : []
  const table: TableSpec = {
    name: `${random.pick(['shop', 'hr'])}.t${at}`,
    columns: endpoint.header || endpoint.format === 'parquet' ? random.shuffle([...key, ...rest]) : [...key, ...rest],
    isListed,
    sequence: random.chance(0.4) ? 'none' : random.pick(sequences),
    beforeImage: endpoint.insertsOnly ? 'none' : random.pick(['none', 'key', 'key', 'all']),
    beforeImageInLoad: random.chance(0.5),
    write: random.chance(0.2) ? 'copy-on-write' : 'merge-on-read',
    partitionBy: partition.map(({ name }) => name),
    history: at % 2 === 1,
    hasLoad: random.chance(0.82),
    isMixed: isListed && endpoint.noSup === undefined && random.chance(0.1),
  }
  // Changes of one key tie there alone.
  if (at === TIMED_AT && endpoint.timestampColumn !== undefined) return { ...table, sequence: 'time' }
  // As most tables are: nothing of what a batch writes depends on what is stored.
  return PLAIN_AT.includes(at) ? { ...table, sequence: 'none', beforeImage: 'none', write: 'merge-on-read' } : table
}

/** `tributary.yaml` for the landing. JSON is YAML; a map is kept in order and safe for a column named `__proto__`. */
export function configText(endpoint: Endpoint, tables: readonly TableSpec[]): string {
  const dms = {
    DataFormat: endpoint.format,
    ...(endpoint.header ? { AddColumnName: true } : {}),
    ...(endpoint.gzip ? { CompressionType: 'GZIP' } : {}),
    ...(endpoint.nullMarker === undefined ? {} : { CsvNullValue: endpoint.nullMarker }),
    ...(endpoint.delimiter === ',' ? {} : { CsvDelimiter: endpoint.delimiter }),
    ...(endpoint.rowDelimiter === '\n' ? {} : { CsvRowDelimiter: endpoint.rowDelimiter }),
    ...(endpoint.opInLoad ? { includeopforfullload: 'true' } : {}),
    ...(endpoint.timestampColumn === undefined ? {} : { TimestampColumnName: endpoint.timestampColumn }),
    ...(endpoint.noSup === undefined ? {} : { UseCsvNoSupValue: true, CsvNoSupValue: endpoint.noSup }),
    ...(endpoint.bucketFolder === undefined ? {} : { BucketFolder: endpoint.bucketFolder }),
    ...(endpoint.datePartition ? { DatePartitionEnabled: true } : {}),
    ...(endpoint.insertsOnly ? { CdcInsertsOnly: true } : {}),
  }
  const settings = tables.map((table): [string, unknown] => {
    const columns = [
      ...table.columns.map(({ name, type }) => [name, type]),
      ...(table.sequence === 'long' ? [[SEQUENCE_COLUMN, 'long']] : []),
    ]
    const sequence = sequenceColumn(endpoint, table)
    return [
      table.name,
      {
        key: table.columns.filter(({ isKey }) => isKey).map(({ name }) => name),
        ...(table.isListed ? { columns: Object.fromEntries(columns) } : {}),
        ...(sequence === undefined ? {} : { sequence }),
        ...(table.history ? { history: true } : {}),
        ...(table.write === 'merge-on-read' ? {} : { write: table.write }),
        ...(table.partitionBy.length === 0 ? {} : { partitionBy: table.partitionBy }),
      },
    ]
  })
  return JSON.stringify({ landing: 'landing', lake: 'lake', dms, tables: Object.fromEntries(settings) }, null, 1)
}
