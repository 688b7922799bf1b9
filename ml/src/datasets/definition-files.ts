import type { Store } from '@tributary/delta'
import { datasetInvalid, datasetUnknown } from '../errors.ts'
import { type Definition, parseDefinition } from './definition.ts'

const FOLDER = 'datasets/'

/** Reads `datasets/NAME.yml` of a project. Throws `DATASET_UNKNOWN`, `DATASET_INVALID`. */
export async function readDefinition(project: Store, name: string): Promise<Definition> {
  const known = await listDefinitions(project)
  if (!known.includes(name)) throw datasetUnknown(name, known)
  const path = `${FOLDER}${name}.yml`
  const definition = parseDefinition(Buffer.from(await project.read(path)).toString('utf8'), path)
  if (definition.name !== name)
    throw datasetInvalid(path, 1, `it defines ${definition.name}. Name the file datasets/${definition.name}.yml`)
  return definition
}

/** Names of the definitions of a project. */
export async function listDefinitions(project: Store): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { path } of project.list(FOLDER)) {
    const [, name] = /^datasets\/([^/]+)\.yml$/.exec(path) ?? []
    if (name !== undefined) names.push(name)
  }
  return names.toSorted()
}
