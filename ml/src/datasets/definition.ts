// `datasets/NAME.yml`: what a training set is made of.
import { z } from 'zod'
import { AGGREGATE_REMEDY, type Aggregate, parseAggregate } from './aggregate.ts'
import { parseDefinitionText } from './yaml-text.ts'

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const duration = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a duration such as 30s, 5m, 3h or 14d')
  .transform((text) => {
    const unit = text.at(-1)
    const count = Number(text.slice(0, -1))
    return count * (unit === 's' ? UNIT_MS.s : unit === 'm' ? UNIT_MS.m : unit === 'h' ? UNIT_MS.h : UNIT_MS.d)
  })

const name = z.string().min(1)
const names = z.array(name).min(1)
/** Columns of the other table that equal columns of the spine: the same names, or `{their: ours}`. */
const on = z
  .union([names, z.record(name, name)])
  .transform((pairs) =>
    Array.isArray(pairs)
      ? pairs.map((column) => ({ theirs: column, ours: column }))
      : Object.entries(pairs).map(([theirs, ours]) => ({ theirs, ours })),
  )
const aggregate = z.string().transform((text, context): Aggregate => {
  const parsed = parseAggregate(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: `"${text}" is no aggregate. It ${AGGREGATE_REMEDY}` })
  return z.NEVER
})

const asof = z.strictObject({ table: name, on, select: names, max_age: duration.optional(), as: name.optional() })
const window = z.strictObject({
  table: name,
  on,
  time: name,
  over: duration,
  agg: z.record(name, aggregate),
  as: name.optional(),
})
const stored = z.strictObject({
  name,
  on,
  select: names.optional(),
  max_age: duration.optional(),
  as: name.optional(),
})
const current = z.strictObject({ table: name, on, select: names, as: name.optional() })
const featureSettings = z.union([
  z.strictObject({ asof }),
  z.strictObject({ window }),
  z.strictObject({ feature: stored }),
  z.strictObject({ current }),
])

const timeBound = z
  .string()
  .regex(/^<\s*\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?$/, 'must be a bound such as "< 2026-01-31", read as UTC')
  .transform((text) => {
    const bare = text.replace(/^<\s*/, '').replace(' ', 'T').replace(/Z$/, '')
    return Date.parse(bare.length === 10 ? `${bare}T00:00:00Z` : `${bare.length === 16 ? `${bare}:00` : bare}Z`)
  })
const share = z.number().gt(0, 'must be above 0').max(1, 'must be at most 1')
const byTime = z.object({ by: z.literal('time'), gap: duration.optional() }).catchall(timeBound)
const byHash = z
  .object({
    by: z.literal('hash'),
    key: z.union([name, names]).optional(),
    salt: name,
    stratify: name.optional(),
  })
  .catchall(share)

const schema = z.strictObject({
  dataset: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/, 'must be a name of letters, digits, _ and -'),
  spine: z.strictObject({ sql: name, key: names, at: name, label: name.optional() }),
  known_at: z
    .strictObject({
      clock: z.enum(['source', 'lake', 'greatest']).optional(),
      delay: duration.optional(),
      trust_load: z.boolean().optional(),
    })
    .optional(),
  features: z.array(featureSettings).optional(),
  split: z.union([byTime, byHash]).optional(),
  sample: z
    .strictObject({ keep: share.optional(), negatives: share.optional(), by: z.literal('hash').optional() })
    .optional(),
  guards: z
    .strictObject({
      max_single_feature_auc: z.number().min(0.5).max(1).optional(),
      group_overlap: z.union([name, names]).optional(),
      duplicate_rows: z.enum(['error', 'warn', 'off']).optional(),
      label_source: z.enum(['error', 'warn', 'off']).optional(),
      min_rows: z.record(name, z.number().int().nonnegative()).optional(),
    })
    .optional(),
  stats: z
    .strictObject({ bins: z.number().int().min(2).max(100).optional(), alpha: z.number().gt(0).lt(1).optional() })
    .optional(),
  export: z
    .strictObject({
      format: z.literal('parquet').optional(),
      shards: z.union([z.literal('auto'), z.number().int().min(1).max(10_000)]).optional(),
      shard_mb: z.number().gt(0).optional(),
      row_group_rows: z.number().int().min(1000).optional(),
    })
    .optional(),
})

/** Columns of another table beside the columns of the spine that they equal. */
export type On = z.output<typeof on>
type Named<T> = T & { readonly kind: string; readonly as: string; readonly columns: readonly string[] }

/** One entry of `features`, with the names of the columns that it gives. */
export type Feature =
  | (Named<z.output<typeof asof>> & { readonly kind: 'asof' })
  | (Named<z.output<typeof window>> & { readonly kind: 'window' })
  | (Named<z.output<typeof stored>> & { readonly kind: 'feature' })
  | (Named<z.output<typeof current>> & { readonly kind: 'current' })

/** How the rows are told apart. */
export type Split =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'time'
      readonly gapMs: number
      readonly parts: readonly { readonly name: string; readonly beforeMs: number }[]
    }
  | {
      readonly kind: 'hash'
      readonly key: readonly string[]
      readonly salt: string
      readonly stratify: string | undefined
      readonly parts: readonly { readonly name: string; readonly share: number }[]
    }

/** A definition, checked and complete. */
export interface Definition {
  readonly name: string
  /** The file as it was written. */
  readonly text: string
  readonly spine: {
    readonly sql: string
    readonly key: readonly string[]
    readonly at: string
    readonly label: string | undefined
  }
  readonly knownAt: {
    readonly clock: 'source' | 'lake' | 'greatest'
    readonly delayMs: number
    readonly trustsLoad: boolean
  }
  readonly features: readonly Feature[]
  readonly split: Split
  readonly sample: { readonly keep: number; readonly negatives: number }
  readonly guards: {
    readonly maxSingleFeatureAuc: number | undefined
    readonly groupOverlap: readonly string[]
    readonly duplicateRows: 'error' | 'warn' | 'off'
    readonly labelSource: 'error' | 'warn' | 'off'
    readonly minRows: Readonly<Record<string, number>>
  }
  readonly stats: { readonly bins: number; readonly alpha: number }
  readonly shards: {
    readonly count: number | undefined
    readonly sizeMb: number
    readonly rowGroupRows: number
  }
}

/** Reads the text of `datasets/NAME.yml`. Throws `DATASET_INVALID`, with the line and the remedy. */
export function parseDefinition(text: string, path: string): Definition {
  const { value, fail } = parseDefinitionText(schema, text, path)
  const features = (value.features ?? []).map(nameFeature)
  const taken = new Set<string>(['split', 'weight'])
  for (const [index, { columns }] of features.entries())
    for (const column of columns) {
      if (taken.has(column.toLowerCase()))
        fail(['features', index], `two features give the column ${column}, or it is reserved. Set another name with as`)
      taken.add(column.toLowerCase())
    }
  const sample = { keep: value.sample?.keep ?? 1, negatives: value.sample?.negatives ?? 1 }
  if (sample.negatives < 1 && value.spine.label === undefined)
    fail(['sample', 'negatives'], 'sample.negatives needs spine.label. Name the label column')
  const split = splitOf(value, fail)
  const parts = split.kind === 'none' ? ['all'] : split.parts.map((part) => part.name)
  for (const part of Object.keys(value.guards?.min_rows ?? {}))
    if (!parts.includes(part))
      fail(['guards', 'min_rows', part], `there is no part ${part}. There are ${parts.join(', ')}`)
  return {
    name: value.dataset,
    text,
    spine: { ...value.spine, label: value.spine.label },
    knownAt: {
      clock: value.known_at?.clock ?? 'source',
      delayMs: value.known_at?.delay ?? 0,
      trustsLoad: value.known_at?.trust_load ?? false,
    },
    features,
    split,
    sample,
    guards: {
      maxSingleFeatureAuc: value.guards?.max_single_feature_auc,
      groupOverlap: listOf(value.guards?.group_overlap),
      duplicateRows: value.guards?.duplicate_rows ?? 'warn',
      labelSource: value.guards?.label_source ?? 'warn',
      minRows: value.guards?.min_rows ?? {},
    },
    stats: { bins: value.stats?.bins ?? 20, alpha: value.stats?.alpha ?? 0.01 },
    shards: {
      count: typeof value.export?.shards === 'number' ? value.export.shards : undefined,
      sizeMb: value.export?.shard_mb ?? 128,
      rowGroupRows: value.export?.row_group_rows ?? 122_880,
    },
  }
}

type Settings = z.output<typeof schema>

function nameFeature(feature: z.output<typeof featureSettings>): Feature {
  if ('asof' in feature) {
    const as = feature.asof.as ?? bareName(feature.asof.table)
    return { ...feature.asof, kind: 'asof', as, columns: feature.asof.select.map((column) => `${as}_${column}`) }
  }
  if ('window' in feature) {
    const as = feature.window.as ?? bareName(feature.window.table)
    return {
      ...feature.window,
      kind: 'window',
      as,
      columns: Object.keys(feature.window.agg).map((agg) => `${as}_${agg}`),
    }
  }
  if ('feature' in feature) {
    const as = feature.feature.as ?? feature.feature.name
    // Without a selection the columns are those of the table, which is not open yet.
    return {
      ...feature.feature,
      kind: 'feature',
      as,
      columns: (feature.feature.select ?? []).map((column) => `${as}_${column}`),
    }
  }
  const as = feature.current.as ?? bareName(feature.current.table)
  return { ...feature.current, kind: 'current', as, columns: feature.current.select.map((column) => `${as}_${column}`) }
}

function splitOf({ split, spine }: Settings, fail: (where: readonly PropertyKey[], problem: string) => never): Split {
  if (split === undefined) return { kind: 'none' }
  const entries = Object.entries(split).flatMap(([part, bound]): readonly (readonly [string, number])[] =>
    ['by', 'gap', 'key', 'salt', 'stratify'].includes(part) || typeof bound !== 'number' ? [] : [[part, bound]],
  )
  if (entries.length === 0) fail(['split'], 'split names no part. Write for example train, val and test')
  const bad = entries.find(([part]) => !/^[a-z][a-z0-9_]{0,30}$/.test(part))
  if (bad !== undefined) fail(['split', bad[0]], `${bad[0]} is no name of a split. Use small letters and digits`)
  if (split.by === 'time') {
    const parts = entries.map(([part, beforeMs]) => ({ name: part, beforeMs }))
    const wrong = parts.find(({ beforeMs }, index) => index > 0 && beforeMs <= (parts[index - 1]?.beforeMs ?? 0))
    if (wrong !== undefined)
      fail(['split', wrong.name], `split.${wrong.name} ends before the part above it. Put the parts in order of time`)
    return { kind: 'time', gapMs: split.gap ?? 0, parts }
  }
  const sum = entries.reduce((total, [, part]) => total + part, 0)
  if (Math.abs(sum - 1) > 1e-9) fail(['split'], `the shares of split add up to ${Number(sum.toFixed(9))}. Make it 1`)
  const key = split.key === undefined ? spine.key : listOf(split.key)
  return {
    kind: 'hash',
    key,
    salt: split.salt,
    stratify: split.stratify,
    parts: entries.map(([part, portion]) => ({ name: part, share: portion })),
  }
}

function listOf(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : names
}

function bareName(table: string): string {
  return table.slice(table.indexOf('.') + 1)
}
