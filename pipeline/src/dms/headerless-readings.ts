// Which field of a record without names is what: design §3.2, "headerless order".
import type { LayoutFacts, LayoutField } from './layout-facts.ts'

/** What the fields of a record may be. */
export interface Reading {
  readonly fields: readonly LayoutField[]
  readonly hasOp: boolean
  readonly hasTimestamp: boolean
  readonly hasSequence: boolean
  readonly before: 'none' | 'key' | 'all'
}

const OPS = new Set(['I', 'U', 'D'])

/** Whether a text is one of DMS's operations. */
export function isOp(text: string | undefined): boolean {
  return OPS.has(text ?? '')
}

/** The readings of a width that are left when the first field's values and the settings have spoken. */
export function readings(
  width: number,
  sample: readonly (readonly string[])[],
  facts: LayoutFacts,
): readonly Reading[] {
  const rows = sample.filter((row) => row.length === width)
  const fitting = allReadings(facts).filter(
    (reading) =>
      reading.fields.length === width && (reading.before === 'none' || hasBeforeImages(reading, rows, facts)),
  )
  const ops = rows.filter(([op]) => isOp(op)).length
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
export function allReadings(facts: LayoutFacts): readonly Reading[] {
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
