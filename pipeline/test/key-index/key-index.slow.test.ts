// Worth its seconds: an index is right when nobody can tell that it is there, whatever happens to the table.
import { join } from 'node:path'
import { scanSql } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import {
  append,
  bothDo,
  deliver,
  expectDone,
  type IndexPair,
  indexIn,
  openIndexPair,
  optimize,
  restoreTo,
  rows,
  rowsOf,
  TABLE,
  versionOfIndex,
} from '../support/index-pair.ts'
import { lakeIn, put, snapshotOf } from '../support/workplace.ts'

let pair: IndexPair
beforeEach(async () => {
  pair = await openIndexPair()
})
afterEach(() => pair.place.close())

test('batches of a table that others compact, restore and write to are the same as without an index', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 50))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  expect(versionOfIndex(pair), 'the batch that missed it had it built').toBe(1)
  await deliver(pair, '20260101-000000002.csv', [...rows('D', 5, 12), ...rows('I', 51, 60)])
  await bothDo(pair, optimize)
  await deliver(pair, '20260101-000000003.csv', [...rows('U', 1, 30), ...rows('I', 5, 12)])
  await deliver(pair, '20260101-000000004.csv', rows('U', 31, 35))
  // Rows that an update marked as deleted are there again, where they were.
  const before = (await snapshotOf(pair.indexed, TABLE))?.version ?? 0
  await deliver(pair, '20260101-000000005.csv', rows('U', 36, 39))
  await deliver(pair, '20260101-000000006.csv', rows('U', 1, 1))
  await bothDo(pair, (each) => restoreTo(each, before))
  await deliver(pair, '20260101-000000007.csv', rows('D', 40, 60))
  await deliver(pair, '20260101-000000008.csv', rows('U', 1, 2))
  expect(versionOfIndex(pair), 'it is in use, and up to date').toBe((await snapshotOf(pair.indexed, TABLE))?.version)
  // A row of another writer, with a key that the table has: both rows are its row now.
  await bothDo(pair, (each) => append(each, [{ id: 30n, note: 'twin' }]))
  expect(await rowsOf(pair.place, pair.indexed, 'id = 30')).toHaveLength(2)
  await deliver(pair, '20260101-000000009.csv', [...rows('U', 29, 31), ...rows('D', 3, 3)])
  expect(await rowsOf(pair.place, pair.indexed, 'id = 30'), 'one row a key').toHaveLength(1)
  await deliver(pair, '20260101-000000010.csv', rows('U', 1, 60))
})

test('key columns may be named as the statements name their own, and an index outlives processes and checkpoints', async () => {
  const names = ['h', 'path', 'number', 'file', 'position', 'hi', 'lo', 'seq', 'k', 'a', 'p', 's', '__key', '__start']
  const config = (folder: string, options: Parameters<typeof lakeIn>[2]): Promise<Lake> =>
    lakeIn(
      join(pair.place.folder, folder),
      `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}:\n    key: [${names.join(', ')}]\n    columns: {${names.map((name) => `${name}: long`).join(', ')}, note: string}\n    sequence: note\n`,
      options,
    )
  const lakes = [await config('indexed', indexIn(pair.place)), await config('plain', {})]
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
        join(pair.place.folder, which === 0 ? 'indexed' : 'plain'),
        `shop/orders/${file}`,
        `${[['Op', ...names, 'note'].join(','), ...lines].join('\n')}\n`,
      )
      // A process of its own each time.
      expectDone(
        await ingest(each, pair.place.engine, { onEvent: (event) => event.kind === 'indexed' && built.push(file) }),
      )
      const snapshot = await snapshotOf(each, TABLE)
      if (snapshot === undefined) throw new Error('no table')
      states.push(
        await pair.place.engine.all(`SELECT * FROM (${await scanSql(pair.place.engine, snapshot)}) ORDER BY ALL`),
      )
    }
    expect(states[0], file).toEqual(states[1])
  }
  expect(built, 'it is built once').toHaveLength(1)
})
