import type { Engine, Store } from '@tributary/delta'
import { featureCycle, featureUnknown } from '../errors.ts'
import { type FeatureDefinition, parseFeature } from './definition.ts'
import { parseFeatureSql, refusalsOf } from './parse-feature-sql.ts'

const FOLDER = 'features/'

/** All features that files `features/NAME.yml` of a project define, by name. Throws `FEATURE_INVALID`. */
export async function readFeatures(project: Store): Promise<readonly FeatureDefinition[]> {
  const paths: string[] = []
  for await (const { path } of project.list(FOLDER)) if (/^features\/[^/]+\.yml$/.test(path)) paths.push(path)
  const definitions: FeatureDefinition[] = []
  for (const path of paths.sort())
    definitions.push(parseFeature(Buffer.from(await project.read(path)).toString('utf8'), path))
  return definitions
}

/** The feature of a name. Throws `FEATURE_UNKNOWN`. */
export function findFeature(definitions: readonly FeatureDefinition[], name: string): FeatureDefinition {
  const bare = name.replace(/^features\./, '')
  const found = definitions.find((definition) => definition.name === bare)
  if (found === undefined)
    throw featureUnknown(
      bare,
      definitions.map((definition) => definition.name),
    )
  return found
}

/** The features in an order in which each comes after those that it reads. Throws `FEATURE_CYCLE`, and what `parseFeatureSql` throws. */
export async function orderFeatures(
  engine: Engine,
  definitions: readonly FeatureDefinition[],
): Promise<readonly FeatureDefinition[]> {
  const reads = new Map<FeatureDefinition, readonly FeatureDefinition[]>()
  for (const definition of definitions) {
    const { inputs } = await parseFeatureSql(engine, definition.sql, refusalsOf(definition.name))
    const names = new Set(inputs.map(({ table }) => table.toLowerCase()))
    reads.set(
      definition,
      definitions.filter(({ name }) => names.has(`features.${name}`)),
    )
  }
  return orderByReads(definitions, reads)
}

/** Pure: depth first, with the path so far to tell a cycle by. */
export function orderByReads(
  definitions: readonly FeatureDefinition[],
  reads: ReadonlyMap<FeatureDefinition, readonly FeatureDefinition[]>,
): readonly FeatureDefinition[] {
  const ordered = new Set<FeatureDefinition>()
  const visit = (definition: FeatureDefinition, path: readonly FeatureDefinition[]): void => {
    if (ordered.has(definition)) return
    const start = path.indexOf(definition)
    if (start >= 0) throw featureCycle([...path.slice(start), definition].map(({ name }) => name))
    for (const other of reads.get(definition) ?? []) visit(other, [...path, definition])
    ordered.add(definition)
  }
  for (const definition of definitions) visit(definition, [])
  return [...ordered]
}
