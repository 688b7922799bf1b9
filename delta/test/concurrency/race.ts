// Several writers of one table, and what must hold of it afterwards: each version is one operation that somebody tells of, and the rows
// are those that the operations give in the order of the versions.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { Engine } from '../../src/duckdb/engine.ts'
import { commitPath } from '../../src/log/file-names.ts'
import { createTable, type Table } from '../../src/table.ts'
import { schemaOf } from '../read/table.ts'
import { rowsOf } from '../write/support.ts'
import { applyOperation, type Operation, SHARED_IDS } from './operations.ts'

const run = promisify(execFile)

/** Operations by the version that they made. */
export type Operations = ReadonlyMap<number, Operation>

/** A table with a row of each id that the writers share. */
export async function startTable(
  engine: Engine,
  folder: string,
  options: { readonly deletionVectors?: boolean } = {},
): Promise<Table> {
  const schema = schemaOf([
    ['id', 'long'],
    ['v', 'string'],
  ])
  const table = await createTable(folder, { schema, ...options }, { engine })
  await table.append({ sql: `SELECT i AS id, 'start' AS v FROM range(${SHARED_IDS}) r(i)` })
  return table
}

/** Lets processes of ours write for a time; returns what they committed. */
export async function runOurs(
  folder: string,
  {
    processes,
    seconds,
    pauseMsMax = 0,
  }: { readonly processes: number; readonly seconds: number; readonly pauseMsMax?: number },
): Promise<Operations> {
  const script = join(import.meta.dirname, 'writer-process.ts')
  const outputs = await Promise.all(
    Array.from({ length: processes }, (_, number) =>
      run(process.execPath, [script, folder, String(number), String(seconds), String(pauseMsMax)], {
        maxBuffer: 64 * 1024 * 1024,
      }),
    ),
  )
  const operations = new Map<number, Operation>()
  for (const line of outputs.flatMap(({ stdout }) => stdout.split('\n').filter((text) => text !== ''))) {
    const { version, operation } = JSON.parse(line) as { readonly version?: number; readonly operation: Operation }
    if (version === undefined) continue
    expect(operations.has(version), `version ${version} is claimed once`).toBe(false)
    operations.set(version, operation)
  }
  return operations
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

/** Expects that the table is what the operations give one after the other, and that each of its versions is one of them. */
export async function expectSerial(table: Table, operations: Operations): Promise<void> {
  const { version: latest } = await table.snapshot()
  const rows = new Map<number, string>(Array.from({ length: SHARED_IDS }, (_, id) => [id, 'start']))
  for (let version = 2; version <= latest; version++) {
    const operation = operations.get(version)
    if (operation === undefined) throw new Error(`nobody claims version ${version} of ${latest}`)
    applyOperation(rows, operation)
  }
  expect(Math.max(...operations.keys()), 'no commit was lost').toBe(latest)
  const expected = [...rows].sort(([left], [right]) => left - right).map(([id, v]) => ({ id: BigInt(id), v }))
  expect(await rowsOf(table)).toEqual(expected)
}
