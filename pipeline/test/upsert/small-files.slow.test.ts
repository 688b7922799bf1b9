// Decision 7: a table of many small files with vectors stays readable, and what was only moved is no change.
import { changesSql, type Engine, type Snapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { planChanges } from '../../src/changes/plan-changes.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  shop.orders: {key: [id], columns: {id: long, note: string}}
  shop.copies: {key: [id], columns: {id: long, note: string}, write: copy-on-write}
`
const BATCHES = 8
const ROWS = 40

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

test('with one vector too many, a batch takes the small files that have one into its own', async () => {
  const { folder, engine } = workplace
  const lake = await lakeIn(folder, CONFIG)
  for (const table of ['orders', 'copies'] as const) {
    const rows = Array.from({ length: ROWS }, (_, id) => `I,${id},first\n`).join('')
    await put(folder, `shop/${table}/LOAD00000001.csv`, `Op,id,note\n${rows}`)
  }
  await ingest(lake, engine, { vectorFilesMax: 2 })
  // Each batch updates two rows: the one that the batch before updated, and one of the load.
  for (let batch = 0; batch < BATCHES; batch += 1) {
    for (const table of ['orders', 'copies'])
      await put(
        folder,
        `shop/${table}/20260301-10000${batch}000.csv`,
        `Op,id,note\nU,${batch},b${batch}\nU,${batch + 1},b${batch}\n`,
      )
    await ingest(lake, engine, { vectorFilesMax: 2 })
  }
  for (const table of ['orders', 'copies']) {
    const snapshot = await existing(snapshotOf(lake, `shop.${table}`))
    const withVector = snapshot.files.filter((file) => file.deletionVector !== undefined)
    expect(withVector.length, `live files of ${table} with a vector`).toBeLessThanOrEqual(2)
    expect(await changesOf(engine, snapshot), `changes of ${table}`).toEqual(
      Array.from({ length: BATCHES }, (_, batch) => [
        { version: batch + 1, id: batch, kind: 'update_preimage', note: batch === 0 ? 'first' : `b${batch - 1}` },
        { version: batch + 1, id: batch, kind: 'update_postimage', note: `b${batch}` },
        { version: batch + 1, id: batch + 1, kind: 'update_preimage', note: 'first' },
        { version: batch + 1, id: batch + 1, kind: 'update_postimage', note: `b${batch}` },
      ]).flat(),
    )
  }
})

test('a file of many rows is not written anew for a small batch', async () => {
  const { folder, engine } = workplace
  const lake = await lakeIn(folder, CONFIG)
  const rows = Array.from({ length: 30_000 }, (_, id) => `I,${id + 1000},big\n`).join('')
  await put(folder, 'shop/orders/20260302-100000000.csv', `Op,id,note\n${rows}`)
  await ingest(lake, engine, { tables: ['shop.orders'], vectorFilesMax: 0 })
  await put(folder, 'shop/orders/20260302-100001000.csv', 'Op,id,note\nU,1000,small\nU,3,small\n')
  await ingest(lake, engine, { tables: ['shop.orders'], vectorFilesMax: 0 })
  const snapshot = await existing(snapshotOf(lake, 'shop.orders'))
  const withVector = snapshot.files.filter((file) => file.deletionVector !== undefined)
  expect(
    withVector.map((add) => JSON.parse(add.stats ?? '{}').numRecords),
    'the big file alone keeps a vector',
  ).toEqual([30_000])
})

async function changesOf(engine: Engine, snapshot: Snapshot): Promise<readonly object[]> {
  const { request } = await planChanges(snapshot.store, { fromVersion: 1, nowMs: 0 })
  const fork = await engine.fork()
  try {
    const { sql } = await changesSql(fork, snapshot.store, request)
    const rows = await fork.all(
      `SELECT "_commit_version" AS version, id, "_change_type" AS kind, note FROM (${sql}) ORDER BY 1, 2, 3 DESC`,
    )
    return rows.map(({ version, id, kind, note }) => ({ version: Number(version), id: Number(id), kind, note }))
  } finally {
    await fork.close()
  }
}

async function existing(found: Promise<Snapshot | undefined>): Promise<Snapshot> {
  const snapshot = await found
  if (snapshot === undefined) throw new Error('the table does not exist')
  return snapshot
}
