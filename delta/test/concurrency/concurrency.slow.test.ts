// Worth its seconds: only processes of their own race as users' do. A minute of it runs under TRIBUTARY_SOAK=1.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commitPath } from '../../src/log/file-names.ts'
import { createTable, type Table } from '../../src/table.ts'
import { schemaOf, workshop } from '../read/table.ts'
import { peerRows, runPython } from '../readers/peers.ts'
import { rowsOf } from '../write/support.ts'
import { applyOperation, type Operation } from './operations.ts'

const SECONDS = process.env['TRIBUTARY_SOAK'] === '1' ? 60 : 5
const PROCESSES = 4
const run = promisify(execFile)

let place: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  place = await workshop()
})
afterAll(() => place.close())

test('four processes of ours and delta-rs write one table, and the result is that of a serial order', async () => {
  const folder = join(place.folder, 'plain')
  const table = await startTable(folder, {})
  const peer = join(import.meta.dirname, 'delta-rs-writer.py')
  const [ours, told] = await Promise.all([runOurs(folder), runPython(peer, folder, String(SECONDS))])
  const done = JSON.parse(told) as Readonly<Record<string, number>>
  const theirs = await operationsInLog(table)
  await expectSerial(table, new Map([...ours, ...theirs]))
  // Nobody starved: the test would prove nothing.
  expect(ours.size, 'our commits').toBeGreaterThan(PROCESSES)
  expect(theirs.size, JSON.stringify(done)).toBeGreaterThan(0)
  const { version } = await table.snapshot()
  expect(await peerRows(folder, join(place.folder, 'rows'), version)).toHaveLength((await rowsOf(table)).length)
})

test('four processes of ours mark rows of the same files, and the result is that of a serial order', async () => {
  const folder = join(place.folder, 'marking')
  const table = await startTable(folder, { deletionVectors: true })
  const ours = await runOurs(folder)
  await expectSerial(table, ours)
  expect(ours.size).toBeGreaterThan(PROCESSES)
})

async function startTable(folder: string, options: { readonly deletionVectors?: boolean }): Promise<Table> {
  const schema = schemaOf([
    ['id', 'long'],
    ['v', 'string'],
  ])
  const table = await createTable(folder, { schema, ...options }, { engine: place.engine })
  await table.append({ sql: `SELECT i AS id, 'start' AS v FROM range(200) r(i)` })
  return table
}

/** What our processes committed, by version. */
async function runOurs(folder: string): Promise<ReadonlyMap<number, Operation>> {
  const script = join(import.meta.dirname, 'writer-process.ts')
  const outputs = await Promise.all(
    Array.from({ length: PROCESSES }, (_, number) =>
      run(process.execPath, [script, folder, String(number), String(SECONDS)], { maxBuffer: 64 * 1024 * 1024 }),
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

/** What delta-rs committed, by version: it says so in its commitInfo. */
async function operationsInLog(table: Table): Promise<ReadonlyMap<number, Operation>> {
  const { store, version: latest } = await table.snapshot()
  const operations = new Map<number, Operation>()
  for (let version = 0; version <= latest; version++) {
    const text = new TextDecoder().decode(await store.read(commitPath(version)))
    for (const line of text.split('\n').filter((part) => part !== '')) {
      const action = JSON.parse(line) as { readonly commitInfo?: { readonly tributaryTest?: string } }
      const told = action.commitInfo?.tributaryTest
      if (told !== undefined) operations.set(version, JSON.parse(told) as Operation)
    }
  }
  return operations
}

async function expectSerial(table: Table, operations: ReadonlyMap<number, Operation>): Promise<void> {
  const { version: latest } = await table.snapshot()
  const rows = new Map<number, string>(Array.from({ length: 200 }, (_, id) => [id, 'start']))
  for (let version = 2; version <= latest; version++) {
    const operation = operations.get(version)
    if (operation === undefined) throw new Error(`nobody claims version ${version} of ${latest}`)
    applyOperation(rows, operation)
  }
  expect(Math.max(...operations.keys()), 'no commit was lost').toBe(latest)
  const expected = [...rows].sort(([left], [right]) => left - right).map(([id, v]) => ({ id: BigInt(id), v }))
  expect(await rowsOf(table)).toEqual(expected)
}
