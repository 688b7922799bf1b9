// Cases that a hostile reviewer found: each lost rows, or mixed them up, in silence.
import { join } from 'node:path'
import { commit, createTableActions, systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { replayQuarantine } from '../../src/worker/replay.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
let count = 0
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const LOAD = 's/t/LOAD00000001.csv'
const FIRST = 's/t/20260301-100400000.csv'
const SECOND = 's/t/20260301-100500000.csv'

interface Landing {
  readonly folder: string
  readonly reopen: (table: string, dms?: string) => Promise<Lake>
  readonly lake: Lake
}

async function landing(
  table = 'key: [id], columns: {id: long, v: string}',
  dms = 'AddColumnName: true',
): Promise<Landing> {
  const folder = join(workplace.folder, `hostile-${count++}`)
  const reopen = (settings: string, endpoint = dms): Promise<Lake> =>
    lakeIn(folder, `landing: landing\nlake: lake\ndms: {${endpoint}}\ntables:\n  s.t: {${settings}}\n`)
  return { folder, reopen, lake: await reopen(table) }
}

async function rows(lake: Lake): Promise<readonly string[]> {
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'v', type: 'string' },
  ] as const
  return canonicalRows(workplace.engine, await snapshotOf(lake, 's.t'), columns)
}

async function run(lake: Lake): Promise<{ code: string | null; commits: number }> {
  const [table] = (await ingest(lake, workplace.engine)).tables
  return { code: table?.stopped?.code ?? null, commits: table?.commits ?? 0 }
}

test('the good files before a bad one are applied, and skipping the bad one makes none of them late', async () => {
  const { folder, lake } = await landing()
  await put(folder, FIRST, 'Op,id,v\nI,1,a\n')
  await put(folder, SECOND, 'Op,id,v\nI,2,"b\n')
  expect(await run(lake)).toEqual({ code: 'LANDING_FILE_CORRUPT', commits: 1 })
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'skip', file: SECOND, reason: 'cut' })
  await put(folder, 's/t/20260301-100450000.csv', 'Op,id,v\nI,3,c\n')
  expect(await run(lake)).toEqual({ code: null, commits: 1 })
  expect(await rows(lake)).toEqual(['["1","a"]', '["3","c"]'])
  await expect(
    resolveTable(lake, workplace.engine, 's.t', { kind: 'skip', file: 's/u/20260301-100500000.csv', reason: 'x' }),
  ).rejects.toMatchObject({ code: 'NOTHING_TO_RESOLVE' })
})

test('a LOAD object that a reload writes again with the same bytes, and late, is loaded', async () => {
  const { folder, lake } = await landing()
  await put(folder, LOAD, 'id,v\n1,a\n', 1_000_000)
  await put(folder, 's/t/LOAD00000002.csv', 'id,v\n2,b\n', 1_000_000)
  await run(lake)
  await put(folder, LOAD, 'id,v\n1,A\n', 2_000_000)
  await run(lake)
  expect(await rows(lake)).toEqual(['["1","A"]'])
  await put(folder, 's/t/LOAD00000002.csv', 'id,v\n2,b\n', 3_000_000)
  expect((await run(lake)).commits).toBe(1)
  expect(await rows(lake)).toEqual(['["1","A"]', '["2","b"]'])
  expect((await run(lake)).commits).toBe(0)
})

test('a replay does not bring rows of an earlier generation back', async () => {
  const { folder, lake, reopen } = await landing('key: [id], columns: {id: long, v: short}')
  await put(folder, LOAD, 'id,v\n1,1\n', 1_000_000)
  await put(folder, FIRST, 'Op,id,v\nU,1,NULL\nI,5,NULL\n')
  await run(lake)
  await put(folder, LOAD, 'id,v\n1,99\n', 2_000_000)
  await run(lake)
  const mended = await reopen('key: [id], columns: {id: long, v: short}', "AddColumnName: true, CsvNullValue: 'NULL'")
  expect(await replayQuarantine(mended, workplace.engine, 's.t')).toMatchObject({ replayed: 2, still: 0 })
  expect(await rows(mended)).toEqual(['["1","99"]'])
})

test('a row that still cannot be read does not keep the others in quarantine', async () => {
  const { folder, lake, reopen } = await landing('key: [id], columns: {id: long, v: short}')
  await put(folder, FIRST, 'Op,id,v\nI,1,NULL\nI,7,7\n')
  await put(folder, SECOND, 'Op,id,v\nI,2\nI,8,8\n')
  await run(lake)
  const mended = await reopen('key: [id], columns: {id: long, v: short}', "AddColumnName: true, CsvNullValue: 'NULL'")
  expect(await replayQuarantine(mended, workplace.engine, 's.t')).toMatchObject({ replayed: 1, still: 1 })
  expect(await rows(mended)).toEqual(['["1",null]', '["7","7"]', '["8","8"]'])
})

test.for([
  ['key: [id, v]', 'key: [id], columns: {id: long, v: string}'],
  ['key: [id], partitionBy: [v], columns: {id: long, v: string}', 'key: [id], columns: {id: long, v: string}'],
  ['key: [id], columns: {id: long, v: string}', 'key: [id], write: copy-on-write, columns: {id: long, v: string}'],
  ['key: [id], rename: {v: w}, columns: {id: long, v: string}', 'key: [id], columns: {id: long, v: string}'],
])('settings that would fit new rows only stop the table: %s', async ([after = '', before]) => {
  const { folder, lake, reopen } = await landing(before)
  await put(folder, LOAD, 'id,v\n1,a\n')
  await run(lake)
  await put(folder, FIRST, 'Op,id,v\nU,1,b\n')
  expect(await run(await reopen(after))).toEqual({ code: 'SETTINGS_CHANGED', commits: 0 })
})

test('a table of another program in the place of ours is left alone', async () => {
  const { folder, lake } = await landing()
  const schema = { type: 'struct', fields: [{ name: 'x', type: 'long', nullable: true, metadata: {} }] } as const
  const actions = createTableActions(systemClock, { schema })
  await commit(lake.tableStore('s.t'), systemClock, { readVersion: undefined, actions, info: {} })
  await put(folder, LOAD, 'id,v\n1,a\n')
  expect(await run(lake)).toEqual({ code: 'TABLE_NOT_OURS', commits: 0 })
})

test('an empty text in a partition column waits in quarantine: Delta would make it NULL', async () => {
  const { folder, lake } = await landing(
    'key: [id, v], partitionBy: [v], columns: {id: long, v: string}',
    "AddColumnName: true, CsvNullValue: '\\N'",
  )
  await put(folder, FIRST, 'Op,id,v\nI,1,\nI,2,b\n')
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ applied: 1, quarantined: 1 }])
})

test('a reload after a truncate replaces what came between', async () => {
  const { folder, lake } = await landing()
  await put(folder, LOAD, 'id,v\n1,1\n', 1_000_000)
  await run(lake)
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'truncate', reason: 'source' })
  await put(folder, FIRST, 'Op,id,v\nI,1,2\nI,8,8\n')
  await run(lake)
  await put(folder, LOAD, 'id,v\n1,3\n9,9\n', 2_000_000)
  await run(lake)
  expect(await rows(lake)).toEqual(['["1","3"]', '["9","9"]'])
})

test('a transaction file without rows for a new table does not stop it', async () => {
  const { folder, lake } = await landing(undefined, 'PreserveTransactions: true, CdcPath: cdc')
  await put(folder, 'cdc/CDC_TXN-20260308101500123.csv', 'I,other,s,900,x\n')
  expect(await run(lake)).toMatchObject({ code: null })
  await put(folder, 'cdc/CDC_TXN-20260308101600123.csv', 'I,t,s,1,a\n')
  expect(await run(lake)).toEqual({ code: null, commits: 1 })
  expect(await rows(lake)).toEqual(['["1","a"]'])
})

test('a byte order mark stops the table: it would hide the Op column', async () => {
  const { folder, lake } = await landing()
  await put(folder, FIRST, '\uFEFFOp,id,v\nD,1,a\n')
  expect((await run(lake)).code).toBe('LANDING_FILE_CORRUPT')
})

test('a load that is a header alone leaves the types to the first rows', async () => {
  const { folder, lake } = await landing('key: [id]')
  await put(folder, LOAD, 'id,v\n')
  expect(await run(lake)).toEqual({ code: null, commits: 0 })
  await put(folder, FIRST, 'Op,id,v\nI,1,3\nI,10,4\n')
  expect(await run(lake)).toMatchObject({ code: null })
  expect((await snapshotOf(lake, 's.t'))?.schema.fields.map(({ name, type }) => `${name} ${String(type)}`)).toEqual([
    'id long',
    'v long',
  ])
  expect((await run(lake)).commits).toBe(0)
})

test.for(['merge-on-read', 'copy-on-write'])(
  'a column that comes with a batch, the sequence too, does not stop it (%s)',
  async (write) => {
    const { folder, lake } = await landing(`key: [id], sequence: q, write: ${write}`)
    await put(folder, LOAD, 'id,v\n1,a\n2,b\n')
    await put(folder, FIRST, 'Op,id,v,q,extra\nU,1,c,0001,x\n')
    expect(await run(lake)).toEqual({ code: null, commits: 2 })
    expect(await rows(lake)).toEqual(['["1","c"]', '["2","b"]'])
  },
)

test('a column with one of our own names is refused by name', async () => {
  const { folder, lake } = await landing('key: [id]')
  await put(folder, LOAD, 'id,__row\n1,a\n')
  expect((await run(lake)).code).toBe('COLUMN_RESERVED')
})

test('a delete inside a load is no row of the table', async () => {
  const { folder, lake } = await landing()
  await put(folder, LOAD, 'Op,id,v\nI,1,a\nD,2,b\n')
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ applied: 1, quarantined: 1 }])
  expect(await rows(lake)).toEqual(['["1","a"]'])
})

test('a landing name with a quote is an error that names it, and the others go on', async () => {
  const { folder, lake } = await landing()
  await put(folder, 's/o"r/LOAD00000001.csv', 'id,v\n1,a\n')
  await put(folder, LOAD, 'id,v\n1,a\n')
  const summary = await ingest(lake, workplace.engine)
  expect(summary.refused.map(({ key }) => key)).toEqual(['s/o"r/LOAD00000001.csv'])
  expect(summary.tables).toMatchObject([{ applied: 1 }])
})
