import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { commitPath } from '../../src/log/file-names.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { isCheckpointDue, writeCheckpoint } from '../../src/maintain/checkpoint.ts'
import { localStore } from '../../src/store/local.ts'
import { createTestTable, schemaOf, workshop } from '../read/table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

test('a table reads the same from its checkpoint alone', async () => {
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, 't'),
    schemaOf([
      ['id', 'long'],
      ['__proto__', 'string'],
    ]),
    ['__proto__'],
  )
  await table.append(`SELECT range AS id, 'p' || (range % 2) AS "__proto__" FROM range(100)`)
  await table.replace('id < 10', `SELECT 1000 AS id, NULL AS "__proto__"`)
  const before = await table.commit([
    { txn: { appId: 'a', version: 7, lastUpdated: 5 } },
    { domainMetadata: { domain: 'd', configuration: '{"x":"é"}', removed: false } },
  ])
  const sortedRows = async () => (await table.rows()).map((row) => Object.values(row).join(' ')).sort()
  const rows = await sortedRows()
  await writeCheckpoint(shop.engine, systemClock, before)
  for (let version = 0; version < before.version; version++) await rm(join(shop.folder, 't', commitPath(version)))
  const after = await table.snapshot()
  const withoutChange = (files: typeof after.files) => files.map(({ dataChange: _, ...file }) => file)
  expect(withoutChange(after.files)).toEqual(withoutChange(before.files))
  expect(after.tombstones.map((file) => file.path)).toEqual(before.tombstones.map((file) => file.path))
  expect([after.protocol, after.metadata, after.transactions, after.domains]).toEqual([
    before.protocol,
    before.metadata,
    before.transactions,
    before.domains,
  ])
  expect(await sortedRows()).toEqual(rows)
})

/** A table with one file a row, and the rows of its newest checkpoint. */
async function checkpointed(name: string, configuration: Readonly<Record<string, string>>, options = {}) {
  const folder = join(shop.folder, name)
  const table = await createTestTable(
    shop.engine,
    folder,
    schemaOf([
      ['id', 'long'],
      ['price', 'decimal(30,4)'],
      ['at', 'timestamp'],
      ['day', 'date'],
    ]),
    ['day'],
  )
  const first = await table.snapshot()
  await table.commit([
    {
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors'],
        writerFeatures: ['deletionVectors', 'v2Checkpoint'],
      },
    },
    { metaData: { ...first.metadata, configuration: { ...first.metadata.configuration, ...configuration } } },
  ])
  for (const id of [1, 2, 3]) {
    await table.append(
      `SELECT ${id} AS id, 12345678901234567890.123${id}::DECIMAL(30,4) AS price, TIMESTAMPTZ '2026-01-0${id} 10:00:00.5Z' AS at, DATE '2026-01-0${id}' AS day`,
    )
  }
  const snapshot = await table.snapshot()
  await writeCheckpoint(shop.engine, systemClock, snapshot, options)
  return { folder, snapshot }
}

test('typed statistics and partition values stand beside the text, or instead of it, as the table asks', async () => {
  const { folder } = await checkpointed('typed', {
    'delta.checkpoint.writeStatsAsStruct': 'true',
    'delta.checkpoint.writeStatsAsJson': 'false',
  })
  const adds = await shop.engine.all(
    `SELECT unnest("add") FROM read_parquet('${folder}/_delta_log/*.checkpoint.parquet') WHERE "add" IS NOT NULL ORDER BY "add".stats_parsed.minValues.id`,
  )
  expect(adds.map((add) => add['stats_parsed'])).toMatchObject([
    {
      numRecords: 1n,
      minValues: { id: 1n, price: '12345678901234567890.1231', at: '2026-01-01T10:00:00.500000Z' },
      nullCount: { id: 0n, price: 0n, at: 0n },
    },
    { numRecords: 1n, maxValues: { id: 2n } },
    { numRecords: 1n, maxValues: { id: 3n } },
  ])
  expect(adds.map((add) => add['partitionValues_parsed'])).toEqual([
    { day: '2026-01-01' },
    { day: '2026-01-02' },
    { day: '2026-01-03' },
  ])
  expect(Object.keys(adds[0] ?? {})).not.toContain('stats')
})

test('a checkpoint has the codec of the data files, or one that everybody reads', async () => {
  const codecs: unknown[] = []
  for (const asked of [undefined, 'ZSTD', 'snappy', 'lz4']) {
    const property = 'delta.parquet.compression.codec'
    const { folder } = await checkpointed(`codec-${asked}`, asked === undefined ? {} : { [property]: asked })
    const [found] = await shop.engine.all(
      `SELECT list(DISTINCT compression) AS codecs FROM parquet_metadata('${folder}/_delta_log/*.checkpoint.parquet')`,
    )
    codecs.push(found?.['codecs'])
  }
  expect(codecs).toEqual([['ZSTD'], ['ZSTD'], ['SNAPPY'], ['SNAPPY']])
})

test('a checkpoint of the second kind has a random name, and its files inside or in sidecars', async () => {
  const inside = await checkpointed('inside', { 'delta.checkpointPolicy': 'v2' })
  const apart = await checkpointed(
    'apart',
    { 'delta.checkpointPolicy': 'v2' },
    { topLevel: 'json', sidecarFilesMax: 2 },
  )
  const name = (file: string) => /^0{19}4\.checkpoint\.[0-9a-f-]{36}\.(json|parquet)$/.exec(file)?.[1]
  const [insideTop, apartTop] = await Promise.all(
    [inside, apart].map(async ({ folder }) =>
      (await readdir(join(folder, '_delta_log'))).filter((file) => name(file) !== undefined),
    ),
  )
  expect([insideTop?.map(name), apartTop?.map(name)]).toEqual([['parquet'], ['json']])
  const [counts] = await shop.engine.all(
    `SELECT count(checkpointMetadata) AS marks, count("add") AS adds, count(sidecar) AS sidecars FROM read_parquet('${inside.folder}/_delta_log/${insideTop?.[0]}')`,
  )
  expect(counts).toEqual({ marks: 1n, adds: 3n, sidecars: 0n })
  const lines = (await readFile(join(apart.folder, '_delta_log', apartTop?.[0] ?? ''), 'utf8')).trim().split('\n')
  const sidecars = lines.flatMap((line) => JSON.parse(line).sidecar ?? [])
  const sizes = await Promise.all(
    sidecars.map(async ({ path, sizeInBytes }) => {
      const file = join(apart.folder, '_delta_log/_sidecars', path)
      expect((await stat(file)).size).toBe(sizeInBytes)
      return (await shop.engine.all(`SELECT "add".path FROM read_parquet('${file}')`)).length
    }),
  )
  expect(sizes).toEqual([2, 1])
  const hint = JSON.parse(await readFile(join(apart.folder, '_delta_log/_last_checkpoint'), 'utf8'))
  expect([hint.version, hint.numOfAddFiles, hint.size]).toEqual([4, 3, lines.length + 3])
})

test('the top file of a second kind has columns for files though all are in sidecars, since Spark asks for them', async () => {
  const { folder } = await checkpointed('columns', { 'delta.checkpointPolicy': 'v2' }, { sidecarFilesMax: 2 })
  const top = `${folder}/_delta_log/*.checkpoint.*.parquet`
  expect(await shop.engine.all(`SELECT "add", remove FROM read_parquet('${top}') WHERE sidecar IS NOT NULL`)).toEqual([
    { add: null, remove: null },
    { add: null, remove: null },
  ])
})

test('checkpoints come at the interval that the table asks for, and never below a protected version', async () => {
  const { snapshot } = await checkpointed('interval', {})
  const at = (version: number, interval?: string) =>
    isCheckpointDue({
      version,
      metadata: {
        ...snapshot.metadata,
        configuration: interval === undefined ? {} : { 'delta.checkpointInterval': interval },
      },
    })
  expect([at(0), at(9), at(10), at(20), at(5, '5'), at(10, '7'), at(10, 'often')]).toEqual([
    false,
    false,
    true,
    true,
    true,
    false,
    true,
  ])
  const { folder } = await checkpointed('protected', { 'delta.requireCheckpointProtectionBeforeVersion': '5' })
  expect((await readdir(join(folder, '_delta_log'))).filter((file) => !file.endsWith('.json'))).toEqual([])
})

test('a checkpoint of JSON that was cut between two lines is refused and does not lose files', async () => {
  const { folder } = await checkpointed(
    'cut',
    { 'delta.checkpointPolicy': 'v2' },
    { topLevel: 'json', sidecarFilesMax: 2 },
  )
  const log = join(folder, '_delta_log')
  const top = (await readdir(log)).find((file) => /checkpoint\..*\.json$/.test(file)) ?? ''
  const lines = (await readFile(join(log, top), 'utf8')).trim().split('\n')
  expect(lines.at(-1)).toContain('"sidecar"')
  await writeFile(join(log, top), `${lines.slice(0, -1).join('\n')}\n`)
  await expect(readSnapshot(localStore(folder))).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
})
