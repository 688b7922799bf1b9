// Values of source columns. A value is its canonical text, so that the oracle compares texts and knows no types.
import type { Random } from './random.ts'

export const COLUMN_TYPES = [
  'string',
  'long',
  'integer',
  'decimal(12,2)',
  'boolean',
  'date',
  'timestamp',
  'double',
] as const

export type ColumnType = (typeof COLUMN_TYPES)[number]

/** Canonical text, or null. */
export type Value = string | null

const TEXTS = [
  'plain',
  "O'Hara",
  'a,b',
  'say "hi"',
  'two\nlines',
  'cr\r\nlf',
  ' padded ',
  'NULL',
  '\\N',
  '',
  'café ☕ 𝄞',
  'tab\there',
  'semi;colon',
  'pipe|d',
  '-1',
  '0x10',
  'I',
  'D',
  '1e3',
  'true',
  '\\',
  '""',
  '"',
  'bare\rcr',
  '#',
  "it''s",
  '\n',
  '0042',
]

/** A random value; strings are as awkward as RFC 4180 allows. */
export function randomValue(random: Random, type: ColumnType): string {
  const two = (low: number, high: number): string => String(random.int(low, high)).padStart(2, '0')
  const date = (): string => `${random.pick(['0001', '1969', '1999', '2026', '9999'])}-${two(1, 12)}-${two(1, 28)}`
  switch (type) {
    case 'string':
      return random.chance(0.7) ? random.pick(TEXTS) : `text ${random.int(0, 999)}`
    case 'long':
      return random.chance(0.2)
        ? random.pick(['9223372036854775807', '-9223372036854775808', '9007199254740993'])
        : String(random.int(-999, 999))
    case 'integer':
      return random.chance(0.1) ? random.pick(['2147483647', '-2147483648']) : String(random.int(-99, 99))
    case 'decimal(12,2)':
      return random.chance(0.1)
        ? random.pick(['9999999999.99', '-9999999999.99'])
        : `${random.int(1, 999)}.${two(0, 99)}`
    case 'boolean':
      return random.pick(['true', 'false'])
    case 'date':
      return date()
    case 'timestamp':
      return `${date()} ${two(0, 23)}:${two(0, 59)}:${two(0, 59)}.${random.pick(['000000', '120000', '123456', '999999', '000001'])}`
    case 'double':
      return random.pick(['0.5', '-2.25', '1.75', '1024.125'])
  }
}

/** One of the texts in which DMS may write the value. */
export function csvText(random: Random, type: ColumnType, value: string): string {
  switch (type) {
    case 'long':
    case 'integer':
      return random.chance(0.05) && !value.startsWith('-') ? `+${value}` : value
    case 'decimal(12,2)':
      return random.chance(0.1) ? `${value}00` : value
    case 'boolean':
      return random.pick(value === 'true' ? ['true', 't', '1', 'Y'] : ['false', 'f', '0', 'N'])
    case 'timestamp':
      if (random.chance(0.1)) return `${value}7`
      return random.chance(0.3) ? value.replace(/\.?0+$/, '') : value
    default:
      return value
  }
}

const DUCKDB_TYPES = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  'decimal(12,2)': 'DECIMAL(12,2)',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  double: 'DOUBLE',
} as const satisfies Readonly<Record<ColumnType, string>>

/** The value as DuckDB SQL, for Parquet files. */
export function sqlLiteral(type: ColumnType, value: Value): string {
  return value === null ? `NULL::${DUCKDB_TYPES[type]}` : `${quoted(value)}::${DUCKDB_TYPES[type]}`
}

/** SQL that turns a stored column back into canonical text. */
export function canonicalSql(type: ColumnType, column: string): string {
  return type === 'timestamp' ? `strftime(${column}, '%Y-%m-%d %H:%M:%S.%f')` : `CAST(${column} AS VARCHAR)`
}

/** A text as a SQL literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as a SQL identifier. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
