// A table in S3 is a table: other readers see the same rows in it, and a killed writer leaves whole commits only.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { storeAt } from '../../src/store/store-at.ts'
import { createTable, openTable } from '../../src/table.ts'
import { schemaOf } from '../read/table.ts'
import { canonicalLine, ourRows, runPython } from '../readers/peers.ts'
import { makeBucket } from '../servers/bucket.ts'
import { restoreEnvironment } from '../servers/environment.ts'

const bucket = await makeBucket()
const before = { ...process.env }
let engine: Engine
beforeAll(async () => {
  Object.assign(process.env, bucket.environment)
  engine = await openEngine()
})
afterAll(async () => {
  await engine.close()
  restoreEnvironment(before)
})

const PEOPLE = schemaOf([
  ['id', 'long'],
  ['name', 'string'],
  ['city', 'string'],
])

test.each([
  ['marks', { deletionVectors: true }],
  ['copies', {}],
  ['folders', { partitionColumns: ['city'], deletionVectors: true }],
])('rows go in, change and leave, in a table of %s, and delta-rs reads the same ones', async (name, definition) => {
  const url = `s3://${bucket.name}/lake/${name}`
  const table = await createTable(url, { schema: PEOPLE, ...definition }, { engine })
  await table.append(
    Array.from({ length: 100 }, (_, id) => ({ id, name: `row ${id}`, city: id % 2 ? 'Ulm & Søn/1' : null })),
  )
  await table.upsert({ key: ['id'], changes: [7, 100].map((id) => ({ id, name: 'seven', city: 'Bonn' })) })
  await table.delete({ kind: '=', column: 'id', value: 8 })
  const rows = await ourRows(engine, await readSnapshot(storeAt(url)))
  expect(rows).toHaveLength(100)
  expect(rows).toContain('{"city":"Bonn","id":7,"name":"seven"}')
  expect(await deltaRsRows(url)).toEqual(rows)
})

test('a table in S3 is checkpointed, optimized and vacuumed as any other', async () => {
  const url = `s3://${bucket.name}/upkeep`
  const table = await createTable(url, { schema: PEOPLE, deletionVectors: true }, { engine })
  for (let id = 0; id < 3; id++) await table.append([{ id, name: 'a', city: 'b' }])
  await table.optimize()
  await table.checkpoint()
  const { files } = await table.vacuum({ retainMs: 0, allowShortRetention: true })
  expect(files.length).toBe(3)
  await using reopened = await openTable(url)
  const snapshot = await reopened.snapshot()
  expect(snapshot.files).toHaveLength(1)
  expect(await deltaRsRows(url)).toEqual(await ourRows(engine, snapshot))
})

test('writers that are killed while they commit leave each confirmed row once, and no half of a commit', async () => {
  const url = `s3://${bucket.name}/killed`
  await createTable(url, { schema: PEOPLE, deletionVectors: true }, { engine })
  const confirmed = new Map<number, string>()
  // Two at a time, so that they also race; the first to be killed is at another point each time.
  await Promise.all([0, 1].map((lane) => killTwice(url, lane, confirmed)))
  expect(confirmed.size).toBeGreaterThan(4)
  const lines = await ourRows(engine, await readSnapshot(storeAt(url)))
  const rows = lines.map(parseRow)
  const names = new Map(rows.map(({ id, name }) => [id, name]))
  expect(names.size).toBe(rows.length)
  for (const [id, name] of confirmed) {
    expect(names.has(id + 1)).toBe(true)
    // A change may have been committed and not confirmed any more.
    expect(name === 'changed' ? ['changed'] : ['new', 'changed']).toContain(names.get(id))
  }
  for (const id of names.keys()) expect(names.has(id % 2 === 0 ? id + 1 : id - 1)).toBe(true)
  expect(await deltaRsRows(url)).toEqual(lines)
}, 120_000)

async function killTwice(url: string, lane: number, confirmed: Map<number, string>): Promise<void> {
  for (let life = 0; life < 2; life++) {
    const script = new URL('./writer-process.ts', import.meta.url)
    const child = fork(script, [url, String((lane * 2 + life) * 10_000)])
    let left = 5 + lane + life
    child.on('message', (message) => {
      const { id, name } = parseRow(JSON.stringify(message))
      confirmed.set(id, name)
      left -= 1
      if (left === 0) child.kill('SIGKILL')
    })
    await once(child, 'exit')
  }
}

function parseRow(line: string): { readonly id: number; readonly name: string } {
  return JSON.parse(line) as { readonly id: number; readonly name: string }
}

async function deltaRsRows(url: string): Promise<readonly string[]> {
  const text = await runPython(new URL('./read-rows.py', import.meta.url).pathname, url)
  return text.split('\n').slice(0, -1).map(canonicalLine).sort()
}
