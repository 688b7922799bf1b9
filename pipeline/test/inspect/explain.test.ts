import { join } from 'node:path'
import { optimize, systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Explanation, explainCommit } from '../../src/inspect/explain.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

const TABLE = 'shop.orders'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

test('a batch is explained: its rows, the files that statistics left, the rows that it took out of them, and what it wrote', async () => {
  const { lake, deliver } = await openTable('batch')
  await deliver('20260301-100000000.csv', ['I,1,a', 'I,2,a', 'I,3,a', 'I,4,a'])
  await deliver('20260301-100001000.csv', ['I,100,a', 'I,101,a'])
  await deliver('20260301-100002000.csv', ['U,2,b', 'D,3,b'])
  const explained = await explain(lake, 2)
  expect(explained).toMatchObject({
    version: 2,
    operation: 'UPSERT',
    sourceFiles: 1,
    changes: { inserted: 0, updated: 1, deleted: 1 },
    find: { filesLive: 2, filesLeft: 1, by: 'scan' },
    write: { filesAdded: 1, rowsAdded: 1, filesRemoved: 0, vectors: 1 },
    touched: [{ rows: 4, newlyDead: 2, dead: 2 }],
    slowerThan: { of: 2 },
  })
  const { took, write } = explained
  expect(Object.values(took ?? {}).every((ms) => ms >= 0)).toBe(true)
  expect(Math.min(write.rowBytes, write.vectorBytes, write.logBytes)).toBeGreaterThan(20)
  expect((await explain(lake, 1)).find).toEqual({ filesLive: 1, filesLeft: 0, by: 'statistics' })
})

test('where the key index was asked, no file was scanned', async () => {
  const { lake, deliver } = await openTable('index', {
    index: { folder: join(workplace.folder, 'index-cache'), scannedRowsMax: 0 },
  })
  await deliver('20260301-100000000.csv', ['I,1,a', 'I,9,a'])
  await deliver('20260301-100001000.csv', ['U,1,b'])
  await deliver('20260301-100002000.csv', ['U,9,b'])
  expect((await explain(lake, 1)).find?.by, 'the batch that missed it').toBe('scan')
  expect((await explain(lake, 2)).find?.by).toBe('key index')
})

test('the outlook says what upkeep waits for, and what it would do where it is off', async () => {
  const { lake, deliver } = await openTable('outlook', {}, 'upkeep: off')
  for (let at = 0; at < 7; at++) await deliver(`20260301-10000${at}000.csv`, [`I,${at},a`])
  expect((await explain(lake)).upkeep).toMatchObject({
    version: 6,
    by: 'ingest',
    pieces: [],
    tiers: [{ files: 7, filesDue: 8, rowsFrom: 1, rowsBelow: 8 }],
  })
  await deliver('20260301-100007000.csv', ['I,7,a'])
  const { upkeep } = await explainCommit(nameOf(lake, false))
  expect(upkeep).toMatchObject({
    by: 'off',
    orderBy: ['id'],
    pieces: [{ why: 'small files', rows: 'as they lie', files: 8, deadRows: 0 }],
    tiers: [],
  })
})

test('a rewrite is explained by the files that came and went', async () => {
  const { lake, deliver } = await openTable('rewrite')
  await deliver('20260301-100000000.csv', ['I,1,a'])
  await deliver('20260301-100001000.csv', ['I,2,a'])
  const snapshot = await snapshotOf(lake, TABLE)
  if (snapshot !== undefined) await optimize(workplace.engine, systemClock, snapshot)
  expect(await explain(lake)).toMatchObject({
    operation: 'OPTIMIZE',
    changes: null,
    took: null,
    find: null,
    write: { filesAdded: 1, rowsAdded: 2, filesRemoved: 2, vectors: 0 },
    touched: [],
    slowerThan: null,
  })
})

test('a version that is not there is told as such', async () => {
  const { lake, deliver } = await openTable('missing')
  await deliver('20260301-100000000.csv', ['I,1,a'])
  await expect(explain(lake, 5)).rejects.toThrow(
    'Version 5 does not exist: the latest is 0. Ask for a version from 0 to 0.',
  )
})

async function openTable(
  name: string,
  options: Parameters<typeof lakeIn>[2] = {},
  settings = 'write: merge-on-read',
): Promise<{ readonly lake: Lake; readonly deliver: (file: string, lines: readonly string[]) => Promise<void> }> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(
    folder,
    `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}: {key: [id], columns: {id: long, note: string}, ${settings}}\n`,
    options,
  )
  const deliver = async (file: string, lines: readonly string[]): Promise<void> => {
    await put(folder, `shop/orders/${file}`, `${['Op,id,note', ...lines].join('\n')}\n`)
    const { tables } = await ingest(lake, workplace.engine)
    expect(tables.map(({ stopped, commits }) => [stopped, commits])).toEqual([[null, 1]])
  }
  return { lake, deliver }
}

function nameOf(lake: Lake, upkeep = true): Parameters<typeof explainCommit>[0] {
  return { name: TABLE, store: lake.tableStore(TABLE), upkeep }
}

function explain(lake: Lake, version?: number): Promise<Explanation> {
  return explainCommit(nameOf(lake), version === undefined ? {} : { version })
}
