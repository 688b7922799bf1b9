// What may stand in `datasets/NAME.yml`.
import { z } from 'zod'
import { AGGREGATE_REMEDY, type Aggregate, parseAggregate } from './aggregate.ts'

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

/** The file as it is written. */
export const definitionSchema = z.strictObject({
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
    .strictObject({
      bins: z.number().int().min(2).max(100).optional(),
      alpha: z.number().gt(0).lt(1).optional(),
      reference: name.optional(),
    })
    .optional(),
  export: z
    .strictObject({
      format: z.literal('parquet').optional(),
      shards: z.union([z.literal('auto'), z.number().int().min(1).max(10_000)]).optional(),
      shard_mb: z.number().gt(0).optional(),
      row_group_rows: z.number().int().min(1000).optional(),
      row_group_mb: z.number().gt(0).optional(),
      order: z
        .literal('hash(key)', 'is always hash(key): shuffled as far as a model can tell, and the same each time')
        .optional(),
      // Refused with the way on.
      for: z.unknown().optional(),
    })
    .optional(),
})

/** What a file says, its durations and aggregates parsed. */
export type Settings = z.output<typeof definitionSchema>

/** One entry of `features`. */
export type FeatureSettings = z.output<typeof featureSettings>

/** Columns of another table beside the columns of the spine that they equal. */
export type On = z.output<typeof on>
