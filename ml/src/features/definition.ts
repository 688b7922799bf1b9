import { parseYaml } from '@tributary/pipeline'
import { z } from 'zod'
import { featureInvalid } from '../errors.ts'

const DURATION = /^([0-9]+) ?(s|m|h|d)$/
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const duration = z
  .string()
  .regex(DURATION, 'must be a time such as 60s, 5m, 24h or 7d')
  .transform((text) => {
    const [, count, unit = ''] = DURATION.exec(text) ?? []
    return Number(count) * (UNIT_MS[unit] ?? 0)
  })

const share = z.number().min(0, 'must be a share between 0 and 1').max(1, 'must be a share between 0 and 1')

const check = z.strictObject({
  column: z.string().min(1),
  min: z.number().optional(),
  max: z.number().optional(),
  max_null: share.optional(),
})

/** The shape of a file `features/NAME.yml`; `defineFeature` takes the same with `name` for `feature`. */
export const featureSchema = z.strictObject({
  feature: z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/, 'must be a name of small letters, digits and _, beginning with a letter')
    .refine(
      (name) => !name.endsWith('__history'),
      'ends with __history, as the table of its served rows will be called',
    ),
  entity: z.array(z.string().min(1)).min(1, 'must name at least one column'),
  sql: z.string().min(1),
  refresh: z
    .strictObject({
      mode: z.enum(['incremental', 'auto', 'full'], 'must be incremental, auto or full').optional(),
      max_affected: share.optional(),
      every: duration.optional(),
    })
    .optional(),
  keep_history: z.boolean().optional(),
  checks: z.array(check).optional(),
})

/** What has to hold of a column before anything is published. */
export interface FeatureCheck {
  readonly column: string
  readonly min: number | undefined
  readonly max: number | undefined
  /** The largest share of rows that may be NULL. */
  readonly nullShareMax: number | undefined
}

/** A feature: SQL over live tables whose result is kept as a table with one row a key. */
export interface FeatureDefinition {
  readonly name: string
  /** Key columns of the feature's table. */
  readonly entity: readonly string[]
  readonly sql: string
  readonly mode: 'incremental' | 'auto' | 'full'
  /** The share of keys beyond which a full computation is chosen; in `incremental` mode a run beyond it fails. */
  readonly affectedShareMax: number | undefined
  /** How old the table may become. */
  readonly everyMs: number | undefined
  readonly keepsHistory: boolean
  readonly checks: readonly FeatureCheck[]
}

/** What `defineFeature` takes: the settings of a feature's file, and its name. */
export type FeatureSettings = Omit<z.input<typeof featureSchema>, 'feature'> & { readonly name: string }

/** A feature from TypeScript, with the rules of its file. Throws `FEATURE_INVALID`. */
export function defineFeature({ name, ...settings }: FeatureSettings): FeatureDefinition {
  const parsed = featureSchema.safeParse({ ...settings, feature: name })
  if (parsed.success) return definitionOf(parsed.data)
  throw featureInvalid(`feature ${name}`, 1, describe(parsed.error.issues).problem)
}

/** Checks the text of a feature's file, which bears the feature's name. Throws `FEATURE_INVALID`, with the line and the remedy. */
export function parseFeature(text: string, path: string): FeatureDefinition {
  const document = parseYaml(text, (line, problem) => {
    throw featureInvalid(path, line, problem)
  })
  // Checked once: making code of the schema first takes longer.
  const parsed = featureSchema.safeParse(document.json, { jitless: true })
  if (!parsed.success) {
    const { where, problem } = describe(parsed.error.issues)
    throw featureInvalid(path, document.lineOf(where), problem)
  }
  const file = /([^/]*)\.yml$/.exec(path)?.[1]
  if (file !== undefined && file !== parsed.data.feature)
    throw featureInvalid(
      path,
      document.lineOf(['feature']),
      `the feature is called ${parsed.data.feature} and its file ${file}.yml. Give both one name`,
    )
  return definitionOf(parsed.data)
}

function definitionOf({ feature, entity, sql, refresh, keep_history, checks }: z.output<typeof featureSchema>) {
  return {
    name: feature,
    entity,
    sql,
    mode: refresh?.mode ?? 'auto',
    affectedShareMax: refresh?.max_affected,
    everyMs: refresh?.every,
    keepsHistory: keep_history ?? false,
    checks: (checks ?? []).map(({ column, min, max, max_null }) => ({ column, min, max, nullShareMax: max_null })),
  } satisfies FeatureDefinition
}

/** The first issue in words, and where it is. */
function describe(issues: readonly z.core.$ZodIssue[]): {
  readonly where: readonly PropertyKey[]
  readonly problem: string
} {
  const [issue] = issues
  if (issue === undefined) return { where: [], problem: 'something is wrong' }
  const name = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    return {
      where: [...issue.path, key],
      problem: `${key} is not a setting${name === '' ? '' : ` of ${name}`}. Correct the name or leave it out`,
    }
  }
  if (issue.code === 'invalid_type' && issue.message.includes('undefined'))
    return { where: issue.path, problem: `${name} is missing. Add it` }
  return { where: issue.path, problem: `${name}: ${issue.message}. Correct it` }
}
