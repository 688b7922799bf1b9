// The Python readers that `make setup` installs into the checkout: what they see of a table, next to what we see.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Engine } from '../../src/duckdb/engine.ts'
import type { Snapshot } from '../../src/log/snapshot.ts'
import { ndjsonSql, readLines } from '../../src/read/render.ts'
import { scanSql } from '../../src/read/scan.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** The table's rows as delta-rs and DuckDB's extension read them, as sorted lines. Fails when the two differ. */
export async function peerRows(table: string, folder: string): Promise<readonly string[]> {
  const script = join(ROOT, 'cli/src/demo/compare.py')
  await promisify(execFile)(join(ROOT, '.venv/bin/python'), [script, table, '--rows', folder])
  return (await readFile(join(folder, 'delta-rs.ndjson'), 'utf8')).split('\n').slice(0, -1)
}

/** Our rows in the same form. */
export async function ourRows(engine: Engine, snapshot: Snapshot): Promise<readonly string[]> {
  const fork = await engine.fork()
  const lines: string[] = []
  const fields = snapshot.schema.fields.toSorted((left, right) => (left.name < right.name ? -1 : 1))
  for await (const batch of readLines(fork, ndjsonSql(await scanSql(fork, snapshot), fields))) lines.push(...batch)
  await fork.close()
  return lines.toSorted()
}
