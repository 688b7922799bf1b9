// Worth its seconds: whatever happens to an index's own files, and whoever shares them, no row differs.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createManifest, readManifest } from '../../src/key-index/manifest.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import {
  deliver,
  expectDone,
  type IndexPair,
  indexFolder,
  indexIn,
  lakeAt,
  openIndexPair,
  rows,
  takeBack,
  versionOfIndex,
} from '../support/index-pair.ts'

let pair: IndexPair
beforeEach(async () => {
  pair = await openIndexPair()
})
afterEach(() => pair.place.close())

test('whatever is damaged in its files, an index is dropped, built again, and no row is lost', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 300))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 200))
  let number = 2
  for (const kind of ['.run', '.json'])
    for (const damage of [...DAMAGES, () => Buffer.from('something else')]) {
      const names = readdirSync(indexFolder(pair)).filter((name) => name.endsWith(kind))
      expect(names).not.toEqual([])
      for (const name of names) {
        const path = join(indexFolder(pair), name)
        writeFileSync(path, damage(readFileSync(path)))
      }
      // As a process that starts.
      pair.sessions = new Map()
      await deliver(pair, `20260102-${String(number++).padStart(9, '0')}.csv`, rows('U', 1, 300))
    }
  expect(versionOfIndex(pair), 'it is back').toBeDefined()
})

test('an index of another history of the table is not asked', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 50))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  const backup = join(pair.place.folder, 'backup')
  const table = join(pair.place.folder, 'indexed/lake/shop/orders')
  cpSync(table, backup, { recursive: true })
  const twin = join(pair.place.folder, 'plain/lake/shop/orders')
  const backupOfTwin = join(pair.place.folder, 'backup-of-twin')
  cpSync(twin, backupOfTwin, { recursive: true })
  await deliver(pair, '20260101-000000002.csv', rows('D', 1, 9))
  await deliver(pair, '20260101-000000003.csv', [...rows('U', 10, 30), ...rows('I', 100, 120)])
  for (const [folder, copy] of [
    [table, backup],
    [twin, backupOfTwin],
  ] as const) {
    rmSync(folder, { recursive: true })
    cpSync(copy, folder, { recursive: true })
  }
  for (const name of ['20260101-000000002.csv', '20260101-000000003.csv']) takeBack(pair, name)
  pair.sessions = new Map()
  // Versions of the same numbers, from a process without an index.
  const other = await lakeAt(pair.place, 'indexed', {})
  const ingestOther = async (): Promise<void> => expectDone(await ingest(other, pair.place.engine))
  await deliver(pair, '20260101-000000004.csv', rows('U', 1, 9), ingestOther)
  await deliver(pair, '20260101-000000005.csv', [...rows('D', 20, 25), ...rows('I', 200, 220)], ingestOther)
  await deliver(pair, '20260101-000000006.csv', rows('U', 1, 220))
})

test('two processes share an index, and the one that comes second goes on with it', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 50))
  const other = await lakeAt(pair.place, 'indexed', indexIn(pair.place))
  const otherSessions = new Map<string, TableSession>()
  for (let number = 1; number <= 8; number++) {
    await deliver(
      pair,
      `20260101-00000000${number}.csv`,
      [...rows('U', number, number + 20), ...rows('D', number * 5, number * 5)],
      async () => {
        const inOrder = number % 2 === 0 ? [pair.indexed, other] : [other, pair.indexed]
        const summaries = await Promise.all(
          inOrder.map((each) =>
            ingest(each, pair.place.engine, { sessions: each === pair.indexed ? pair.sessions : otherSessions }),
          ),
        )
        expect(summaries.flatMap(({ tables }) => tables.map(({ commits }) => commits)).toSorted()).toEqual([0, 1])
      },
    )
    for (const each of [...pair.sessions.values(), ...otherSessions.values()]) await each.index?.building
  }
  const names = readdirSync(indexFolder(pair)).filter((name) => name.endsWith('.json'))
  expect(names.length, 'old manifests go').toBeLessThanOrEqual(8)
})

test('a table that had two rows of one key is scanned for a long time, and then its index is tried again', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 50))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  const giveUp = (ago: number): void => {
    const { number, manifest } = readManifest(indexFolder(pair)) ?? {}
    if (number === undefined || manifest === undefined) throw new Error('no index')
    createManifest(indexFolder(pair), number + 1, {
      ...manifest,
      version: manifest.version - ago,
      unusable: 'duplicate keys',
    })
  }
  giveUp(0)
  await deliver(pair, '20260101-000000002.csv', rows('U', 20, 30))
  expect(readManifest(indexFolder(pair))?.manifest.unusable).toBe('duplicate keys')
  giveUp(2000)
  await deliver(pair, '20260101-000000003.csv', rows('D', 30, 40))
  expect(readManifest(indexFolder(pair))?.manifest).toMatchObject({ unusable: null, version: 3 })
})

test('where the cache cannot be written, batches scan', async () => {
  mkdirSync(join(pair.place.folder, 'blocked'))
  writeFileSync(join(pair.place.folder, 'blocked/cache'), 'a file')
  const blocked = { index: { folder: join(pair.place.folder, 'blocked/cache'), scannedRowsMax: 0 } }
  pair = { ...pair, indexed: await lakeAt(pair.place, 'indexed', blocked) }
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 50))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  await deliver(pair, '20260101-000000002.csv', rows('D', 10, 20))
})

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
