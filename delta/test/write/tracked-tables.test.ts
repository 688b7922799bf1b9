import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { commitInfoOf } from '../../src/log/read-commit.ts'
import { commitTransaction } from '../../src/write/transaction.ts'
import { add } from '../log/log-builder.ts'
import { fieldsOf, lastActions, rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

const ROWS = fieldsOf(['id', 'long'], ['v', 'string'])
const TRACKED = { 'delta.enableRowTracking': 'true' }

test('in-commit timestamps rise, and stand in the first line', async () => {
  const table = await place.fresh(ROWS, { configuration: { 'delta.enableInCommitTimestamps': 'true' } })
  const times: number[] = []
  for (let id = 0; id < 3; id++) {
    await table.append([{ id, v: 'x' }])
    const [first] = await lastActions(table)
    times.push(first !== undefined && 'commitInfo' in first ? (first.commitInfo.inCommitTimestamp ?? 0) : 0)
  }
  expect(times.every((time, index) => time > (times[index - 1] ?? 0))).toBe(true)
  expect((await table.snapshot()).timestampMs).toBe(times[2])
})

test('an in-commit timestamp is later than the one before, though the clock goes back', async () => {
  const table = await place.fresh(ROWS, { configuration: { 'delta.enableInCommitTimestamps': 'true' } })
  const snapshot = await table.snapshot()
  const slow: Clock = { ...systemClock, now: () => snapshot.timestampMs - 60_000 }
  const actions = [add('a'), add('b')]
  for (const action of actions)
    await commitTransaction(slow, { snapshot, actions: [action], info: {}, reads: { kind: 'nothing' } })
  const times = (await Array.fromAsync(table.history())).map(({ timestampMs }) => timestampMs - snapshot.timestampMs)
  expect(times).toEqual([2, 1, 0])
})

test('in-commit timestamps that begin later say from which version on', async () => {
  const table = await place.fresh(ROWS)
  await table.append([{ id: 1, v: 'x' }])
  await table.setProperties({ 'delta.enableInCommitTimestamps': 'true' })
  const time = commitInfoOf(await lastActions(table))?.inCommitTimestamp
  expect((await table.snapshot()).metadata.configuration).toMatchObject({
    'delta.inCommitTimestampEnablementVersion': '2',
    'delta.inCommitTimestampEnablementTimestamp': String(time),
  })
  expect((await table.snapshot()).protocol.writerFeatures).toEqual(['appendOnly', 'inCommitTimestamp', 'invariants'])
})

test('every file gets its first row id, and the mark rises with it', async () => {
  const table = await place.fresh(ROWS, { configuration: TRACKED })
  await table.append([
    { id: 1, v: 'a' },
    { id: 2, v: 'b' },
  ])
  await table.append([{ id: 3, v: 'c' }])
  const { files, domains } = await table.snapshot()
  const byVersion = [...files].sort((left, right) => (left.baseRowId ?? 0) - (right.baseRowId ?? 0))
  expect(byVersion.map(({ baseRowId, defaultRowCommitVersion }) => [baseRowId, defaultRowCommitVersion])).toEqual([
    [0, 1],
    [2, 2],
  ])
  expect(domains.get('delta.rowTracking')).toBe('{"rowIdHighWaterMark":2}')
})

test.each([true, false])(
  'an updated row keeps its id, and so does one that is only copied (deletion vectors: %s)',
  async (deletionVectors) => {
    const table = await place.fresh(ROWS, { configuration: TRACKED, deletionVectors })
    await table.append([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
      { id: 3, v: 'c' },
    ])
    await table.upsert({
      key: ['id'],
      changes: [
        { id: 2, v: 'B' },
        { id: 4, v: 'd' },
      ],
    })
    const { metadata } = await table.snapshot()
    const ids = await idsOf(table, metadata.configuration['delta.rowTracking.materializedRowIdColumnName'] ?? '')
    expect([ids[1], ids[2], ids[3]]).toEqual([0, 1, 2])
    expect(ids[4]).toBeGreaterThan(2)
  },
)

test('row tracking switched on later gives ids to the files that are there', async () => {
  const table = await place.fresh(ROWS)
  await table.append([{ id: 1, v: 'a' }])
  await table.append([{ id: 2, v: 'b' }])
  expect(await table.setProperties(TRACKED)).toMatchObject({ kind: 'committed', version: 3 })
  const { files, domains } = await table.snapshot()
  expect(files.map(({ baseRowId }) => baseRowId).sort()).toEqual([0, 1])
  expect(domains.get('delta.rowTracking')).toBe('{"rowIdHighWaterMark":1}')
  expect(await rowsOf(table)).toHaveLength(2)
})

const FEED = { 'delta.enableChangeDataFeed': 'true' }

async function feedOf(table: Awaited<ReturnType<TablePlace['fresh']>>, fromVersion: number) {
  const rows = await Array.fromAsync(table.changes({ fromVersion }))
  return rows.map((row) => `${row['_commit_version']} ${row['_change_type']} ${row['id']} ${row['v']}`).sort()
}

test.each([true, false])(
  'an upsert writes its changes to the feed, inserts too (deletion vectors: %s)',
  async (deletionVectors) => {
    const table = await place.fresh(ROWS, { configuration: FEED, deletionVectors })
    await table.append([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
    ])
    await table.upsert({
      key: ['id'],
      changes: [
        { id: 2, v: 'B' },
        { id: 3, v: 'c' },
      ],
    })
    expect((await lastActions(table)).filter((action) => 'cdc' in action)).toHaveLength(1)
    await table.delete({ kind: '=', column: 'id', value: 1 })
    expect((await lastActions(table)).filter((action) => 'cdc' in action)).toHaveLength(deletionVectors ? 0 : 1)
    expect(await feedOf(table, 1)).toEqual([
      '1 insert 1 a',
      '1 insert 2 b',
      '2 insert 3 c',
      '2 update_postimage 2 B',
      '2 update_preimage 2 b',
      '3 delete 1 a',
    ])
  },
)

test('a clustered table keeps its columns in mind, and its files have bounds for them wherever they stand', async () => {
  const wide = fieldsOf(...Array.from({ length: 40 }, (_, index) => [`c${index}`, 'long'] as const))
  const table = await place.fresh(wide, { clusterBy: ['c39'] })
  await table.append({ sql: `SELECT ${wide.fields.map(({ name }, index) => `${index} AS ${name}`).join(', ')}` })
  const { domains, files } = await table.snapshot()
  expect(domains.get('delta.clustering')).toBe('{"clusteringColumns":[["c39"]],"domainName":"delta.clustering"}')
  expect(JSON.parse(files[0]?.stats ?? '{}')).toMatchObject({ minValues: { c39: 39 }, maxValues: { c39: 39 } })
})

test('a column that the feed has itself is refused', async () => {
  await expect(place.fresh(fieldsOf(['_change_type', 'string']), { configuration: FEED })).rejects.toThrow(
    'The table was not changed: a change feed has a column _change_type of its own. Name the column otherwise.',
  )
})

/** Row ids by the value of `id`, read as PROTOCOL.md says: the materialized one, else the file's first plus the position. */
async function idsOf(table: Awaited<ReturnType<TablePlace['fresh']>>, hidden: string) {
  const snapshot = await table.snapshot()
  const { openEngine } = await import('../../src/duckdb/engine.ts')
  const { scanSql } = await import('../../src/read/scan.ts')
  const engine = await openEngine({ threads: 1 })
  try {
    const ids: Record<number, number> = {}
    for (const file of snapshot.files) {
      const rows = await scanSql(engine, snapshot, {
        files: [file],
        withPlace: true,
        extraColumns: [{ name: hidden, type: 'long' }],
      })
      for (const row of await engine.all(
        `SELECT id, coalesce("${hidden}", ${file.baseRowId} + __position) AS row FROM (${rows})`,
      ))
        ids[Number(row['id'])] = Number(row['row'])
    }
    return ids
  } finally {
    await engine.close()
  }
}
