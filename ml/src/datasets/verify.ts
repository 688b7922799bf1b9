// Proves that a dataset is what its manifest says: the bytes of its files, the rows in them, and the rows that its sources give today.
import { attachStore, type Engine, quoteText, type StructField, TributaryError } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { withRows } from './build.ts'
import { parseDefinition } from './definition.ts'
import { lineSql, rowsDigest } from './digest.ts'
import { partSql } from './extract.ts'
import { folderOf, type Manifest } from './manifest.ts'
import { hashOf } from './publish.ts'
import { storedRows, storedSql } from './stored.ts'

/** What became of a check. */
export type Verdict =
  | { readonly kind: 'reproduced' }
  /** The files are what they were, and what they were made of is no longer there. */
  | { readonly kind: 'sources-gone'; readonly because: string }
  /** The files are what the last erasure left; the rows that it took out are not made again. */
  | { readonly kind: 'redacted'; readonly rows: number; readonly times: number }
  /** Files that are missing or were changed. */
  | { readonly kind: 'files-damaged'; readonly paths: readonly string[] }
  /** Keys of rows that differ, some of them. */
  | { readonly kind: 'rows-differ'; readonly where: 'files' | 'sources'; readonly keys: readonly string[] }

const KEYS_SHOWN = 10

/** Checks a published dataset, from its bytes to its sources. Throws `DATASET_INVALID`, and what extracting throws unless sources are gone. */
export async function verifyDataset(lake: Lake, engine: Engine, manifest: Manifest): Promise<Verdict> {
  const damaged = await damagedFiles(lake, manifest)
  if (damaged.length > 0) return { kind: 'files-damaged', paths: damaged }
  if (manifest.redactions !== undefined) return verifyRedacted(lake, engine, manifest)
  const definition = parseDefinition(manifest.spec.yaml, `${folderOf(manifest)}manifest.json`)
  const versions = new Map(manifest.sources.map(({ table, version }) => [table, version]))
  const untilMs = manifest.cut.until === null ? undefined : Date.parse(manifest.cut.until)
  try {
    return await withRows(
      lake,
      engine,
      { definition, options: { versions, untilMs }, knownUntil: manifest.cut.known_until ?? undefined },
      async ({ fork, sources, extracted }) => {
        const replaced = sources
          .all()
          .find(({ name, snapshot }) =>
            manifest.sources.some(({ table, table_id }) => table === name && table_id !== snapshot.metadata.id),
          )
        if (replaced !== undefined) return { kind: 'sources-gone', because: `${replaced.name} is another table now` }
        await attachStore(fork, lake.root)
        for (const [part, { rows_digest }] of Object.entries(manifest.splits)) {
          const stored = await storedSql(lake, manifest, part)
          if ((await rowsDigest(fork, stored, extracted.fields)) !== rows_digest)
            return { kind: 'rows-differ', where: 'files', keys: [] }
          const fresh = partSql(extracted, part)
          if ((await rowsDigest(fork, fresh, extracted.fields)) !== rows_digest)
            return {
              kind: 'rows-differ',
              where: 'sources',
              keys: await differentKeys(fork, manifest, { stored, fresh, fields: extracted.fields }),
            }
        }
        return { kind: 'reproduced' }
      },
    )
  } catch (error) {
    if (error instanceof TributaryError && GONE.includes(error.code))
      return { kind: 'sources-gone', because: error.message }
    throw error
  }
}

async function verifyRedacted(lake: Lake, engine: Engine, manifest: Manifest): Promise<Verdict> {
  const fork = await engine.fork()
  try {
    await attachStore(fork, lake.root)
    const { fields } = await storedRows(lake, fork, manifest)
    for (const [part, { rows_digest }] of Object.entries(manifest.splits))
      if ((await rowsDigest(fork, await storedSql(lake, manifest, part), fields)) !== rows_digest)
        return { kind: 'rows-differ', where: 'files', keys: [] }
  } finally {
    await fork.close()
  }
  const redactions = manifest.redactions ?? []
  return {
    kind: 'redacted',
    rows: redactions.reduce((sum, { rows }) => sum + rows, 0),
    times: redactions.length,
  }
}

const GONE = [
  'TABLE_NOT_FOUND',
  'HISTORY_MISSING',
  'VERSION_NOT_FOUND',
  'VERSION_EXPIRED',
  'VERSION_VACUUMED',
  'DATA_FILE_MISSING',
  'FILE_NOT_FOUND',
  'TABLE_UNKNOWN',
]

async function damagedFiles(lake: Lake, manifest: Manifest): Promise<readonly string[]> {
  const damaged: string[] = []
  for (const { path, bytes, sha256: wanted } of Object.values(manifest.splits).flatMap(({ files }) => files)) {
    const full = folderOf(manifest) + path
    const found = await lake.root.stat(full)
    if (found?.sizeBytes !== bytes || (await hashOf(lake.root, full)) !== wanted) damaged.push(path)
  }
  return damaged
}

async function differentKeys(
  engine: Engine,
  { key }: Manifest,
  {
    stored,
    fresh,
    fields,
  }: { readonly stored: string; readonly fresh: string; readonly fields: readonly StructField[] },
): Promise<readonly string[]> {
  const [one, other] = [lineSql(stored, fields), lineSql(fresh, fields)]
  const values = key.map((name) => `json_extract_string(line, ${quoteText(`$.${JSON.stringify(name)}`)})`)
  const rows = await engine.all(
    `SELECT DISTINCT concat_ws(',', ${values.join(', ')}) AS key
     FROM (((${one}) EXCEPT ALL (${other})) UNION ALL ((${other}) EXCEPT ALL (${one}))) ORDER BY key LIMIT ${KEYS_SHOWN}`,
  )
  return rows.map((row) => String(row['key']))
}

/** The verdict as one line, in the words of the manual. */
export function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'reproduced':
      return 'REPRODUCED'
    case 'sources-gone':
      return `FILES INTACT, SOURCES GONE (${verdict.because})`
    case 'redacted':
      return `REDACTED (${verdict.rows} rows taken out${verdict.times === 1 ? '' : ` at ${verdict.times} times`}; the files are what that left)`
    case 'files-damaged':
      return `FILES DAMAGED (${verdict.paths.join(', ')})`
    case 'rows-differ':
      return `ROWS DIFFER (${verdict.where === 'files' ? 'the files hold other rows than the manifest says' : `keys ${verdict.keys.join('; ')}`})`
  }
}
