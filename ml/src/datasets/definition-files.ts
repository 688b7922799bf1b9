import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetInvalid, datasetUnknown } from '../errors.ts'
import { type Definition, parseDefinition } from './definition.ts'

/** Reads `datasets/NAME.yml` below a folder, that of the project file. Throws `DATASET_UNKNOWN`, `DATASET_INVALID`. */
export async function readDefinition(folder: string, name: string): Promise<Definition> {
  const known = await listDefinitions(folder)
  if (!known.includes(name)) throw datasetUnknown(name, known)
  const path = join(folder, 'datasets', `${name}.yml`)
  const definition = parseDefinition(await readFile(path, 'utf8'), path)
  if (definition.name !== name)
    throw datasetInvalid(path, 1, `it defines ${definition.name}. Name the file datasets/${definition.name}.yml`)
  return definition
}

/** Names of the definitions below a folder. */
export async function listDefinitions(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(folder, 'datasets')).catch((): readonly string[] => [])
  return entries.flatMap((entry) => (entry.endsWith('.yml') ? [entry.slice(0, -'.yml'.length)] : [])).toSorted()
}
