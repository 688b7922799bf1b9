import type { Engine } from '@tributary/delta'
import { findNamedTable, type Lake } from '@tributary/pipeline'
import { type KeyQuery, keyQueries } from './affected-keys.ts'
import { compileFeature, type FeatureInput, orSqlFailed } from './compile.ts'
import type { FeatureDefinition } from './definition.ts'
import { featureSchema } from './feature-rows.ts'
import { openHeads } from './inputs.ts'
import { resultSql } from './key-queries.ts'

/** How a feature is kept up to date: what is read, what is rewritten and how the keys are found. */
export interface FeaturePlan {
  readonly feature: string
  readonly entity: readonly string[]
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly inputs: readonly FeatureInput[]
  /** What of the SQL is computed in another way, so that the result does not depend on the order of rows. */
  readonly rewrites: readonly string[]
  /** The SQL of the key queries, with words for the states of the tables. */
  readonly keyQueries: readonly KeyQuery[]
  readonly sql: string
}

/** Explains a feature without reading rows. Throws `FEATURE_SQL_REFUSED`, with the clause and the way on, and `FEATURE_SQL_FAILED`. */
export async function planFeature(lake: Lake, engine: Engine, definition: FeatureDefinition): Promise<FeaturePlan> {
  const fork = await engine.fork()
  try {
    const heads = openHeads((name) => findNamedTable(lake, name))
    const { query, schema } = await orSqlFailed(definition, async () => {
      const compiled = await compileFeature(fork, definition, heads.columnsOf)
      return { query: compiled, schema: await featureSchema(fork, definition, compiled, heads.columnsOf) }
    })
    const called = (state: string): readonly string[] => query.inputs.map(({ table }) => `${table} ${state}`)
    const states = {
      old: called('as it was'),
      now: called('as it is'),
      before: called('rows that went'),
      after: called('rows that came'),
    }
    const times = { fromMs: lake.clock.now() - 60_000, toMs: lake.clock.now() }
    return {
      feature: definition.name,
      entity: definition.entity,
      columns: schema.fields.map(({ name, type }) => ({ name, type: typeof type === 'string' ? type : type.type })),
      inputs: query.inputs,
      rewrites: query.reports,
      keyQueries: await keyQueries(fork, query, states, times),
      sql: await resultSql(fork, query, { names: states.now, asOfMs: times.toMs }),
    }
  } finally {
    await fork.close()
  }
}
