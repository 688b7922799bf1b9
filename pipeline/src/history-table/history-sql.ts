// SQL of single values in a history row.
import { type DataType, duckdbType, quoteName, quoteText, type StructType } from '@tributary/delta'
import { fieldOf, type TableShape } from '../upsert/batch.ts'

/** A time in microseconds as SQL. */
export function timeSql(us: number | string): string {
  return `make_timestamptz(${us})`
}

/** What of a history row follows from the batch alone. */
export interface RowFrame {
  readonly generation: number
  readonly batch: number
  readonly committedAtUs: number
}

/** The select items of a history row after the table's own columns. */
export function frameSql(
  { generation, batch, committedAtUs }: RowFrame,
  row: { readonly op: string; readonly at: string; readonly seq: string; readonly file: string; readonly row: string },
): string {
  return [
    `${row.op} AS "__op"`,
    `${row.at} AS "__source_at"`,
    `${row.seq} AS "__seq"`,
    `${generation}::BIGINT AS "__generation"`,
    `${batch}::BIGINT AS "__batch"`,
    `${timeSql(committedAtUs)} AS "__committed_at"`,
    `${row.file} AS "__file"`,
    `${row.row} AS "__row"`,
  ].join(', ')
}

/** Select items of the live table's columns: as `value` gives them, NULL where it gives nothing. */
export function columnsSql(schema: StructType, value: (name: string) => string | undefined): string {
  return schema.fields
    .map(({ name, type }) => `${value(name) ?? `NULL::${duckdbType(type)}`} AS ${quoteName(name)}`)
    .join(', ')
}

const INTEGER_DIGITS: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 19 }

// Histories of before have DuckDB's spelling of these types, whose order is another: what comes later sorts after all of it.
const AFTER_SPELLED = '~'

/**
 * A sequence as text whose bytewise order is the order of the values: numbers are filled up with zeros, and of negative ones the digits are
 * turned around, so that less sorts first. Floating-point numbers and bytes are written in hexadecimal.
 */
export function sequenceTextSql(shape: TableShape, value: string): string {
  if (shape.sequence === undefined) return 'NULL::VARCHAR'
  const { type } = fieldOf(shape, shape.sequence)
  if (type === 'binary') return `'${AFTER_SPELLED}' || hex(${value})`
  if (type === 'float' || type === 'double') return floatTextSql(`CAST(${value} AS DOUBLE)`)
  const digits = digitsOf(String(type))
  if (digits === undefined) return `CAST(${value} AS VARCHAR)`
  const text = `lpad(ltrim(CAST(${value} AS VARCHAR), '-'), ${digits}, '0')`
  return `CASE WHEN ${value} < 0 THEN '-' || ${turnedSql(text)} ELSE ${text} END`
}

/** `__seq` of a history that gets a wider type for the sequence: the text of the same value in that type. `was` is the type before. */
export function widenedSequenceSql(shape: TableShape, was: DataType): string {
  const [text, digits] = [quoteName('__seq'), digitsOf(String(was))]
  // Other types are texts of the same form before and after.
  if (shape.sequence === undefined || digits === undefined) return text
  const plain = `CASE WHEN ${text}[1] = '-' THEN '-' || ${turnedSql(`${text}[2:]`)} ELSE ${text} END`
  const value = `TRY_CAST(${plain} AS ${duckdbType(fieldOf(shape, shape.sequence).type)})`
  // A generation of before may have had another column for its sequence.
  return `CASE WHEN length(ltrim(${text}, '-')) = ${digits} THEN coalesce(${sequenceTextSql(shape, value)}, ${text}) ELSE ${text} END`
}

function turnedSql(text: string): string {
  return `translate(${text}, '0123456789', '9876543210')`
}

// IEEE 754: the bits of numbers that are not negative sort as these do, and those of negative ones the other way round. To DuckDB, and so
// to the live table, both zeros are one, and NaN is one and the greatest.
function floatTextSql(value: string): string {
  const one = `CASE WHEN isnan(${value}) THEN 'NaN'::DOUBLE WHEN ${value} = 0 THEN 0::DOUBLE ELSE ${value} END`
  return `CASE WHEN ${value} < 0 THEN '${AFTER_SPELLED}-' || hex((~(${value})::BIT)::BLOB) ELSE '${AFTER_SPELLED}' || hex((${one})::BIT::BLOB) END`
}

function digitsOf(type: string): number | undefined {
  const [, precision] = /^decimal\((\d+),\d+\)$/.exec(type) ?? []
  // The point, and DuckDB's spelling of a fraction without a whole part.
  return precision === undefined ? INTEGER_DIGITS[type] : Number(precision) + 2
}

/** An SQL text, or NULL. */
export function textSql(text: string | undefined): string {
  return text === undefined ? 'NULL::VARCHAR' : quoteText(text)
}
