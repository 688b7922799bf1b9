// Worth its seconds: an index is right when nobody can tell that it is there, whatever happens to the table and to its own files.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTable, scanSql, systemClock } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdIndex } from '../../src/key-index/index-folder.ts'
import { createManifest, readManifest } from '../../src/key-index/manifest.ts'
import { optimizeTable } from '../../src/maintain/optimize-table.ts'
import { planTableRestore, restoreTable } from '../../src/maintain/restore-table.ts'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

const TABLE = 'shop.orders'
let place: Workplace
let lake: Lake
let sessions: Map<string, TableSession>
/** The same files into a table without an index. */
let plain: Lake

beforeEach(async () => {
  place = await openWorkplace()
  lake = await lakeAt('indexed', { index: { folder: join(place.folder, 'cache'), scannedRowsMax: 0 } })
  plain = await lakeAt('plain', {})
  sessions = new Map()
})
afterEach(() => place.close())

test('batches of a table that others compact, restore and write to are the same as without an index', async () => {
  await deliver('LOAD00000001.csv', rows('I', 1, 50))
  await deliver('20260101-000000001.csv', rows('U', 10, 20))
  expect(indexed(), 'the batch that missed it had it built').toBe(1)
  await deliver('20260101-000000002.csv', [...rows('D', 5, 12), ...rows('I', 51, 60)])
  await bothDo(optimize)
  await deliver('20260101-000000003.csv', [...rows('U', 1, 30), ...rows('I', 5, 12)])
  await deliver('20260101-000000004.csv', rows('U', 31, 35))
  // Rows that an update marked as deleted are there again, where they were.
  const before = (await snapshotOf(lake, TABLE))?.version ?? 0
  await deliver('20260101-000000005.csv', rows('U', 36, 39))
  await deliver('20260101-000000006.csv', rows('U', 1, 1))
  await bothDo((each) => restoreTo(each, before))
  await deliver('20260101-000000007.csv', rows('D', 40, 60))
  await deliver('20260101-000000008.csv', rows('U', 1, 2))
  expect(indexed(), 'it is still in use').toBe(((await snapshotOf(lake, TABLE))?.version ?? 0) - 1)
  // A row of another writer, with a key that the table has: both rows are its row now.
  await bothDo((each) => append(each, [{ id: 30n, note: 'twin' }]))
  expect(await rowsOf(lake, 'id = 30')).toHaveLength(2)
  await deliver('20260101-000000009.csv', [...rows('U', 29, 31), ...rows('D', 3, 3)])
  expect(await rowsOf(lake, 'id = 30'), 'one row a key').toHaveLength(1)
  await deliver('20260101-000000010.csv', rows('U', 1, 60))
})

test('whatever is damaged in its files, an index is dropped, built again, and no row is lost', async () => {
  await deliver('LOAD00000001.csv', rows('I', 1, 300))
  await deliver('20260101-000000001.csv', rows('U', 10, 200))
  let number = 2
  for (const kind of ['.run', '.json'])
    for (const damage of [...DAMAGES, () => Buffer.from('something else')]) {
      const names = readdirSync(indexFolder()).filter((name) => name.endsWith(kind))
      expect(names).not.toEqual([])
      for (const name of names) {
        const path = join(indexFolder(), name)
        writeFileSync(path, damage(readFileSync(path)))
      }
      // As a process that starts.
      sessions = new Map()
      await deliver(`20260102-${String(number++).padStart(9, '0')}.csv`, rows('U', 1, 300))
    }
  expect(indexed(), 'it is back').toBeDefined()
})

test('an index of another history of the table is not asked', async () => {
  await deliver('LOAD00000001.csv', rows('I', 1, 50))
  await deliver('20260101-000000001.csv', rows('U', 10, 20))
  const backup = join(place.folder, 'backup')
  const table = join(place.folder, 'indexed/lake/shop/orders')
  cpSync(table, backup, { recursive: true })
  const twin = join(place.folder, 'plain/lake/shop/orders')
  const backupOfTwin = join(place.folder, 'backup-of-twin')
  cpSync(twin, backupOfTwin, { recursive: true })
  await deliver('20260101-000000002.csv', rows('D', 1, 9))
  await deliver('20260101-000000003.csv', [...rows('U', 10, 30), ...rows('I', 100, 120)])
  for (const [folder, copy] of [
    [table, backup],
    [twin, backupOfTwin],
  ] as const) {
    rmSync(folder, { recursive: true })
    cpSync(copy, folder, { recursive: true })
  }
  for (const name of ['20260101-000000002.csv', '20260101-000000003.csv']) takeBack(name)
  sessions = new Map()
  // Versions of the same numbers, from a process without an index.
  const other = await lakeAt('indexed', {})
  const ingestOther = async (): Promise<void> => expectDone(await ingest(other, place.engine))
  await deliver('20260101-000000004.csv', rows('U', 1, 9), ingestOther)
  await deliver('20260101-000000005.csv', [...rows('D', 20, 25), ...rows('I', 200, 220)], ingestOther)
  await deliver('20260101-000000006.csv', rows('U', 1, 220))
})

test('two processes share an index, and the one that comes second goes on with it', async () => {
  await deliver('LOAD00000001.csv', rows('I', 1, 50))
  const other = await lakeAt('indexed', { index: { folder: join(place.folder, 'cache'), scannedRowsMax: 0 } })
  const otherSessions = new Map<string, TableSession>()
  for (let number = 1; number <= 8; number++) {
    await deliver(
      `20260101-00000000${number}.csv`,
      [...rows('U', number, number + 20), ...rows('D', number * 5, number * 5)],
      async () => {
        const inOrder = number % 2 === 0 ? [lake, other] : [other, lake]
        const summaries = await Promise.all(
          inOrder.map((each) => ingest(each, place.engine, { sessions: each === lake ? sessions : otherSessions })),
        )
        expect(summaries.flatMap(({ tables }) => tables.map(({ commits }) => commits)).toSorted()).toEqual([0, 1])
      },
    )
    for (const each of [...sessions.values(), ...otherSessions.values()]) await each.index?.building
  }
  const names = readdirSync(indexFolder()).filter((name) => name.endsWith('.json'))
  expect(names.length, 'old manifests go').toBeLessThanOrEqual(2)
})

test('key columns may be named as the statements name their own, and an index outlives processes and checkpoints', async () => {
  const names = ['h', 'path', 'number', 'file', 'position', 'hi', 'lo', 'seq', 'k', 'a', 'p', 's', '__key', '__start']
  const config = (folder: string, options: Parameters<typeof lakeIn>[2]): Promise<Lake> =>
    lakeIn(
      join(place.folder, folder),
      `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}:\n    key: [${names.join(', ')}]\n    columns: {${names.map((name) => `${name}: long`).join(', ')}, note: string}\n    sequence: note\n`,
      options,
    )
  const cached = { index: { folder: join(place.folder, 'cache'), scannedRowsMax: 0 } }
  const lakes = [await config('indexed', cached), await config('plain', {})]
  const built: string[] = []
  for (let at = 0; at < 13; at++) {
    const lines = Array.from({ length: 10 }, (_, row) =>
      [
        at === 0 ? 'I' : 'U',
        ...names.map((_, column) => (at * 3 + row) * (column + 1)),
        `s${String(at).padStart(4, '0')}`,
      ].join(','),
    )
    const file = at === 0 ? 'LOAD00000001.csv' : `20260101-${String(at).padStart(9, '0')}.csv`
    const states: unknown[] = []
    for (const [which, each] of lakes.entries()) {
      await put(
        join(place.folder, which === 0 ? 'indexed' : 'plain'),
        `shop/orders/${file}`,
        `${[['Op', ...names, 'note'].join(','), ...lines].join('\n')}\n`,
      )
      // A process of its own each time.
      expectDone(await ingest(each, place.engine, { onEvent: (event) => event.kind === 'indexed' && built.push(file) }))
      const snapshot = await snapshotOf(each, TABLE)
      if (snapshot === undefined) throw new Error('no table')
      states.push(await place.engine.all(`SELECT * FROM (${await scanSql(place.engine, snapshot)}) ORDER BY ALL`))
    }
    expect(states[0], file).toEqual(states[1])
  }
  expect(built, 'it is built once').toHaveLength(1)
})

test('columns that change their names with one another are told apart', async () => {
  await deliver('LOAD00000001.csv', rows('I', 1, 50))
  await bothDo(async (each) => {
    await using table = await openTable(each.tableStore(TABLE).url)
    await table.setProperties({ 'delta.columnMapping.mode': 'name' })
    await table.addColumns([{ name: 'twin', type: 'long', nullable: true, metadata: {} }])
    await table.upsert({
      key: ['id'],
      changes: Array.from({ length: 50 }, (_, at) => ({ id: BigInt(at + 1), note: 'n', twin: BigInt(at + 26) })),
    })
  })
  await deliver('20260101-000000001.csv', rows('U', 10, 20))
  await deliver('20260101-000000002.csv', rows('U', 21, 22))
  await bothDo(async (each) => {
    await using table = await openTable(each.tableStore(TABLE).url)
    await table.renameColumn('id', 'was')
    await table.renameColumn('twin', 'id')
    await table.renameColumn('was', 'twin')
  })
  await deliver('20260101-000000003.csv', rows('U', 26, 75))
})

test('a table that had two rows of one key is scanned for a long time, and then its index is tried again', async () => {
  await deliver('LOAD00000001.csv', rows('I', 1, 50))
  await deliver('20260101-000000001.csv', rows('U', 10, 20))
  const giveUp = (ago: number): void => {
    const { number, manifest } = readManifest(indexFolder()) ?? {}
    if (number === undefined || manifest === undefined) throw new Error('no index')
    createManifest(indexFolder(), number + 1, {
      ...manifest,
      version: manifest.version - ago,
      unusable: 'duplicate keys',
    })
  }
  giveUp(0)
  await deliver('20260101-000000002.csv', rows('U', 20, 30))
  expect(readManifest(indexFolder())?.manifest.unusable).toBe('duplicate keys')
  giveUp(2000)
  await deliver('20260101-000000003.csv', rows('D', 30, 40))
  expect(readManifest(indexFolder())?.manifest).toMatchObject({ unusable: null, version: 3 })
})

test('where the cache cannot be written, batches scan', async () => {
  mkdirSync(join(place.folder, 'blocked'))
  writeFileSync(join(place.folder, 'blocked/cache'), 'a file')
  lake = await lakeAt('indexed', { index: { folder: join(place.folder, 'blocked/cache'), scannedRowsMax: 0 } })
  await deliver('LOAD00000001.csv', rows('I', 1, 50))
  await deliver('20260101-000000001.csv', rows('U', 10, 20))
  await deliver('20260101-000000002.csv', rows('D', 10, 20))
})

async function lakeAt(name: string, options: Parameters<typeof lakeIn>[2]): Promise<Lake> {
  return lakeIn(
    join(place.folder, name),
    `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}:\n    key: [id]\n    columns: {id: long, note: string}\n`,
    options,
  )
}

let value = 0
function rows(op: string, from: number, to: number): readonly string[] {
  value += 1
  return Array.from({ length: to - from + 1 }, (_, at) => `${op},${from + at},n${value}`)
}

/** Puts a file into both landings, lets both take it in, and compares the rows. */
async function deliver(name: string, lines: readonly string[], ingestIndexed = ingestOne): Promise<void> {
  for (const folder of ['indexed', 'plain'])
    await put(join(place.folder, folder), `shop/orders/${name}`, `${['Op,id,note', ...lines].join('\n')}\n`)
  await ingestIndexed()
  expectDone(await ingest(plain, place.engine))
  expect(await rowsOf(lake), name).toEqual(await rowsOf(plain))
}

async function ingestOne(): Promise<void> {
  expectDone(await ingest(lake, place.engine, { sessions }))
  for (const { index } of sessions.values()) await index?.building
}

function expectDone({ tables }: IngestSummary): void {
  expect(tables.map(({ stopped, commits }) => [stopped, commits])).toEqual([[null, 1]])
}

async function bothDo(work: (each: Lake) => Promise<void>): Promise<void> {
  for (const each of [lake, plain]) await work(each)
}

async function optimize(each: Lake): Promise<void> {
  const snapshot = await snapshotOf(each, TABLE)
  if (snapshot === undefined) throw new Error('no table')
  const { versions } = await optimizeTable(
    { engine: place.engine, clock: systemClock },
    { snapshot, place: { root: each.root, table: TABLE } },
    {},
  )
  expect(versions.length).toBeGreaterThan(0)
}

async function restoreTo(each: Lake, version: number): Promise<void> {
  const [current, target] = [await snapshotOf(each, TABLE), await snapshotOf(each, TABLE, version)]
  if (current === undefined || target === undefined) throw new Error('no table')
  await restoreTable(
    systemClock,
    await planTableRestore(systemClock, { current, target }, { lake: each, table: TABLE }),
  )
}

async function append(each: Lake, added: readonly { readonly id: bigint; readonly note: string }[]): Promise<void> {
  await using table = await openTable(each.tableStore(TABLE).url)
  await table.append([...added])
}

function takeBack(name: string): void {
  for (const folder of ['indexed', 'plain']) rmSync(join(place.folder, folder, 'landing/shop/orders', name))
}

async function rowsOf(each: Lake, filter = 'true'): Promise<readonly string[]> {
  const fork = await place.engine.fork()
  try {
    const snapshot = await snapshotOf(each, TABLE)
    if (snapshot === undefined) return []
    const found = await fork.all(
      `SELECT id || '=' || note AS row FROM (${await scanSql(fork, snapshot)}) WHERE ${filter} ORDER BY 1`,
    )
    return found.map(({ row }) => String(row))
  } finally {
    await fork.close()
  }
}

function indexFolder(): string {
  return holdIndex({ folder: join(place.folder, 'cache') }, lake.tableStore(TABLE).url).folder
}

/** The version that the index covers. */
function indexed(): number | undefined {
  return readManifest(indexFolder())?.manifest.version
}

function flip(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const place = Math.floor(bytes.length * at)
    bytes.writeUInt8(bytes.readUInt8(place) ^ 0x10, place)
    return bytes
  }
}

const DAMAGES = [...[0.05, 0.2, 0.4, 0.6, 0.99].map(flip), cut(0.5), cut(0)]

function cut(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => bytes.subarray(0, Math.floor(bytes.length * at))
}
