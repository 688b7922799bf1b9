// Design §3.1: in a bucket a CDC file belongs to the newest generation whose first LOAD object is not newer than the time in its name.

import { copyFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Store } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  shop.people: {key: [id], columns: {id: long, name: string}}
`

/** A folder that behaves as a bucket: its times are those of writing, and its objects are fetched. */
function asBucket(store: Store): Store {
  return {
    ...store,
    remote: {
      access: () => Promise.reject(new Error('no query opens the landing')),
      download: async (path, file) => {
        const source = join(fileURLToPath(store.url), path)
        await copyFile(source, file)
        const { size, mtimeMs } = await stat(source)
        return { path, sizeBytes: size, modifiedMs: mtimeMs }
      },
    },
  }
}

function minute(at: number): number {
  return Date.UTC(2026, 2, 1, 10, at)
}

test('changes from before a reload do not apply to it, and newer ones do, though they were taken in before it was seen', async () => {
  const folder = join(workplace.folder, 'reload')
  const object = (name: string, at: number, rows: string): Promise<void> =>
    put(folder, `shop/people/${name}`, `Op,id,name\n${rows}\n`, minute(at))
  const lake = await lakeIn(folder, CONFIG, {
    wrapStore: (store, what) => (what === 'landing' ? asBucket(store) : store),
  })
  await object('LOAD00000001.csv', 0, 'I,1,first load')
  await object('20260301-100500000.csv', 5, 'U,1,between')
  await object('20260301-101200000.csv', 12, 'I,2,after')
  await ingest(lake, workplace.engine)
  // The load was written at 10:10; the first two of these files before it, and one comes late.
  await object('LOAD00000001.csv', 10, 'I,1,second load')
  await object('20260301-100800000.csv', 13, 'U,1,too old')
  const summary = await ingest(lake, workplace.engine)
  expect(summary.tables).toMatchObject([{ files: 3, applied: 2, superseded: 1, stopped: null }])
  const columns = [
    { name: 'id', type: 'long' as const },
    { name: 'name', type: 'string' as const },
  ]
  const rows = await canonicalRows(workplace.engine, await snapshotOf(lake, 'shop.people'), columns)
  expect(rows).toEqual(['["1","second load"]', '["2","after"]'])
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ commits: 0, stopped: null }])
  expect((await checkTable(workplace.engine, lake.tableStore('shop.people'))).findings).toEqual([])
})

test('a load that is replaced between the listing and the reading is not taken in, and the next run takes it in once', async () => {
  const folder = join(workplace.folder, 'replaced')
  await put(folder, 'shop/people/LOAD00000001.csv', 'Op,id,name\nI,1,first load\n', minute(0))
  const replacing = (store: Store): Store => ({
    ...asBucket(store),
    list: async function* (prefix, options) {
      yield* await Array.fromAsync(store.list(prefix, options))
      await put(folder, 'shop/people/LOAD00000001.csv', 'Op,id,name\nI,1,second load\nI,2,new\n', minute(10))
    },
  })
  const lake = await lakeIn(folder, CONFIG, {
    wrapStore: (store, what) => (what === 'landing' ? replacing(store) : store),
  })
  const summary = await ingest(lake, workplace.engine)
  expect(summary.tables).toMatchObject([{ commits: 0, stopped: { code: 'LANDING_FILE_CHANGED' } }])
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ commits: 1, applied: 2, stopped: null }])
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ commits: 0, stopped: null }])
})
