import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openEngine } from '../../src/duckdb/engine.ts'
import { type OptimizeOptions, optimize, planOptimize } from '../../src/maintain/optimize.ts'
import { planBins } from '../../src/maintain/plan-optimize.ts'
import type { AddFile } from '../../src/protocol/actions.ts'
import { parseStats } from '../../src/protocol/stats.ts'
import { readChanges } from '../../src/read/changes.ts'
import { scanSql } from '../../src/read/scan.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from '../read/table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const SCHEMA = schemaOf([
  ['id', 'long'],
  ['name', 'string'],
  ['part', 'string'],
])
const rowsFrom = (start: number, count: number): string =>
  `SELECT id, 'n' || (id * 7919 % 1000) AS name, 'p' || (id % 2) AS part FROM range(${start}, ${start + count}) t(id)`

async function tableOf(name: string, partitions: readonly string[] = []): Promise<TestTable> {
  const table = await createTestTable(shop.engine, join(shop.folder, name), SCHEMA, partitions)
  for (const start of [0, 100, 200]) await table.append(rowsFrom(start, 100))
  await table.replace('id % 10 = 3')
  return table
}

const run = async (table: TestTable, options: OptimizeOptions = {}) =>
  optimize(shop.engine, systemClock, await table.snapshot(), options)
const sorted = async (table: TestTable): Promise<readonly unknown[]> =>
  (await table.rows()).map((row) => JSON.stringify([Number(row['id']), row['name'], row['part']])).sort()

test('small files become one a partition, without their dead rows, and no row changes', async () => {
  const table = await tableOf('packed', ['part'])
  const before = await sorted(table)
  const summary = await run(table)
  const snapshot = await table.snapshot()
  expect(summary).toMatchObject({ versions: [5], filesRemoved: 6, filesAdded: 2, filesLeft: 0 })
  expect(
    snapshot.files.map(({ partitionValues, deletionVector }) => [partitionValues['part'], deletionVector]),
  ).toEqual(
    expect.arrayContaining([
      ['p0', undefined],
      ['p1', undefined],
    ]),
  )
  expect(snapshot.files.reduce((sum, { stats }) => sum + (parseStats(stats)?.numRecords ?? 0), 0)).toBe(270)
  expect(await sorted(table)).toEqual(before)
  expect(planOptimize(snapshot).bins).toEqual([])
  expect(await run(table)).toMatchObject({ versions: [], filesAdded: 0 })
})

test('a rewrite is no change', async () => {
  const table = await tableOf('no-change')
  await run(table)
  const fork = await shop.engine.fork()
  const changes = await Array.fromAsync(readChanges(fork, table.store, { fromVersion: 5, toVersion: 5, key: ['id'] }))
  await fork.close()
  expect(changes).toEqual([])
})

/** An optimize whose commit comes after `meanwhile`, which happens while the new files are being written. */
async function beaten(table: TestTable, meanwhile: () => Promise<unknown>, options: OptimizeOptions = {}) {
  const snapshot = await table.snapshot()
  await meanwhile()
  return optimize(shop.engine, systemClock, snapshot, options)
}

test.for([
  ['in order', {}],
  ['clustered', { columns: ['name', 'id'], targetBytes: 4000 }],
] as const)('rows that others delete and add meanwhile stay deleted and added: %s', async ([name, options]) => {
  const table = await tableOf(`beaten ${name}`)
  const expected = await tableOf(`unbeaten ${name}`)
  for (const { replace } of [expected]) await replace('id % 9 = 1', 'SELECT 1000 AS id, NULL AS name, NULL AS part')
  const summary = await beaten(
    table,
    () => table.replace('id % 9 = 1', 'SELECT 1000 AS id, NULL AS name, NULL AS part'),
    options,
  )
  expect([summary.versions, summary.filesLeft]).toEqual([[6], 0])
  expect(await sorted(table)).toEqual(await sorted(expected))
  const { files } = await table.snapshot()
  expect(files.some(({ deletionVector }) => deletionVector !== undefined)).toBe(true)
})

// Its row groups are read by several threads, and more of it is dead than a statement lists: a join would give its rows in another order.
test('rows of large files are found again where a rewrite put them', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'large'), SCHEMA)
  for (const start of [0, 600_000]) await table.append(rowsFrom(start, 600_000))
  await table.replace('id % 10 = 3')
  // Two winners, whose rows are proved at once.
  const summary = await beaten(table, async () => {
    await table.replace('id % 1000 = 1')
    await table.replace('id % 1000 = 2')
  })
  expect([summary.versions.length, summary.filesLeft]).toEqual([1, 0])
  const fork = await shop.engine.fork()
  const scan = await scanSql(fork, await table.snapshot())
  const [row] = await fork.all(
    `SELECT count(*) AS n, count_if(id % 10 = 3 OR id % 1000 IN (1, 2)) AS dead, sum(id) AS ids FROM (${scan})`,
  )
  await fork.close()
  const ids = Array.from({ length: 1_200_000 }, (_, id) => id).filter(
    (id) => id % 10 !== 3 && id % 1000 !== 1 && id % 1000 !== 2,
  )
  expect(row).toEqual({ n: BigInt(ids.length), dead: 0n, ids: BigInt(ids.reduce((sum, id) => sum + id, 0)) })
})

test.for([
  ['in order', {}],
  ['clustered', { columns: ['id'] }],
] as const)('more rows than a call has arguments are followed: %s', async ([name, options]) => {
  const table = await createTestTable(shop.engine, join(shop.folder, `many ${name}`), SCHEMA)
  for (const start of [0, 150_000]) await table.append(rowsFrom(start, 150_000))
  const summary = await beaten(table, () => table.replace('id % 2 = 1'), options)
  expect([summary.versions.length, summary.filesAdded, summary.filesLeft]).toEqual([1, 1, 0])
  expect(await table.rows()).toHaveLength(150_000)
})

test('a rewrite beside which a million rows are deleted loses, and begins anew with what is left', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'million'), SCHEMA)
  for (const start of [0, 600_000]) await table.append(rowsFrom(start, 600_000))
  const summary = await beaten(table, () => table.replace('id > 10 AND id % 600_000 <> 5'))
  expect([summary.versions.length, summary.filesLeft]).toEqual([1, 0])
  expect((await table.rows()).map(({ id }) => Number(id))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 600_005])
  expect((await table.snapshot()).files).toHaveLength(1)
})

test('what is a little more than a file’s worth becomes two files, with half of the range each', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'little more'), SCHEMA)
  await table.append(rowsFrom(0, 20_000))
  const [file] = (await table.snapshot()).files
  expect(await run(table, { columns: ['id'], targetBytes: Math.ceil((file?.size ?? 0) / 1.3) })).toMatchObject({
    filesAdded: 2,
  })
})

test('a file that others empty meanwhile does not come back', async () => {
  const table = await tableOf('emptied')
  const before = await sorted(table)
  await beaten(table, () => table.replace('id < 100'))
  expect(await sorted(table)).toEqual(before.filter((row) => !/^\[\d{1,2},/.test(String(row))))
})

test('clustering by one column gives files whose bounds do not meet, by two narrow bounds in both', async () => {
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, 'clustered'),
    schemaOf([
      ['x', 'long'],
      ['y', 'long'],
    ]),
  )
  await table.append('SELECT i * 7919 % 10007 AS x, i * 104729 % 10009 AS y FROM range(20000) t(i)')
  const before = (await table.rows()).map((row) => JSON.stringify([Number(row['x']), Number(row['y'])])).sort()
  const [file] = (await table.snapshot()).files
  const targetBytes = Math.ceil((file?.size ?? 0) / 16)
  await run(table, { columns: ['x'], targetBytes })
  const one = (await table.snapshot()).files.map(boundsOf('x')).sort((a, b) => a.min - b.min)
  expect(one.length).toBeGreaterThan(8)
  for (const [index, { min }] of one.entries())
    if (index > 0) expect(min).toBeGreaterThanOrEqual(one[index - 1]?.max ?? 0)
  await run(table, { columns: ['Y', 'x'], targetBytes })
  const { files } = await table.snapshot()
  for (const column of ['x', 'y']) {
    const spans = files.map(boundsOf(column)).map(({ min, max }) => max - min)
    // Unsorted, each file spans all of both columns. A piece of the curve that turns a corner spans more than its square.
    expect(spans.reduce((sum, span) => sum + span, 0) / spans.length).toBeLessThan(6000)
  }
  expect((await table.rows()).map((row) => JSON.stringify([Number(row['x']), Number(row['y'])])).sort()).toEqual(before)
})

function boundsOf(column: string): (file: AddFile) => { readonly min: number; readonly max: number } {
  return ({ stats }) => {
    const parsed = parseStats(stats)
    return { min: Number(parsed?.minValues?.[column]), max: Number(parsed?.maxValues?.[column]) }
  }
}

test('more rows than memory holds are clustered, from large files with dead rows', async () => {
  const texts = Array.from({ length: 8 }, (_, at) => `t${at}`)
  const schema = schemaOf([['id', 'long'], ...texts.map((name) => [name, 'string'] as const)])
  const table = await createTestTable(shop.engine, join(shop.folder, 'more'), schema)
  const values = texts.map((name, at) => `left(md5((i * ${at + 1})::VARCHAR), ${6 + 3 * at}) AS ${name}`).join(', ')
  for (let file = 0; file < 6; file++)
    await table.append(`SELECT i * 6 + ${file} AS id, ${values} FROM range(200000) t(i) ORDER BY hash(i)`)
  await table.replace('id % 100 = 7')
  const small = await openEngine({ memoryMiB: 128, threads: 2 })
  try {
    const before = await table.snapshot()
    expect(before.files.filter(({ deletionVector }) => deletionVector !== undefined)).not.toEqual([])
    await optimize(small, systemClock, before, { columns: ['id'], targetBytes: 1 << 24 })
  } finally {
    await small.close()
  }
  const { files: after } = await table.snapshot()
  const bounds = after
    .map(({ stats }) => parseStats(stats))
    .map((stats) => [Number(stats?.minValues?.['id']), Number(stats?.maxValues?.['id'])] as const)
    .toSorted(([left], [right]) => left - right)
  expect(bounds.length).toBeGreaterThan(3)
  expect(bounds.every(([min], at) => at === 0 || min > (bounds[at - 1]?.[1] ?? 0))).toBe(true)
})

test('columns that cannot be clustered by are refused by name', async () => {
  const table = await tableOf('refused', ['part'])
  const snapshot = await table.snapshot()
  for (const [column, why] of [
    ['nothing', 'the table has no such column'],
    ['part', 'the table is partitioned by it'],
  ] as const)
    expect(() => planOptimize(snapshot, { columns: [column] })).toThrow(
      `The table can't be clustered by "${column}": ${why}. Name columns of numbers, texts, dates or times.`,
    )
})

test('columns outside of the schema keep their values', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'extra'), schemaOf([['id', 'long']]))
  const extraColumns = [{ name: '__file', type: 'string' as const }]
  for (const id of [1, 2]) await table.append(`SELECT ${id} AS id, 'f${id}' AS __file`, { extraColumns })
  await run(table, { extraColumns })
  expect(await table.rows({ extraColumns })).toEqual([
    { id: 1n, __file: 'f1' },
    { id: 2n, __file: 'f2' },
  ])
})

test('many small files are packed at once', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'many'), schemaOf([['id', 'long']]))
  const [add] = (await table.append('SELECT 1 AS id')).files
  const copies: AddFile[] = []
  for (let index = 0; index < 80; index++) {
    await table.store.write(`copy-${index}.parquet`, await table.store.read(add?.path ?? ''))
    if (add !== undefined) copies.push({ ...add, path: `copy-${index}.parquet` })
  }
  await table.commit(copies.map((copy) => ({ add: copy })))
  await table.replace(`"__path" = 'copy-7.parquet'`)
  expect(await run(table)).toMatchObject({ filesRemoved: 80, filesAdded: 1 })
  expect(await table.rows()).toHaveLength(80)
})

test('a bin is about the target, large files stay, and dead rows bring them in', () => {
  const file = (path: string, size: number, dead = 0): AddFile => ({
    path,
    partitionValues: {},
    size,
    modificationTime: Number(path.slice(1)),
    dataChange: true,
    stats: '{"numRecords":100}',
    ...(dead === 0
      ? {}
      : { deletionVector: { storageType: 'u', pathOrInlineDv: path, sizeInBytes: 1, cardinality: dead } }),
  })
  const files = [
    file('f1', 40),
    file('f2', 30),
    file('f3', 40),
    file('f4', 90),
    file('f5', 200, 5),
    file('f6', 200, 50),
  ]
  const metadata = { id: '', format: { provider: 'parquet', options: {} }, schemaString: '', partitionColumns: [] }
  const binsOf = (limits: object, configuration = {}) =>
    planBins({ files, metadata: { ...metadata, configuration } }, limits).map((bin) =>
      bin.files.map(({ path }) => path),
    )
  expect(binsOf({ targetBytes: 100 })).toEqual([['f1', 'f2'], ['f6']])
  expect(binsOf({ targetBytes: 100, deadShareMin: 0 })).toEqual([['f1', 'f2'], ['f5'], ['f6']])
  expect(binsOf({}, { 'delta.targetFileSize': '1kb' })).toEqual([['f1', 'f2', 'f3', 'f4', 'f5', 'f6']])
})
