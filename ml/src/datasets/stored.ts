// The rows of published datasets, as they are stored.
import { describeFields, type Engine, quoteFileName, type StructField } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { datasetNotFound } from '../errors.ts'
import { folderOf, type Manifest } from './manifest.ts'

/** A SELECT of the rows of one part. */
export function storedSql(lake: Lake, manifest: Manifest, part: string): Promise<string> {
  return filesSql(lake, manifest, manifest.splits[part]?.files ?? [])
}

/** A SELECT of the rows of some files. */
export async function filesSql(
  lake: Lake,
  manifest: Manifest,
  files: readonly { readonly path: string }[],
): Promise<string> {
  const names = await Promise.all(files.map(({ path }) => lake.root.locate(folderOf(manifest) + path)))
  return `SELECT * FROM read_parquet([${names.map(quoteFileName).join(', ')}])`
}

/** The rows of one part, or of all, with their columns; attach the lake's store to the engine first. Throws `DATASET_NOT_FOUND`. */
export async function storedRows(
  lake: Lake,
  engine: Engine,
  manifest: Manifest,
  part?: string,
): Promise<{ readonly sql: string; readonly fields: readonly StructField[] }> {
  const parts = part === undefined ? Object.keys(manifest.splits) : [part]
  if (part !== undefined && manifest.splits[part] === undefined)
    throw datasetNotFound(`${manifest.name}@${manifest.id}, part ${part}`)
  const sql = (await Promise.all(parts.map((name) => storedSql(lake, manifest, name)))).join(' UNION ALL ')
  const { fields } = await describeFields(engine, sql)
  return { sql, fields }
}
