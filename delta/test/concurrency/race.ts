// Several writers of one table, and what must hold of it afterwards: each version is one operation that somebody tells of, and the rows
// are those that the operations give in the order of the versions.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Engine } from '../../src/duckdb/engine.ts'
import { commitPath } from '../../src/log/file-names.ts'
import { createTable, type Table } from '../../src/table.ts'
import { schemaOf } from '../read/table.ts'
import { rowsOf } from '../write/support.ts'
import { applyOperation, type Operation, SHARED_IDS } from './operations.ts'

const run = promisify(execFile)
const READ_EVERY_MS = 1000

/** Operations by the version that they made. */
export type Operations = ReadonlyMap<number, Operation>

/** A table with a row of each id that the writers share. */
export async function startTable(
  engine: Engine,
  url: string,
  options: { readonly deletionVectors?: boolean } = {},
): Promise<Table> {
  const schema = schemaOf([
    ['id', 'long'],
    ['v', 'string'],
  ])
  const table = await createTable(url, { schema, ...options }, { engine })
  await table.append({ sql: `SELECT i AS id, 'start' AS v FROM range(${SHARED_IDS}) r(i)` })
  return table
}

/** Lets processes of ours write for a time, and then on, slower and for a minute at most, until `until` settles; returns what they committed. */
export async function runOurs(
  url: string,
  {
    processes,
    seconds,
    pauseMsMax = 0,
    environment = {},
    until = Promise.resolve(),
  }: {
    readonly until?: Promise<unknown>
    readonly processes: number
    readonly seconds: number
    readonly pauseMsMax?: number
    readonly environment?: Readonly<Record<string, string>>
  },
): Promise<Operations> {
  const script = join(import.meta.dirname, 'writer-process.ts')
  const outputs = await Promise.all(
    Array.from({ length: processes }, (_, number) => {
      const running = run(process.execPath, [script, url, String(number), String(seconds), String(pauseMsMax)], {
        maxBuffer: 64 * 1024 * 1024,
        env: { ...process.env, ...environment },
      })
      const end = (): void => void running.child.stdin?.end()
      until.then(end, end)
      return running
    }),
  )
  const claims = outputs.flatMap(({ stdout }) => stdout.split('\n').flatMap(parseClaim))
  expectOrderOfTime(claims)
  const operations = new Map(claims.map(({ version, operation }) => [version, operation]))
  expect(operations.size, 'no version is claimed twice').toBe(claims.length)
  return operations
}

/** A commit, as the process that made it tells. */
interface Claim {
  readonly version: number
  readonly operation: Operation
  readonly startMs: number
  readonly endMs: number
}

function parseClaim(line: string): readonly Claim[] {
  if (line === '') return []
  const claim = JSON.parse(line) as Claim | { readonly version?: undefined }
  return claim.version === undefined ? [] : [claim]
}

/** What ended before another began comes before it: a serial order in which time ran back would be none that users see. */
function expectOrderOfTime(claims: readonly Claim[]): void {
  let begunMs = 0
  for (const { version, startMs, endMs } of claims.toSorted((left, right) => left.version - right.version)) {
    expect(endMs, `version ${version} ended after each earlier one had begun`).toBeGreaterThanOrEqual(begunMs)
    begunMs = Math.max(begunMs, startMs)
  }
}

/** What others committed: they say so in their commitInfo, delta-rs in a field of its own, Spark in `userMetadata`. */
export async function operationsInLog(table: Table): Promise<Operations> {
  const { store, version: latest } = await table.snapshot()
  const operations = new Map<number, Operation>()
  for (let version = 0; version <= latest; version++) {
    const text = new TextDecoder().decode(await store.read(commitPath(version)))
    for (const line of text.split('\n').filter((part) => part !== '')) {
      const { commitInfo } = JSON.parse(line) as {
        readonly commitInfo?: { readonly tributaryTest?: string; readonly userMetadata?: string }
      }
      const told = commitInfo?.tributaryTest ?? commitInfo?.userMetadata
      if (told !== undefined) operations.set(version, JSON.parse(told) as Operation)
    }
  }
  return operations
}

/** What a reader saw in the middle. */
export interface Seen {
  readonly version: number
  readonly rows: readonly object[]
}

/** Reads the table again and again while others write; returns what it saw. */
export async function readDuring(table: Table, writing: Promise<unknown>): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  const over = new AbortController()
  const end = (): void => over.abort()
  writing.then(end, end)
  while (!over.signal.aborted) {
    const { version } = await table.snapshot()
    seen.push({ version, rows: await rowsOf(table, { version }) })
    await systemClock.sleep(READ_EVERY_MS)
  }
  return seen
}

/**
 * Expects that the table is what the operations give one after the other, that each of its versions is one of them, and that readers saw
 * each version as it was, none of them an older one later.
 */
export async function expectSerial(table: Table, operations: Operations, seen: readonly Seen[] = []): Promise<void> {
  const { version: latest } = await table.snapshot()
  const rows = new Map<number, string>(Array.from({ length: SHARED_IDS }, (_, id) => [id, 'start']))
  for (let version = 1; version <= latest; version++) {
    if (version > 1) applyOperation(rows, claimed(operations, version, latest))
    const expected = sortedRows(rows)
    for (const read of seen.filter((one) => one.version === version)) expect(read.rows).toEqual(expected)
  }
  expect(Math.max(...operations.keys()), 'no commit was lost').toBe(latest)
  const versions = seen.map(({ version }) => version)
  expect(versions, 'a reader does not go back').toEqual(versions.toSorted((left, right) => left - right))
  expect(await rowsOf(table)).toEqual(sortedRows(rows))
}

function claimed(operations: Operations, version: number, latest: number): Operation {
  const operation = operations.get(version)
  if (operation === undefined) throw new Error(`nobody claims version ${version} of ${latest}`)
  return operation
}

function sortedRows(rows: ReadonlyMap<number, string>): readonly object[] {
  return [...rows].sort(([left], [right]) => left - right).map(([id, v]) => ({ id: BigInt(id), v }))
}
