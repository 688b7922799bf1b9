// Design §3.2: what each field of a file is. The settings are a default; each file is looked at, and what cannot be told
// for certain stops the table, because a wrong guess puts values into wrong columns in silence.
import type { S3Settings } from '../config/s3-settings.ts'
import { columnsUnknown, layoutAmbiguous, schemaMismatch } from '../errors.ts'
import { allReadings, isOp, readings } from './headerless-readings.ts'
import type { LayoutFacts, LayoutField } from './layout-facts.ts'

/** How a file's records map to columns. */
export interface Layout {
  readonly hasHeader: boolean
  readonly fields: readonly LayoutField[]
  /** Columns of the file that the table does not have yet. */
  readonly added: readonly string[]
  /** Columns of the table that the file does not have. */
  readonly missing: readonly string[]
  readonly warnings: readonly string[]
}

const BEFORE = 'BI_'

/** The layout of a CSV file from its first records. Throws `SCHEMA_MISMATCH`, `COLUMNS_UNKNOWN` and `LAYOUT_AMBIGUOUS`. */
export function detectCsvLayout(sample: readonly (readonly string[])[], facts: LayoutFacts): Layout {
  const [first] = sample
  if (first === undefined) return { hasHeader: false, fields: [], added: [], missing: [], warnings: [] }
  if (isHeader(first, sample, facts)) {
    const expectsHeader = facts.settings.AddColumnName === true
    const layout = namedLayout(first, facts)
    const unexpected = expectsHeader ? [] : [`${facts.key} has a header although AddColumnName is not set`]
    return { ...layout, warnings: [...unexpected, ...layout.warnings], hasHeader: true }
  }
  return headerlessLayout(sample, facts)
}

/** The layout of a file whose columns have names: Parquet, or CSV below its header. Throws `SCHEMA_MISMATCH`. */
export function namedLayout(names: readonly string[], facts: LayoutFacts): Layout {
  const stop = (problem: string): never => {
    throw schemaMismatch(facts.key, facts.table, problem)
  }
  const empty = names.indexOf('')
  if (empty !== -1)
    stop(
      `its header has no name for column ${empty + 1} (older DMS versions write one comma too many): the names may be shifted`,
    )
  const repeated = names.find((name, at) =>
    names.some((other, before) => before < at && other.toLowerCase() === name.toLowerCase()),
  )
  if (repeated !== undefined) stop(`its header names ${repeated} twice (letter case does not tell columns apart)`)
  const columnNames = new Set([...names, ...(facts.known ?? [])])
  const isListed = (name: string): boolean => facts.listed.includes(name)
  const fields = names.map((name): LayoutField => {
    if (name === 'Op' && !isListed(name)) return { name, role: 'op' }
    const of = name.startsWith(BEFORE) ? name.slice(BEFORE.length) : undefined
    return of !== undefined && columnNames.has(of) && !isListed(name)
      ? { name: of, role: 'before-image' }
      : { name, role: 'column' }
  })
  const columns = fields.filter((field) => field.role === 'column').map((field) => field.name)
  const lostKey = facts.keyColumns.filter((name) => !columns.includes(name))
  if (lostKey.length > 0) stop(`its columns are ${columns.join(', ')}, without the key ${lostKey.join(', ')}`)
  const known = facts.known ?? columns
  const added = columns.filter((name) => !known.includes(name))
  const missing = known.filter((name) => !columns.includes(name))
  const [lost, gained] = [missing, added].map((list) => list.filter((name) => isSourceColumn(name, facts)))
  if (lost !== undefined && gained !== undefined && lost.length > 0 && gained.length > 0 && !facts.isSchemaAccepted) {
    stop(
      `${lost.join(', ')} is gone and ${gained.join(', ')} is new, which looks like a rename. Name it under \`rename\` if it is one, or accept both as they are`,
    )
  }
  return {
    hasHeader: false,
    fields,
    added: facts.known === undefined ? [] : added,
    missing,
    warnings: opWarnings(fields, facts),
  }
}

function opWarnings(fields: readonly LayoutField[], { key, isLoad, settings }: LayoutFacts): readonly string[] {
  const mayLackOp = isLoad || settings.CdcInsertsOnly === true || settings.CdcInsertsAndUpdates === true
  return mayLackOp || fields.some((field) => field.role === 'op')
    ? []
    : [`${key} has no Op column: its rows are taken as inserts`]
}

// The extra columns of DMS come and go with the endpoint's settings and are no source columns.
function isSourceColumn(name: string, { settings, sequence }: LayoutFacts): boolean {
  return name !== settings.TimestampColumnName && name !== sequence
}

function isHeader(first: readonly string[], sample: readonly (readonly string[])[], facts: LayoutFacts): boolean {
  const { settings, keyColumns } = facts
  const names = new Set([
    'Op',
    ...(facts.known ?? []),
    ...keyColumns,
    settings.TimestampColumnName ?? 'Op',
    facts.sequence ?? 'Op',
  ])
  const isName = (text: string): boolean =>
    names.has(text) || (text.startsWith(BEFORE) && names.has(text.slice(BEFORE.length)))
  const namesFound = first.filter(isName).length
  const hasKey = keyColumns.every((name) => first.includes(name))
  if (hasKey && namesFound * 2 >= Math.min(first.length, names.size)) return true
  // No record of changes begins with that word.
  if (first[0] === 'Op' && !facts.listed.includes('Op')) return hasKey || wrongHeader(first, facts)
  if (settings.AddColumnName === true && facts.known === undefined) return hasKey || wrongHeader(first, facts)
  if (namesFound >= 2 && namesFound * 2 >= first.length) return wrongHeader(first, facts)
  // The settings promise a header: only a record that can be nothing but data goes against them.
  if (
    settings.AddColumnName === true &&
    !(isSurelyData(first, settings) && readings(first.length, sample, facts).length > 0)
  )
    return wrongHeader(first, facts)
  return false
}

/** Whether a record holds what no name of a column is: an operation at its place, nothing, or what begins as a number or a time does. */
function isSurelyData(record: readonly string[], { CsvNullValue }: S3Settings): boolean {
  return isOp(record[0]) || record.some((text) => text === CsvNullValue || /^$|^[-+.]?\d/.test(text))
}

function wrongHeader(first: readonly string[], { key, table, keyColumns, known = [] }: LayoutFacts): never {
  // A first record with few known names may be a row, and values of rows belong into no message.
  const found = first.filter((name) => known.includes(name)).length
  const isNamed = first[0] === 'Op' || found * 2 >= first.length
  const shown = isNamed
    ? first.slice(0, 20).join(', ')
    : `${first.length} fields, of which ${found} have known names; files without header want AddColumnName: false`
  throw schemaMismatch(key, table, `its header (${shown}) lacks the key ${keyColumns.join(', ')}`)
}

function headerlessLayout(sample: readonly (readonly string[])[], facts: LayoutFacts): Layout {
  const { key, table, settings } = facts
  if (facts.known === undefined) throw columnsUnknown(key, table)
  const width = commonWidth(sample)
  const found = readings(width, sample, facts)
  const [reading] = found
  if (reading === undefined) {
    const expected = [...new Set(allReadings(facts).map(({ fields }) => fields.length))].sort((a, b) => a - b)
    throw schemaMismatch(
      key,
      table,
      `its records have ${width} fields and no header, and the table's columns make ${expected.join(' or ')}. A column was added or dropped at the source`,
    )
  }
  if (found.length > 1)
    throw layoutAmbiguous(
      key,
      table,
      found.map(({ fields }) => fields.map(fieldLabel).join(',')),
    )
  const warnings = [...opWarnings(reading.fields, facts)]
  if (settings.AddColumnName === true) warnings.push(`${key} has no header although AddColumnName is set`)
  const columns = reading.fields.filter((field) => field.role === 'column').map((field) => field.name)
  return {
    hasHeader: false,
    fields: reading.fields,
    added: columns.filter((name) => !facts.known?.includes(name)),
    missing: facts.known.filter((name) => !columns.includes(name)),
    warnings,
  }
}

function fieldLabel({ name, role }: LayoutField): string {
  return role === 'before-image' ? BEFORE + name : name
}

function commonWidth(sample: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>()
  for (const row of sample) counts.set(row.length, (counts.get(row.length) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0
}
