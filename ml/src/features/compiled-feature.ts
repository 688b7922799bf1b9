// A feature's SQL, checked and prepared, with the columns that it gives. That takes two dozen statements, and changes only with the definition and
// the columns of its tables: a process that refreshes again and again does it once.
import type { Engine, StructType } from '@tributary/delta'
import { compileFeature, type FeatureQuery } from './compile.ts'
import type { FeatureDefinition } from './definition.ts'
import { featureSchema } from './feature-rows.ts'
import { specHash } from './feature-state.ts'
import type { InputHeads } from './inputs.ts'

/** What is ready to be computed. */
export interface CompiledFeature {
  readonly query: FeatureQuery
  readonly schema: StructType
}

/** Compiled features at hand, each with the columns that its tables had, by the hash of the definition. */
export type CompiledFeatures = Map<string, CompiledFeature & { readonly columns: string }>

/** Throws what `compileFeature` and `featureSchema` throw. */
export async function compiledFeature(
  engine: Engine,
  definition: FeatureDefinition,
  heads: InputHeads,
  atHand: CompiledFeatures,
): Promise<CompiledFeature> {
  const spec = `${definition.name} ${specHash(definition)}`
  const known = atHand.get(spec)
  if (known !== undefined && known.columns === (await columnsOf(known.query, heads))) return known
  const query = await compileFeature(engine, definition, heads.columnsOf)
  const schema = await featureSchema(engine, definition, query, heads.columnsOf)
  atHand.set(spec, { query, schema, columns: await columnsOf(query, heads) })
  return { query, schema }
}

async function columnsOf({ inputs }: FeatureQuery, heads: InputHeads): Promise<string> {
  const columns: unknown[] = []
  for (const { table } of inputs) columns.push(table, await heads.columnsOf(table))
  return JSON.stringify(columns)
}
