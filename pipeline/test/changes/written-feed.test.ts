// Tables whose own writer keeps a change feed: Tributary reads it as it is, and does not know which rows belong together.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Action, batchRows, type Store } from '@tributary/delta'
import { beforeAll, expect, test } from 'vitest'
import { column, foreignTable, tableActions } from '../../../delta/test/read/foreign-table.ts'
import { changeRecordsSql } from '../../src/changes/change-records.ts'
import { planChanges } from '../../src/changes/plan-changes.ts'
import { readTableChanges } from '../../src/changes/read-table-changes.ts'
import { changePairs } from '../../src/changes/select-changes.ts'
import { summarizeChanges } from '../../src/changes/summarize-changes.ts'
import { useEngine } from '../inspect/build-table.ts'

const { engine, folder } = useEngine()
const add = (path: string): Action => ({
  add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, stats: '{"numRecords":2}' },
})
let store: Store

beforeAll(async () => {
  const configuration = { 'delta.enableChangeDataFeed': 'true' }
  const cdc: Action = { cdc: { path: '_change_data/c.parquet', partitionValues: {}, size: 1, dataChange: false } }
  const gone: Action = { remove: { path: 'a.parquet', dataChange: true, partitionValues: {} } }
  const fields = [column('id', 'long'), column('v', 'string')]
  store = await foreignTable(
    engine(),
    join(folder(), 'feed'),
    [
      [...tableActions(fields, { configuration }), add('a.parquet')],
      [gone, add('b.parquet'), cdc],
    ],
    {
      'a.parquet': `FROM (VALUES (1::BIGINT, 'a'), (2, 'b')) t(id, v)`,
      'b.parquet': `FROM (VALUES (1::BIGINT, 'A'), (2, 'b')) t(id, v)`,
      '_change_data/c.parquet': `FROM (VALUES (1::BIGINT, 'a', 'update_preimage'), (1, 'A', 'update_postimage')) t(id, v, _change_type)`,
    },
  )
})

test('its rows are told as they are', async () => {
  const batches = await Array.fromAsync(readTableChanges(engine(), store, { nowMs: 0, since: 'v0', ops: ['update'] }))
  expect(batches.flatMap(batchRows).map((row) => `${row['_change_type']} ${row['id']}=${row['v']}`)).toEqual([
    'update_preimage 1=a',
    'update_postimage 1=A',
  ])
})

test('a summary counts them, and says that it knows neither keys nor columns', async () => {
  const planned = await planChanges(store, { nowMs: 0 })
  expect(await summarizeChanges(engine(), { table: 't', planned })).toMatchObject({
    inserted: 2,
    updated: 1,
    deleted: 0,
    keys: { touched: null, total: 2 },
    columns: null,
    samples: [],
  })
})

test('records and columns need a key, by which the changes are derived', async () => {
  const planned = await planChanges(store, { nowMs: 0, since: 'v0' })
  const because = `The key of the table at ${store.url} is not known: Tributary does not write it. Name the key columns with --key, for changes with --derive --key.`
  const pairs = await changePairs(engine(), planned)
  expect(() => changeRecordsSql(pairs, { ...planned, sourceTimes: new Map() })).toThrow(because)
  await expect(planChanges(store, { nowMs: 0, columns: ['v'] })).rejects.toThrow(because)
  const derived = await planChanges(store, { nowMs: 0, since: 'v0', deriveKey: ['id'] })
  expect(await summarizeChanges(engine(), { table: 't', planned: derived })).toMatchObject({
    updated: 1,
    keys: { touched: 1, total: 2 },
    columns: [{ column: 'v', changed: 1 }],
  })
})

test('a change data file that was cleaned up is missed before anything is read', async () => {
  await rm(join(folder(), 'feed/_change_data/c.parquet'))
  await expect(planChanges(store, { nowMs: 0, since: 'v0' })).rejects.toThrow(
    /_change_data\/c\.parquet was cleaned up, oldest readable is v1 /,
  )
})
