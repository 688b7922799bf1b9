// Design §3.2: what each field of a file is. The settings are a default; each file is looked at, and what cannot be told
// for certain stops the table, because a wrong guess puts values into wrong columns in silence.
import type { S3Settings } from '../config/s3-settings.ts'
import { columnsUnknown, layoutAmbiguous, schemaMismatch } from '../errors.ts'

/** What one field of a file's records is; names are the source's. */
export interface LayoutField {
  readonly name: string
  readonly role: 'op' | 'column' | 'before-image'
}

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

export interface LayoutFacts {
  readonly key: string
  readonly table: string
  readonly settings: S3Settings
  readonly isLoad: boolean
  /** The table's source columns in order; undefined when nothing is known yet. */
  readonly known: readonly string[] | undefined
  /** Columns listed in the configuration: a listed `BI_x` or timestamp column is a column. */
  readonly listed: readonly string[]
  readonly keyColumns: readonly string[]
  readonly sequence: string | undefined
  /** Whether a text can be a value of a key column. */
  readonly looksLikeKey: (column: string, text: string) => boolean
  /** Number of fields of the table's headerless files of this kind so far; undefined before the first. */
  readonly seenWidth: number | undefined
  /** Columns whose loss and gain are agreed to (`tributary resolve`). */
  readonly isSchemaAccepted: boolean
}

const OPS = new Set(['I', 'U', 'D'])
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
  if (keyColumns.every((name) => first.includes(name)) && namesFound * 2 >= Math.min(first.length, names.size))
    return true
  if (settings.AddColumnName === true && facts.known === undefined)
    return keyColumns.every((name) => first.includes(name)) || wrongHeader(first, facts)
  if (namesFound >= 2 && namesFound * 2 >= first.length) return wrongHeader(first, facts)
  // The settings promise a header: only a record that can be nothing but data goes against them.
  if (settings.AddColumnName === true && readings(first.length, sample, facts).length === 0)
    return wrongHeader(first, facts)
  return false
}

function wrongHeader(first: readonly string[], { key, table, keyColumns, known = [] }: LayoutFacts): never {
  // A first record without a known name may be a row, and values of rows belong into no message.
  const isNamed = first.some((name) => name === 'Op' || known.includes(name))
  const shown = isNamed ? first.slice(0, 20).join(', ') : `${first.length} fields and no name that is known`
  throw schemaMismatch(key, table, `its header (${shown}) lacks the key ${keyColumns.join(', ')}`)
}

interface Reading {
  readonly fields: readonly LayoutField[]
  readonly hasOp: boolean
  readonly hasTimestamp: boolean
  readonly hasSequence: boolean
  readonly before: 'none' | 'key' | 'all'
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
  if (settings.TimestampColumnName !== undefined && settings.TimestampColumnName !== '' && !reading.hasTimestamp)
    warnings.push(`${key} has no ${settings.TimestampColumnName} column although TimestampColumnName is set`)
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

/** The readings of a width that are left when the first field's values and the settings have spoken. */
function readings(width: number, sample: readonly (readonly string[])[], facts: LayoutFacts): readonly Reading[] {
  const rows = sample.filter((row) => row.length === width)
  const fitting = allReadings(facts).filter(
    (reading) =>
      reading.fields.length === width && (reading.before === 'none' || hasBeforeImages(reading, rows, facts)),
  )
  const ops = rows.filter(([op]) => OPS.has(op ?? '')).length
  const byOp = (hasOp: boolean): readonly Reading[] => fitting.filter((reading) => reading.hasOp === hasOp)
  const isOpen = byOp(true).length > 0 && byOp(false).length > 0
  // Some records with I, U or D and some without is no answer.
  const decided = !isOpen ? fitting : ops === rows.length ? byOp(true) : ops === 0 ? byOp(false) : fitting
  for (const isLikely of [wantsBoth, wantsOne, () => true]) {
    const likely = decided.filter((reading) => isLikely(reading, facts))
    if (likely.length > 0) return likely
  }
  return []
}

/**
 * Whether the last fields may be before images and not a column that was added at the source: they are empty in inserts,
 * have the key's type, and are the key itself in an update that leaves it as it is. One odd record in ten may be a bad row.
 */
function hasBeforeImages(
  reading: Reading,
  rows: readonly (readonly string[])[],
  { keyColumns, looksLikeKey, settings, seenWidth }: LayoutFacts,
): boolean {
  const isNull = (text: string | undefined): boolean => text === '' || text === settings.CsvNullValue
  const images = reading.fields.flatMap(({ role }, at) => (role === 'before-image' ? [at] : []))
  const keys = keyColumns.map((name) => ({
    name,
    at: reading.fields.findIndex((field) => field.role === 'column' && field.name === name),
  }))
  let odd = 0
  let evidence = 0
  for (const row of rows) {
    const isInsert = !reading.hasOp || row[0] === 'I'
    const isEmpty = images.every((at) => isNull(row[at]))
    const isDelete = row[0] === 'D'
    if (
      isInsert
        ? !isEmpty
        : !keys.every(
            ({ name }, key) => isNull(row[images[key] ?? -1]) || looksLikeKey(name, row[images[key] ?? -1] ?? ''),
          )
    )
      odd += 1
    // A delete without images holds nothing that could come into a wrong column.
    else if (isInsert || (isDelete && isEmpty) || keys.some(({ at }, key) => row[images[key] ?? -1] === row[at]))
      evidence += 1
  }
  // Only a change of width can be a column that was added; as long as the width stays, nothing speaks against images.
  const isWidthNew = seenWidth !== undefined && seenWidth !== reading.fields.length
  return (evidence > 0 || !isWidthNew) && odd * 10 <= rows.length
}

function wantsBoth(reading: Reading, facts: LayoutFacts): boolean {
  return reading.hasTimestamp === hasOwnTimestamp(facts) && reading.hasSequence === hasOwnSequence(facts)
}

function wantsOne(reading: Reading, facts: LayoutFacts): boolean {
  return reading.hasTimestamp === hasOwnTimestamp(facts) || reading.hasSequence === hasOwnSequence(facts)
}

function hasOwnTimestamp({ settings, listed }: LayoutFacts): boolean {
  const name = settings.TimestampColumnName
  return name !== undefined && name !== '' && !listed.includes(name)
}

function hasOwnSequence({ sequence, listed, settings }: LayoutFacts): boolean {
  return sequence !== undefined && sequence !== settings.TimestampColumnName && !listed.includes(sequence)
}

/** `[Op] [TimestampColumnName]`, the columns, `[sequence]`, `[BI_ of the key, then of the rest]`. */
function allReadings(facts: LayoutFacts): readonly Reading[] {
  const { settings, sequence, keyColumns } = facts
  const listed = facts.listed.length > 0 ? facts.listed : (facts.known ?? [])
  const column = (name: string): LayoutField => ({ name, role: 'column' })
  const image = (name: string): LayoutField => ({ name, role: 'before-image' })
  // Columns that a mapping rule or the endpoint adds have no before image, also when they are listed.
  const isAdded = (name: string): boolean => name === sequence || name === settings.TimestampColumnName
  const rest = listed.filter((name) => !keyColumns.includes(name) && !isAdded(name))
  const images = { none: [], key: keyColumns, all: [...keyColumns, ...rest] } as const
  return [true, false].flatMap((hasOp) =>
    (hasOwnTimestamp(facts) ? [true, false] : [false]).flatMap((hasTimestamp) =>
      (hasOwnSequence(facts) ? [true, false] : [false]).flatMap((hasSequence) =>
        (rest.length > 0 ? (['none', 'key', 'all'] as const) : (['none', 'key'] as const)).map((before) => ({
          hasOp,
          hasTimestamp,
          hasSequence,
          before,
          fields: [
            ...(hasOp ? [{ name: 'Op', role: 'op' } as const] : []),
            ...(hasTimestamp ? [column(settings.TimestampColumnName ?? '')] : []),
            ...listed.map(column),
            ...(hasSequence ? [column(sequence ?? '')] : []),
            ...images[before].map(image),
          ],
        })),
      ),
    ),
  )
}

function commonWidth(sample: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>()
  for (const row of sample) counts.set(row.length, (counts.get(row.length) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0
}
