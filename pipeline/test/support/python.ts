// The Python readers that `make setup` installs into the checkout.
import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
const PYTHON = join(ROOT, '.venv/bin/python')
const COMPARE = join(ROOT, 'cli/src/demo/compare.py')
const run = promisify(execFile)

/** Runs a Python script of ours; returns what it printed. */
export async function runPython(script: string, ...rest: readonly string[]): Promise<string> {
  await access(PYTHON).catch(() => {
    throw new Error(`${PYTHON} is not there: run make setup`)
  })
  const { stdout } = await run(PYTHON, [script, ...rest], { maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/** The table's rows as delta-rs and DuckDB's delta extension read them: canonical lines, sorted. Fails when the two differ. */
export async function peerRows(table: string, folder: string): Promise<readonly string[]> {
  const [rows = []] = await peerTables([table], folder)
  return rows
}

/** The same of several tables, whose last names differ. */
export async function peerTables(tables: readonly string[], folder: string): Promise<readonly (readonly string[])[]> {
  await runPython(COMPARE, ...tables, '--rows', folder)
  return Promise.all(
    tables.map(async (table) => {
      const text = await readFile(join(folder, basename(table), 'delta-rs.ndjson'), 'utf8')
      return text.split('\n').slice(0, -1)
    }),
  )
}
