import { rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placesOfFile } from '../../src/maintain/file-places.ts'
import { intervalMs } from '../../src/maintain/retention.ts'
import { planVacuum, vacuum } from '../../src/maintain/vacuum.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from '../read/table.ts'
import { daysLater } from './clocks.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const HOUR = 3_600_000

/** Version 1 has two files in partitions, version 2 a deletion vector, version 3 only a new file. */
async function tableOf(name: string): Promise<TestTable> {
  const schema = schemaOf([
    ['id', 'long'],
    ['p a', 'string'],
  ])
  const table = await createTestTable(shop.engine, join(shop.folder, name), schema, ['p a'])
  await table.append(`SELECT id, 'p ' || (id % 2) AS "p a" FROM range(4) t(id)`)
  await table.replace('id = 0')
  await table.replace('true', `SELECT 9 AS id, NULL AS "p a"`)
  return table
}

async function filesOf(table: TestTable, version: number): Promise<readonly string[]> {
  const { files } = await table.snapshot(version)
  return files.flatMap((file) => placesOfFile(table.store, file)).toSorted()
}

async function listed({ store }: TestTable): Promise<readonly string[]> {
  return (await Array.fromAsync(store.list('')))
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('_delta_log'))
}

test('what no version within the retention names goes, deletion vectors too, and nothing sooner', async () => {
  const table = await tableOf('plain')
  const all = await listed(table)
  const soon = await planVacuum(daysLater(6), await table.snapshot())
  expect([soon.files, soon.retainMs, soon.tooYoung]).toEqual([[], 168 * HOUR, 0])
  const plan = await planVacuum(daysLater(8), await table.snapshot())
  expect(await listed(table)).toEqual(all)
  const live = await filesOf(table, 3)
  expect(plan.files.map(({ path }) => path)).toEqual(all.filter((path) => !live.includes(path)))
  expect(plan.sizeBytes).toBe(plan.files.reduce((sum, file) => sum + file.sizeBytes, 0))
  await vacuum(await table.snapshot(), plan)
  expect(await listed(table)).toEqual(live)
  expect(await table.rows()).toEqual([{ id: 9n, 'p a': null }])
})

test('names that begin with an underscore or a point stay, all but change data and partitions', async () => {
  const table = await tableOf('hidden')
  const strange = [
    '_tributary/x',
    '_change_data/c.parquet',
    'a/_b/x',
    'a/b',
    '.hidden',
    'stray.txt',
    '_delta_log/x',
    '_tributary_p0=va/x',
    '_c=1/x',
    '_d=1/x',
  ]
  for (const path of strange.filter((name) => name !== '.hidden')) await table.store.write(path, new Uint8Array(3))
  const snapshot = await table.snapshot()
  const metadata = { ...snapshot.metadata, partitionColumns: ['_c'] }
  const plan = await planVacuum(daysLater(8), { ...snapshot, metadata })
  const gone = plan.files.map(({ path }) => path)
  expect(strange.filter((path) => gone.includes(path))).toEqual([
    '_change_data/c.parquet',
    'a/b',
    'stray.txt',
    '_tributary_p0=va/x',
    '_c=1/x',
  ])
})

test('a file that nothing names yet may belong to a commit at work', async () => {
  const table = await tableOf('young')
  await table.store.write('part-at-work.parquet', new Uint8Array(3))
  const plan = await planVacuum(daysLater(0), await table.snapshot())
  expect([plan.files, plan.tooYoung]).toEqual([[], 1])
})

test('a retention below the table’s has to be meant', async () => {
  const table = await tableOf('short')
  const snapshot = await table.snapshot()
  await expect(planVacuum(daysLater(1), snapshot, { retainMs: HOUR })).rejects.toThrow(
    `Nothing was deleted of ${table.store.url}: removed files were to stay 1 hours, and the table keeps them 7 days for those who still read older versions. Ask for a longer retention, or say that a shorter one is meant: \`--short-retention\`, in code \`allowShortRetention\`.`,
  )
  const plan = await planVacuum(daysLater(1), snapshot, { retainMs: HOUR, allowShortRetention: true })
  expect(plan.files).not.toEqual([])
  const configuration = { ...snapshot.metadata.configuration, 'delta.deletedFileRetentionDuration': 'interval 1 hour' }
  const hourly = { ...snapshot, metadata: { ...snapshot.metadata, configuration } }
  expect((await planVacuum(daysLater(1), hourly)).files).toEqual(plan.files)
})

test('a longer retention keeps what the table’s own tombstones have forgotten', async () => {
  const table = await tableOf('long')
  const snapshot = { ...(await table.snapshot()), tombstones: [] }
  // The files are older than the retention, their removal is not.
  const monthsAgo = Date.now() / 1000 - 60 * 86_400
  const all = await listed(table)
  for (const path of all) await utimes(join(shop.folder, 'long', path), monthsAgo, monthsAgo)
  const plan = await planVacuum(daysLater(8), snapshot, { retainMs: 24 * 30 * HOUR })
  expect([plan.files, plan.tooYoung]).toEqual([[], 0])
  const live = await filesOf(table, 3)
  const later = await planVacuum(daysLater(31), snapshot, { retainMs: 24 * 30 * HOUR })
  expect(later.files.map(({ path }) => path)).toEqual(all.filter((path) => !live.includes(path)))
})

test('the files of a pinned version stay, and a pin that cannot be read stops everything', async () => {
  const table = await tableOf('pinned')
  const snapshot = await table.snapshot()
  const plan = await planVacuum(daysLater(8), snapshot, { keepVersions: [2] })
  await vacuum(snapshot, plan)
  expect(await listed(table)).toEqual([...new Set([...(await filesOf(table, 2)), ...(await filesOf(table, 3))])].sort())
  expect(await table.rows({ version: 2 })).toHaveLength(3)
  await rm(join(shop.folder, 'pinned/_delta_log', `${'1'.padStart(20, '0')}.json`))
  await expect(planVacuum(daysLater(8), snapshot, { keepVersions: [2] })).rejects.toMatchObject({
    code: 'PIN_UNREADABLE',
  })
})

test('who cannot write a table cannot clean it', async () => {
  const table = await tableOf('foreign')
  const snapshot = await table.snapshot()
  const protocol = { ...snapshot.protocol, writerFeatures: [...(snapshot.protocol.writerFeatures ?? []), 'newFeature'] }
  await expect(planVacuum(daysLater(8), { ...snapshot, protocol })).rejects.toMatchObject({
    code: 'UNSUPPORTED_WRITER_FEATURE',
  })
})

test('intervals are read as Spark writes them', () => {
  expect(
    ['interval 1 week', 'interval 2 days 3 hours', '90 minutes', 'interval 1 month', 'soon', undefined].map(intervalMs),
  ).toEqual([168 * HOUR, 51 * HOUR, 1.5 * HOUR, undefined, undefined, undefined])
})
