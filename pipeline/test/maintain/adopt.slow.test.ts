import { commit, createTableActions, type StructType, systemClock, writeDataFiles } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { adoptTable, type Holds, planAdoption, releaseTable } from '../../src/maintain/adopt-table.ts'
import { stateOf } from '../../src/maintain/sidecars.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, type Workplace } from '../support/workplace.ts'
import { type Feed, keyOf, openFeed, TABLE } from './feed.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const SCHEMA: StructType = {
  type: 'struct',
  fields: [
    { name: 'id', type: 'long', nullable: true, metadata: {} },
    { name: 'name', type: 'string', nullable: true, metadata: {} },
  ],
}

/** A table that knows nothing of Tributary, of the lowest protocol. */
async function foreignTable(name: string, rows = "(1, 'Ada'), (2, 'Bo')"): Promise<Feed> {
  const feed = await openFeed(workplace, name)
  const store = feed.lake.tableStore(TABLE)
  const added = await writeDataFiles(feed.engine, store, systemClock, {
    relation: `SELECT * FROM (VALUES ${rows}) t(id, name)`,
    schema: SCHEMA,
    partitionColumns: [],
  })
  await commit(store, systemClock, {
    readVersion: undefined,
    actions: [...createTableActions(systemClock, { schema: SCHEMA }), ...added.map((add) => ({ add }))],
    info: { operation: 'CREATE TABLE AS SELECT' },
  })
  return feed
}

const adopt = async (feed: Feed, holds?: Holds): Promise<number> =>
  adoptTable(feed, await planAdoption(feed, TABLE, holds))

test('an adopted table takes changes in, and none of its files was rewritten', async () => {
  const feed = await foreignTable('adopted')
  const [file] = (await feed.snapshot()).files
  expect(await feed.ingest()).toBeUndefined()
  await feed.put('20260301-101500000', ['U,2,Bob', 'I,3,Cy', 'D,1,Ada'])
  expect(await feed.ingest()).toBe('TABLE_NOT_OURS')
  await adopt(feed, { kind: 'none' })
  const { files, protocol } = await feed.snapshot()
  expect(files).toEqual([file])
  expect(protocol).toMatchObject({
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['deletionVectors'],
    writerFeatures: ['appendOnly', 'deletionVectors', 'domainMetadata', 'invariants'],
  })
  expect(await feed.ingest()).toBeUndefined()
  expect(await feed.rows()).toEqual(['2=Bob', '3=Cy'])
  const report = await checkTable(feed.engine, feed.lake.tableStore(TABLE), { key: ['id'] })
  expect(report.findings).toEqual([])
})

test('files that the rows hold already are recorded and not applied again', async () => {
  const feed = await foreignTable('held')
  await feed.put('LOAD00000001', ['I,1,Ada', 'I,2,Bo'])
  await feed.put('20260301-101500000', ['U,2,too old'])
  await feed.put('20260301-101600000', ['U,1,Ada L.'])
  await expect(planAdoption(feed, TABLE, undefined)).rejects.toThrow(
    "shop.orders can't be adopted yet: the landing has 3 files of it, and their changes may be in its rows or not. Add --holds all, --holds none, or --holds FILE with the key of the last file that the rows hold.",
  )
  await expect(planAdoption(feed, TABLE, { kind: 'until', file: 'x.csv' })).rejects.toMatchObject({
    code: 'ADOPT_HOLDS_UNKNOWN',
  })
  const plan = await planAdoption(feed, TABLE, { kind: 'until', file: keyOf('20260301-101500000') })
  expect([plan.held.length, plan.waiting.map(({ key }) => key)]).toEqual([2, [keyOf('20260301-101600000')]])
  await adoptTable(feed, plan)
  await feed.ingest()
  expect(await feed.rows()).toEqual(['1=Ada L.', '2=Bo'])
})

test('a load that waits replaces all rows when they hold nothing of it, and joins them when they hold a part', async () => {
  const replaced = await foreignTable('replaced')
  await replaced.put('LOAD00000001', ['I,2,Bob', 'I,3,Cy'])
  await replaced.put('20260301-101500000', ['U,3,Cyd'])
  const plan = await planAdoption(replaced, TABLE, { kind: 'none' })
  expect(plan.replacing.map(({ key }) => key)).toEqual([keyOf('LOAD00000001')])
  await adoptTable(replaced, plan)
  expect(await replaced.ingest()).toBeUndefined()
  expect(await replaced.rows()).toEqual(['2=Bob', '3=Cyd'])
  const joined = await foreignTable('joined')
  await joined.put('LOAD00000001', ['I,1,Ada', 'I,2,Bo'])
  await joined.put('LOAD00000002', ['I,3,Cy'])
  await adopt(joined, { kind: 'until', file: keyOf('LOAD00000001') })
  expect(await joined.ingest()).toBeUndefined()
  expect(await joined.rows()).toEqual(['1=Ada', '2=Bo', '3=Cy'])
})

test('the first file after an adoption is held to the types of the table', async () => {
  const feed = await foreignTable('typed')
  await adopt(feed)
  await feed.put('20260301-101500000', ['I,1.7,x', 'I,0x10,y', 'I,3,Cy'])
  await feed.ingest()
  expect(await feed.rows()).toEqual(['1=Ada', '2=Bo', '3=Cy'])
})

test('a load that is written anew after the adoption is a reload', async () => {
  const feed = await foreignTable('reloaded')
  await feed.put('LOAD00000001', ['I,1,Ada', 'I,2,Bo'])
  await adopt(feed, { kind: 'all' })
  await feed.put('LOAD00000001', ['I,7,Gus'])
  expect(await feed.ingest()).toBeUndefined()
  expect(await feed.rows()).toEqual(['7=Gus'])
})

test.for([
  ["(1, 'a'), (1, 'b')", '1 keys occur more than once'],
  ["(1, 'a'), (NULL, 'b')", '1 rows have no key'],
] as const)('rows %s are refused: %s', async ([rows, why]) => {
  const feed = await foreignTable(`refused ${why}`, rows)
  await expect(planAdoption(feed, TABLE, undefined)).rejects.toThrow(
    `shop.orders can't be adopted with the key [id]: ${why}. Correct the key in tributary.yaml, or the rows.`,
  )
})

test('a table that another writer changed since its keys were checked is not adopted', async () => {
  const feed = await foreignTable('raced')
  const plan = await planAdoption(feed, TABLE, undefined)
  const store = feed.lake.tableStore(TABLE)
  const added = await writeDataFiles(feed.engine, store, systemClock, {
    relation: "SELECT 1::BIGINT AS id, 'twice' AS name",
    schema: SCHEMA,
    partitionColumns: [],
  })
  const actions = added.map((add) => ({ add }))
  await commit(store, systemClock, { readVersion: 0, actions, info: { operation: 'WRITE' } })
  await expect(adoptTable(feed, plan)).rejects.toMatchObject({ code: 'ADOPT_LOST' })
})

test.for([
  ['a column that has one of our own names', '__row', [], 'COLUMN_RESERVED'],
  ['another partitioning than the configured one', 'name', ['name'], 'SETTINGS_CHANGED'],
] as const)('%s is refused', async ([, column, partitionColumns, code]) => {
  const feed = await openFeed(workplace, `refused ${column}`)
  const fields = SCHEMA.fields.map((field, at) => (at === 1 ? { ...field, name: column } : field))
  const actions = createTableActions(systemClock, { schema: { type: 'struct', fields }, partitionColumns })
  const info = { operation: 'CREATE TABLE' }
  await commit(feed.lake.tableStore(TABLE), systemClock, { readVersion: undefined, actions, info })
  await expect(planAdoption(feed, TABLE, undefined)).rejects.toMatchObject({ code })
})

test('a table whose rules batches would break is refused by the name of the rule', async () => {
  const feed = await foreignTable('ruled')
  const { metadata } = await feed.snapshot()
  const configuration = { 'delta.constraints.positive': 'id > 0' }
  await commit(feed.lake.tableStore(TABLE), systemClock, {
    readVersion: 0,
    actions: [{ protocol: { minReaderVersion: 1, minWriterVersion: 3 } }, { metaData: { ...metadata, configuration } }],
    info: { operation: 'ADD CONSTRAINT' },
  })
  await expect(planAdoption(feed, TABLE, undefined)).rejects.toThrow(/it needs checkConstraints,/)
})

test('a released table is anyone’s again, and can be adopted anew with the same files', async () => {
  const feed = await foreignTable('released')
  await adopt(feed)
  await feed.put('20260301-101500000', ['I,3,Cy'])
  await feed.ingest()
  const before = await feed.snapshot()
  await releaseTable(systemClock, TABLE, before)
  const after = await feed.snapshot()
  expect([after.files, stateOf(after)]).toEqual([before.files, undefined])
  expect(after.protocol).toEqual(before.protocol)
  const batch = after.transactions.get(`tributary/${TABLE}`)?.version
  await expect(releaseTable(systemClock, TABLE, after)).rejects.toMatchObject({ code: 'TABLE_NOT_FED' })
  await feed.put('20260301-101600000', ['I,4,Di'])
  expect(await feed.ingest()).toBe('TABLE_NOT_OURS')
  await adopt(feed, { kind: 'until', file: keyOf('20260301-101500000') })
  expect((await feed.snapshot()).transactions.get(`tributary/${TABLE}`)?.version).toBe((batch ?? 0) + 1)
  await expect(planAdoption(feed, TABLE, undefined)).rejects.toMatchObject({ code: 'TABLE_IS_OURS' })
  expect(await feed.ingest()).toBeUndefined()
  expect(await feed.rows()).toEqual(['1=Ada', '2=Bo', '3=Cy', '4=Di'])
  const report = await checkTable(feed.engine, feed.lake.tableStore(TABLE), { key: ['id'] })
  expect(report.findings).toEqual([])
})

test('texts of a sequence column must have one length, and the table knows it from then on', async () => {
  const withSequence = async (feed: Feed): Promise<Feed> => ({
    ...feed,
    lake: await lakeIn(
      feed.folder,
      'landing: landing\nlake: lake\ntables:\n  shop.orders: {key: [id], sequence: name, columns: {id: long, name: string}}\n',
    ),
  })
  const mixed = await withSequence(await foreignTable('mixed-sequence'))
  await expect(planAdoption(mixed, TABLE, undefined)).rejects.toThrow(
    "shop.orders can't be adopted with the key [id]: the texts in the sequence column name have 2 to 3 bytes, and those of different lengths do not compare. Correct the key in tributary.yaml, or the rows.",
  )
  const even = await withSequence(await foreignTable('even-sequence', "(1, 'Ada'), (2, 'Bob'), (3, '')"))
  await adopt(even)
  expect(stateOf(await even.snapshot())?.sequenceLength).toBe(3)
})

test('an adopted table that asks for a codec gets it from batches too', async () => {
  const feed = await foreignTable('codec')
  const { metadata } = await feed.snapshot()
  const configuration = { 'delta.parquet.compression.codec': 'snappy', 'delta.dataSkippingStatsColumns': 'name' }
  await commit(feed.lake.tableStore(TABLE), systemClock, {
    readVersion: 0,
    actions: [{ metaData: { ...metadata, configuration } }],
    info: { operation: 'SET TBLPROPERTIES' },
  })
  await adopt(feed)
  await feed.put('20260301-101500000', ['I,3,Cy'])
  expect(await feed.ingest()).toBeUndefined()
  const { files } = await feed.snapshot()
  const added = files.find(({ path }) => path.endsWith('.snappy.parquet'))
  expect(JSON.parse(added?.stats ?? '{}').nullCount).toEqual({ name: 0 })
})

test('text for a nested column of an adopted table stops it, whatever the text looks like', async () => {
  const home: StructType = { type: 'struct', fields: [{ name: 'city', type: 'string', nullable: true, metadata: {} }] }
  const [id] = SCHEMA.fields
  const fields = [...(id === undefined ? [] : [id]), { name: 'name', type: home, nullable: true, metadata: {} }]
  const plain = await openFeed(workplace, 'nested')
  const config = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true}
tables: {shop.orders: {key: [id]}}
`
  const feed = { ...plain, lake: await lakeIn(plain.folder, config, { clock: systemClock }) }
  const actions = createTableActions(systemClock, { schema: { type: 'struct', fields } })
  const info = { operation: 'CREATE TABLE' }
  await commit(feed.lake.tableStore(TABLE), systemClock, { readVersion: undefined, actions, info })
  await adopt(feed)
  await feed.put('20260301-101500000', ["I,2,{'city': y}"])
  const { tables } = await ingest(feed.lake, feed.engine)
  expect(tables[0]?.stopped).toEqual({
    code: 'SCHEMA_MISMATCH',
    message:
      'shop/orders/20260301-101500000.csv does not fit shop.orders: it brings name, which is a struct in the table, and files of DMS hold no such values. See the ways on with `tributary resolve shop.orders`.',
  })
})
