import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { localStore, quoteText, type Row, type Store } from '@tributary/delta'
import { openLake, readConfig } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/datasets/manifest.ts'
import type { Manifest } from '../../src/index.ts'
import {
  buildDataset,
  findDataset,
  listDatasets,
  parseDefinition,
  removeDataset,
  verdictText,
  verifyDataset,
} from '../../src/index.ts'
import { type Change, type TestLake, type TestTable, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()

const at = (minute: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + minute * 60_000).toISOString()

/** Three trips of two lorries; the delay of the first is corrected, and the second is taken back. */
const trips: TestTable = {
  name: 'fleet.trips',
  key: ['trip'],
  columns: { trip: 'long', lorry: 'string', left_at: 'timestamp', delay: 'double' },
  changes: [
    { op: 'I', sourceAt: at(10), values: { trip: 1n, lorry: 'a', left_at: at(10), delay: 5 } },
    { op: 'U', sourceAt: at(20), batch: 1, values: { trip: 1n, lorry: 'a', left_at: at(10), delay: 7 } },
    { op: 'I', sourceAt: at(30), batch: 1, values: { trip: 2n, lorry: 'a', left_at: at(29), delay: 1 } },
    { op: 'D', sourceAt: at(40), batch: 2, values: { trip: 2n } },
    { op: 'I', sourceAt: at(50), batch: 2, values: { trip: 3n, lorry: 'b', left_at: at(45), delay: 100 } },
  ],
}
const asks: TestTable = {
  name: 'fleet.asks',
  key: ['ask'],
  columns: { ask: 'long', lorry: 'string', asked_at: 'timestamp', late: 'long' },
  changes: [15, 25, 35, 45, 49].map(
    (minute, index): Change => ({
      op: 'I',
      sourceAt: at(minute),
      values: { ask: BigInt(index + 1), lorry: index === 4 ? 'b' : 'a', asked_at: at(minute), late: BigInt(index % 2) },
    }),
  ),
}

const DEFINITION = `dataset: asks
spine:
  sql: SELECT ask, lorry, asked_at AS "at", late FROM fleet.asks WHERE asked_at < :until
  key: [ask]
  at: at
  label: late
features:
  - window: {table: fleet.trips, on: [lorry], time: left_at, over: 1h, agg: {n: count, sum: sum(delay), most: max(delay)}, as: hour}
  - asof: {table: fleet.trips, on: [lorry], select: [trip, delay], as: last}
`

async function lakeOf(tables: readonly TestTable[]): Promise<TestLake> {
  return writeLake(engine(), await fresh(), tables)
}

async function build({ lake }: TestLake, text: string, options = {}): Promise<Manifest> {
  const outcome = await buildDataset(lake, engine(), parseDefinition(text, 'asks.yml'), options)
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  return outcome.manifest
}

async function rowsOf({ folder }: TestLake, { name, id }: Manifest, part = 'all'): Promise<readonly Row[]> {
  const files = join(folder, 'lake/_datasets', name, id, part, '*.parquet')
  return (await engine().all(`SELECT * FROM read_parquet(${quoteText(files)}) ORDER BY ask`)).map((row) => ({ ...row }))
}

test('a row sees what was known at its time: a correction replaces, a delete takes away, and nothing later shows', async () => {
  const lake = await lakeOf([trips, asks])
  const manifest = await build(lake, DEFINITION)
  const rows = await rowsOf(lake, manifest)
  expect(
    rows.map(({ hour_n, hour_sum, hour_most, last_trip, last_delay }) => [
      hour_n,
      hour_sum,
      hour_most,
      last_trip,
      last_delay,
    ]),
  ).toEqual([
    [1n, 5, 5, 1n, 5],
    [1n, 7, 7, 1n, 7],
    [2n, 8, 7, 2n, 1],
    [1n, 7, 7, 1n, 7],
    [0n, null, null, null, null],
  ])
})

test('when the newest row of a group goes, the one that became known before it is the newest again', async () => {
  const gone: TestTable = {
    ...trips,
    changes: [1, 2, 3]
      .map(
        (trip): Change => ({
          op: 'I',
          sourceAt: at(trip),
          values: { trip: BigInt(trip), lorry: 'a', left_at: at(trip), delay: trip },
        }),
      )
      .concat(
        { op: 'D', sourceAt: at(20), batch: 1, values: { trip: 3n } },
        { op: 'D', sourceAt: at(30), batch: 2, values: { trip: 2n } },
        { op: 'I', sourceAt: at(50), batch: 3, values: { trip: 4n, lorry: 'b', left_at: at(50), delay: 0 } },
      ),
  }
  const lake = await lakeOf([gone, asks])
  const rows = await rowsOf(lake, await build(lake, DEFINITION))
  expect(rows.map(({ last_trip: trip }) => trip)).toEqual([3n, 2n, 1n, 1n, null])
})

test('a delay moves what is known, and max_age forgets what is old', async () => {
  const lake = await lakeOf([trips, asks])
  const text = DEFINITION.replace('features:', 'known_at: {clock: source, delay: 6m}\nfeatures:').replace(
    'select: [trip, delay]',
    'select: [trip, delay], max_age: 10m',
  )
  const rows = await rowsOf(lake, await build(lake, text))
  expect(rows.map(({ hour_n, hour_sum, last_delay }) => [hour_n, hour_sum, last_delay])).toEqual([
    [0n, null, null],
    [1n, 5, null],
    [1n, 7, null],
    [2n, 8, null],
    [0n, null, null],
  ])
})

test('a build is published once, is verified down to its sources, and goes away whole', async () => {
  const lake = await lakeOf([trips, asks])
  const first = await build(lake, DEFINITION)
  const again = await buildDataset(lake.lake, engine(), parseDefinition(DEFINITION, 'asks.yml'))
  expect(again).toMatchObject({ kind: 'published', isNew: false, manifest: { id: first.id } })
  expect(verdictText(await verifyDataset(lake.lake, engine(), first))).toBe('REPRODUCED')
  expect((await findDataset(lake.lake, 'asks@latest')).id).toBe(first.id)
  await removeDataset(lake.lake, first)
  expect(await listDatasets(lake.lake)).toEqual([])
})

test('of two builds of one dataset at once the first is published, and the other gives it and leaves nothing', async () => {
  const place = await lakeOf([trips, asks])
  const config = await readConfig(join(place.folder, 'tributary.yaml'))
  let release = (): void => undefined
  let arrive = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const wrapStore = (store: Store): Store => ({
    ...store,
    create: async (path, bytes) => {
      arrive()
      await released
      return store.create(path, bytes)
    },
  })
  const definition = parseDefinition(DEFINITION, 'asks.yml')
  const slow = buildDataset(openLake(config, { wrapStore }), engine(), definition)
  // Its files are written, its manifest is not.
  await arrived
  const fast = await buildDataset(openLake(config), engine(), definition)
  release()
  const late = await slow
  if (fast.kind === 'refused' || late.kind === 'refused') throw new Error('refused')
  expect([fast.isNew, late.isNew]).toEqual([true, false])
  expect(late.manifest).toEqual(fast.manifest)
  expect(verdictText(await verifyDataset(place.lake, engine(), fast.manifest))).toBe('REPRODUCED')
  const left = await readdir(join(place.folder, 'lake/_datasets/asks', fast.manifest.id), { recursive: true })
  const { splits, stats } = fast.manifest
  const files = Object.values(splits).flatMap((part) => part.files.map(({ path }) => path))
  expect(left.toSorted()).toEqual(['all', ...files, 'croissant.json', 'manifest.json', stats].toSorted())
})

test('verify tells damaged files from sources that are gone', async () => {
  const lake = await lakeOf([trips, asks])
  const manifest = await build(lake, DEFINITION)
  const root = localStore(join(lake.folder, 'lake'))
  const history = join('fleet/trips__history')
  for await (const { path } of root.list(`${history}/_delta_log/`)) await root.delete(path)
  expect(verdictText(await verifyDataset(lake.lake, engine(), manifest))).toMatch(
    /^FILES INTACT, SOURCES GONE \(.*fleet\.trips/,
  )
  const name = manifest.splits['all']?.files[0]?.path ?? ''
  const file = `_datasets/asks/${manifest.id}/${name}`
  const bytes = Buffer.from(await readFile(join(lake.folder, 'lake', file)))
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)
  await root.write(file, bytes)
  expect(verdictText(await verifyDataset(lake.lake, engine(), manifest))).toBe(`FILES DAMAGED (${name})`)
})

test('rows later than the data are refused', async () => {
  const lake = await lakeOf([
    trips,
    {
      ...asks,
      changes: [
        ...asks.changes,
        { op: 'I', sourceAt: at(50), values: { ask: 9n, lorry: 'a', asked_at: at(90), late: 0n } },
      ],
    },
  ])
  await expect(build(lake, DEFINITION, { untilMs: Date.parse(at(100)) })).rejects.toThrow(
    'The spine of asks has 1 rows whose time is later than the data, up to 2026-01-01T01:30:00.000000Z: the sources are known until 2026-01-01T00:50:00.000000Z. Ask for fewer with --until 2026-01-01T00:50:00.000000Z, or ingest first.',
  )
})

test('Croissant names each file with its digest, and each column of each part with the files that hold it', async () => {
  const lake = await lakeOf([trips, asks])
  const built = await build(lake, DEFINITION)
  const folder = join(lake.folder, 'lake/_datasets/asks', built.id)
  const croissant = JSON.parse(await readFile(join(folder, 'croissant.json'), 'utf8'))
  const [{ path } = { path: '' }] = built.splits['all']?.files ?? []
  expect(croissant).toMatchObject({
    '@context': { '@vocab': 'https://schema.org/', cr: 'http://mlcommons.org/croissant/', recordSet: 'cr:recordSet' },
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.1',
    name: 'asks',
    version: built.id,
    description: expect.any(String),
    datePublished: built.created_at,
    distribution: [
      { '@type': 'cr:FileObject', '@id': path, contentUrl: path },
      { '@type': 'cr:FileSet', '@id': 'all-files', includes: path.replace('00000', '*') },
    ],
    recordSet: [{ '@type': 'cr:RecordSet', '@id': 'all', key: [{ '@id': 'all/ask' }] }],
  })
  const [file] = croissant.distribution
  // The reference reader knows Parquet by this name alone.
  expect(croissant.distribution.map((one: Record<string, unknown>) => one['encodingFormat'])).toEqual([
    'application/x-parquet',
    'application/x-parquet',
  ])
  expect(file.sha256).toBe(sha256(await readFile(join(folder, file.contentUrl))))
  expect(croissant.recordSet[0].field).toEqual(
    built.columns.map(({ name, from }) => ({
      '@type': 'cr:Field',
      '@id': `all/${name}`,
      name,
      description: from,
      dataType: expect.stringMatching(/^sc:(Integer|Float|Boolean|Date|DateTime|Text)$/),
      source: { fileSet: { '@id': 'all-files' }, extract: { column: name } },
    })),
  )
})
