// A change as one JSON object. DuckDB makes the text, by the same rules as that of rows (design.md §6), so that millions of them stream.
import { type ChangesSelect, jsonValueSql, quoteName, quoteText, type StructField } from '@tributary/delta'
import { keyUnknown } from '../errors.ts'
import type { PlannedChanges } from './plan-changes.ts'

interface RecordShape {
  readonly fields: readonly StructField[]
  readonly key: readonly string[]
}

/** Which columns tell rows apart, and what `readSourceTimes` found for the commits. */
export interface RecordFacts extends Pick<PlannedChanges, 'key' | 'newest'> {
  readonly sourceTimes: ReadonlyMap<number, string>
}

/**
 * A SELECT of one text a change, by version: `{"op","key","version","committed_at","source_at","changed","before","after"}`. An update has in
 * `changed`, `before` and `after` the columns that differ; an insert has the whole row after it, a delete the whole row before it.
 * `source_at` is null where the commit does not tell it. Throws `KEY_UNKNOWN`.
 */
export function changeRecordsSql({ sql, fields }: ChangesSelect, { key, newest, sourceTimes }: RecordFacts): string {
  if (key.length === 0) throw keyUnknown(newest.store.url)
  const times = [...sourceTimes].map(([version, text]) => `(${version}, ${quoteText(JSON.stringify(text))})`)
  const told = times.length === 0 ? `(0, NULL::VARCHAR)` : times.join(', ')
  return `SELECT ${changeRecordText('t', { fields, key })} AS line
    FROM (${sql}) t LEFT JOIN (VALUES ${told}) AS s(version, source_at) ON s.version = t."_commit_version"
    ORDER BY t."_commit_version", t.__group`
}

/** SQL for the record of a row of `changePairsSql`; `row` is its name in the query, and `s` has the source's time. */
function changeRecordText(row: string, { fields, key }: RecordShape): string {
  const isKey = new Set(key.map((name) => name.toLowerCase()))
  const now = (field: StructField): string => `${row}.${quoteName(field.name)}`
  const was = (field: StructField): string => beforeOf(row, field)
  const keyText = objectSql(
    fields.filter(({ name }) => isKey.has(name.toLowerCase())).map((field) => [field, now(field)]),
  )
  const whole = objectSql(fields.map((field) => [field, now(field)]))
  const changed = (imageOf: (field: StructField) => string): string =>
    `concat('{', concat_ws(',', ${fields
      .map((field) => `CASE WHEN ${differsSql(row, field)} THEN ${memberSql(field, imageOf(field))} END`)
      .join(', ')}), '}')`
  const names = fields.map(
    (field) => `CASE WHEN ${differsSql(row, field)} THEN ${quoteText(JSON.stringify(field.name))} END`,
  )
  const op = `${row}._change_type`
  return `concat('{"op":"', ${op}, '","key":', ${keyText}, ',"version":', ${row}._commit_version,
    ',"committed_at":', ${jsonValueSql('timestamp', `${row}._commit_timestamp`)}, ',"source_at":', coalesce(s.source_at, 'null'),
    ',"changed":[', CASE ${op} WHEN 'update' THEN concat_ws(',', ${names.join(', ')}) ELSE '' END,
    '],"before":', CASE ${op} WHEN 'update' THEN ${changed(was)} WHEN 'delete' THEN ${whole} ELSE 'null' END,
    ',"after":', CASE ${op} WHEN 'update' THEN ${changed(now)} WHEN 'insert' THEN ${whole} ELSE 'null' END, '}')`
}

/** SQL that is true where a column of an update is not what it was. */
export function differsSql(row: string, field: StructField): string {
  const [was, now] = [beforeOf(row, field), `${row}.${quoteName(field.name)}`]
  // Values of changing type have no comparison of their own.
  if (JSON.stringify(field.type).includes('"variant"'))
    return `${jsonValueSql(field.type, was)} IS DISTINCT FROM ${jsonValueSql(field.type, now)}`
  return `${was} IS DISTINCT FROM ${now}`
}

/** SQL for what a column was before an update. */
export function beforeOf(row: string, { name }: StructField): string {
  return `struct_extract(${row}.__before, ${quoteText(name)})`
}

function objectSql(members: readonly (readonly [StructField, string])[]): string {
  if (members.length === 0) return `'{}'`
  const items = members.flatMap(([field, value], index) => [...(index === 0 ? [] : [`','`]), memberSql(field, value)])
  return `concat('{', ${items.join(', ')}, '}')`
}

function memberSql(field: StructField, value: string): string {
  return `concat(${quoteText(`${JSON.stringify(field.name)}:`)}, ${jsonValueSql(field.type, value)})`
}
