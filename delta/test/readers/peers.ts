// What other readers see in our tables: delta-rs and DuckDB's own extension, from the checkout's Python.

import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Engine } from '../../src/duckdb/engine.ts'
import type { Snapshot } from '../../src/log/snapshot.ts'
import { ndjsonSql, readLines } from '../../src/read/render.ts'
import { scanSql } from '../../src/read/scan.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PYTHON = join(ROOT, '.venv/bin/python')
const run = promisify(execFile)

/** Runs a Python script; returns what it printed. */
export async function runPython(script: string, ...rest: readonly string[]): Promise<string> {
  await access(PYTHON).catch(() => {
    throw new Error(`${PYTHON} is not there: run make setup`)
  })
  return (await run(PYTHON, [script, ...rest], { maxBuffer: 64 * 1024 * 1024 })).stdout
}

/** The rows of a version as delta-rs and DuckDB read them: canonical lines, sorted. Fails when the two differ. */
export async function peerRows(table: string, folder: string, version: number): Promise<readonly string[]> {
  const script = join(ROOT, 'cli/src/demo/compare.py')
  await runPython(script, table, '--rows', folder, '--version', String(version))
  return linesOf(await readFile(join(folder, basename(table), 'delta-rs.ndjson'), 'utf8'))
}

/** The same of the newest versions of many tables, whose last names differ, in one process: it takes longer to start than to read. */
export async function peerTables(tables: readonly string[], folder: string): Promise<readonly (readonly string[])[]> {
  await runPython(join(ROOT, 'cli/src/demo/compare.py'), ...tables, '--rows', folder)
  return Promise.all(
    tables.map(async (table) => linesOf(await readFile(join(folder, basename(table), 'delta-rs.ndjson'), 'utf8'))),
  )
}

/** The change feed as delta-rs reads it: canonical lines without the time, sorted. */
export async function peerFeed(table: string, fromVersion: number): Promise<readonly string[]> {
  return linesOf(await runPython(join(import.meta.dirname, 'read-feed.py'), table, String(fromVersion)))
}

/** Our rows in the same form. */
export async function ourRows(engine: Engine, snapshot: Snapshot): Promise<readonly string[]> {
  const fork = await engine.fork()
  try {
    const sql = ndjsonSql(await scanSql(fork, snapshot), snapshot.schema.fields)
    const batches = await Array.fromAsync(readLines(fork, sql))
    return batches.flat().map(canonicalLine).sort(byCodePoint)
  } finally {
    await fork.close()
  }
}

/** A line of JSON with sorted keys at every level. */
export function canonicalLine(line: string): string {
  return JSON.stringify(sorted(JSON.parse(line)))
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').slice(0, -1)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [name, sorted(inner)])
  return Object.fromEntries(entries.toSorted(([a], [b]) => byCodePoint(a, b)))
}

/** Python sorts by code point, JavaScript by UTF-16 unit. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
