// What makes a training set worthless without anybody noticing. A guard that fails stops the build before anything is published.
import { type Engine, quoteName, quoteText } from '@tributary/delta'
import type { Definition } from './definition.ts'
import { type Extracted, ROWS } from './extract.ts'
import { knownAfterAt } from './known-after.ts'
import type { LabelUses } from './label-source.ts'
import type { GuardFinding } from './manifest.ts'
import { noFeatureTells } from './single-feature.ts'
import { partsOf } from './split.ts'

/** Looks at the extracted rows. */
export async function checkGuards(
  engine: Engine,
  definition: Definition,
  extracted: Extracted,
): Promise<readonly GuardFinding[]> {
  return [
    ...extracted.findings,
    ...(await knownAfterAt(engine, definition, extracted)),
    ...(await timesInOrder(engine, definition)),
    ...(await groupsApart(engine, definition)),
    ...(await rowsDiffer(engine, definition, extracted)),
    ...(await noFeatureTells(engine, definition, extracted.fields)),
    ...labelSource(definition, extracted.labelUses),
    ...currentTables(definition),
  ]
}

/** Whether each part has rows enough, told by the spine alone. */
export function enoughRows({ split, guards }: Definition, rows: ReadonlyMap<string, number>): GuardFinding {
  const few = partsOf(split).filter((part) => (rows.get(part) ?? 0) < (guards.minRows[part] ?? 1))
  const said = few.map((part) => `${part} has ${rows.get(part) ?? 0} rows, ${guards.minRows[part] ?? 1} are needed`)
  return few.length === 0
    ? passed('min_rows', 'every part has enough rows')
    : { guard: 'min_rows', outcome: 'failed', message: said.join('; ') }
}

async function timesInOrder(engine: Engine, { split }: Definition): Promise<readonly GuardFinding[]> {
  if (split.kind !== 'hash') return []
  const [first] = split.parts
  const [row] = await engine.all(
    `SELECT count(*) AS n FROM ${quoteName(ROWS)} WHERE ${partIs(first?.name ?? '')} AND "__at" > (SELECT min("__at") FROM ${quoteName(ROWS)} WHERE NOT ${partIs(first?.name ?? '')})`,
  )
  const later = Number(row?.['n'])
  if (later === 0) return [passed('time_order', 'no training row is later than a test row')]
  return [
    {
      guard: 'time_order',
      outcome: 'warned',
      message: `${later} rows of ${first?.name} are later than the first row of another part: a split by hash does not test how a model ages`,
    },
  ]
}

async function groupsApart(engine: Engine, { guards, split }: Definition): Promise<readonly GuardFinding[]> {
  if (guards.groupOverlap.length === 0) return []
  const group = guards.groupOverlap.map(quoteName).join(', ')
  const [row] = await engine.all(
    `SELECT count(*) AS n FROM (SELECT ${group} FROM ${quoteName(ROWS)} WHERE "__split" IN (${partsOf(split).map(quoteText).join(', ')}) GROUP BY ${group} HAVING count(DISTINCT "__split") > 1)`,
  )
  const shared = Number(row?.['n'])
  const name = guards.groupOverlap.join(', ')
  if (shared === 0) return [passed('group_overlap', `no ${name} is in two parts`)]
  // In a split by time the same entities are met again later, as they will be in service.
  return [
    {
      guard: 'group_overlap',
      outcome: split.kind === 'time' ? 'warned' : 'failed',
      message: `${shared} values of ${name} are in more than one part${split.kind === 'time' ? '' : ': set split.key to it'}`,
    },
  ]
}

async function rowsDiffer(
  engine: Engine,
  { guards, spine, split }: Definition,
  { fields }: Extracted,
): Promise<readonly GuardFinding[]> {
  if (guards.duplicateRows === 'off') return []
  const left = [...spine.key, spine.at, 'weight', ...(spine.label === undefined ? [] : [spine.label])]
  const features = fields.map(({ name }) => name).filter((name) => !left.includes(name))
  if (features.length === 0) return []
  const [row] = await engine.all(
    `SELECT coalesce(sum(n), 0) AS n FROM (SELECT count(*) AS n FROM ${quoteName(ROWS)} WHERE "__split" IN (${partsOf(split).map(quoteText).join(', ')})
     GROUP BY hash(${features.map(quoteName).join(', ')}) HAVING count(DISTINCT "__split") > 1)`,
  )
  const same = Number(row?.['n'])
  if (same === 0) return [passed('duplicate_rows', 'no row of one part has the features of a row of another')]
  return [
    {
      guard: 'duplicate_rows',
      outcome: guards.duplicateRows === 'error' ? 'failed' : 'warned',
      message: `${same} rows have all features in common with a row of another part`,
    },
  ]
}

/** What the label is computed from is no feature. Known before a row is read. */
export function labelSource({ guards }: Definition, uses: LabelUses | undefined): readonly GuardFinding[] {
  if (guards.labelSource === 'off' || uses === undefined) return []
  const from = uses.from.join(', ')
  if (uses.features.length === 0)
    return [passed('label_source', `no feature holds ${from}, which the label is made of`)]
  const [hold, them] = uses.features.length === 1 ? ['holds', 'it'] : ['hold', 'them']
  return [
    {
      guard: 'label_source',
      outcome: guards.labelSource === 'error' ? 'failed' : 'warned',
      message: `${uses.features.join(', ')} ${hold} ${from}, which the label is made of: leave ${them} out if known only afterwards`,
    },
  ]
}

function currentTables({ features }: Definition): readonly GuardFinding[] {
  return features.flatMap((feature): readonly GuardFinding[] =>
    feature.kind === 'current'
      ? [
          {
            guard: 'current',
            outcome: 'warned',
            message: `${feature.table} is read as it is now, not as it was known: right only for what never changes`,
          },
        ]
      : [],
  )
}

function passed(guard: string, message: string): GuardFinding {
  return { guard, outcome: 'passed', message }
}

function partIs(part: string): string {
  return `"__split" = ${quoteText(part)}`
}
