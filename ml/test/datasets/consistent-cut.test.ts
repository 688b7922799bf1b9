// A dataset of several tables is known until where the table is that is furthest behind; a quiet table is not behind.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ingest, type Lake, openLake, readConfig } from '@tributary/pipeline'
import { beforeEach, expect, test } from 'vitest'
import {
  buildDataset,
  type Manifest,
  parseDefinition,
  planDataset,
  verdictText,
  verifyDataset,
} from '../../src/index.ts'
import { fixedClock, useEngine, useFolders } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()
const CONFIG = `landing: landing
lake: lake
dms: {AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: ts}
tables:
  nyc.flights: {key: [id], history: true, columns: {id: long, origin: string, t: timestamp}}
  nyc.weather: {key: [id], history: true, columns: {id: long, origin: string, temp: double}}
  nyc.planes: {key: [id], columns: {id: long, seats: long}}
`
const DEFINITION = parseDefinition(
  `dataset: late
spine: {sql: 'SELECT id, origin, t AS "at" FROM nyc.flights WHERE t <= :until', key: [id], at: at}
features:
  - asof: {table: nyc.flights, on: [origin], select: [id], as: before}
  - asof: {table: nyc.weather, on: [origin], select: [temp]}
  - current: {table: nyc.planes, on: [id], select: [seats]}
`,
  'late.yml',
)

let folder = ''
let lake: Lake
beforeEach(async () => {
  folder = await fresh()
  await writeFile(join(folder, 'tributary.yaml'), CONFIG)
  lake = openLake(await readConfig(join(folder, 'tributary.yaml')), { clock: fixedClock })
  await land('planes', 'LOAD00000001.csv', ['Op,ts,id,seats', 'I,2025-01-01 00:00:00,1,100'])
  await land('flights', '20260301-100000000.csv', ['Op,ts,id,origin,t', ...['05', '06', '09', '10'].map(flightAt)])
  await land('weather', '20260301-060000000.csv', [WEATHER, 'I,2026-03-01 06:00:00,1,JFK,3.5'])
  await ingest(lake, engine())
}, 30_000)

const WEATHER = 'Op,ts,id,origin,temp'

function flightAt(hour: string): string {
  return `I,2026-03-01 ${hour}:00:00,${Number(hour)},JFK,2026-03-01 ${hour}:00:00`
}

async function land(table: string, name: string, lines: readonly string[]): Promise<void> {
  await mkdir(join(folder, 'landing/nyc', table), { recursive: true })
  await writeFile(join(folder, 'landing/nyc', table, name), `${lines.join('\n')}\n`)
}

async function build(options = {}): Promise<Manifest> {
  const outcome = await buildDataset(lake, engine(), DEFINITION, options)
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  return outcome.manifest
}

function cutOf({ cut, guards, splits }: Manifest): unknown {
  const warned = guards.filter(({ guard }) => guard === 'consistent_cut').map(({ message }) => message)
  return { until: cut.until, rows: splits['all']?.rows, warned }
}

test('tables that are quiet are known as far as the busiest, and each tells its own newest change', async () => {
  const manifest = await build()
  expect(cutOf(manifest)).toEqual({ until: '2026-03-01T10:00:00.000Z', rows: 4, warned: [] })
  expect(manifest.sources.map(({ table, source_at: at }) => [table, at])).toEqual([
    ['nyc.flights', '2026-03-01T10:00:00.000Z'],
    ['nyc.flights__history', '2026-03-01T10:00:00.000000Z'],
    ['nyc.planes', null],
    ['nyc.weather__history', '2026-03-01T06:00:00.000000Z'],
  ])
})

test('a table whose files wait holds the cut where it is, with a warning; what was built stays reproducible', async () => {
  const before = await build()
  await land('weather', '20260301-070000000.csv', [WEATHER, 'I,2026-03-01 07:00:00,2,JFK,1.5'])
  const said = 'nyc.weather is behind, its newest change is of 2026-03-01T06:00:00.000000Z: 1 file waits in the landing'
  expect(cutOf(await build())).toEqual({ until: '2026-03-01T06:00:00.000Z', rows: 2, warned: [said] })
  expect((await planDataset(lake, engine(), DEFINITION)).warnings).toContain(said)
  await expect(build({ untilMs: Date.parse('2026-03-01T10:00:00Z') })).rejects.toThrow(
    'The spine of late has 2 rows whose time is later than the data, up to 2026-03-01T10:00:00.000000Z: the sources are known until 2026-03-01T06:00:00.000000Z. Ask for fewer with --until 2026-03-01T06:00:00.000000Z, or ingest first.',
  )
  expect(verdictText(await verifyDataset(lake, engine(), before))).toBe('REPRODUCED')
})

test('a table whose newest rows are in quarantine holds the cut; one bad row among good ones is only told', async () => {
  await land('weather', '20260301-070000000.csv', [WEATHER, 'I,2026-03-01 07:00:00,2,JFK,cold'])
  await ingest(lake, engine())
  expect(cutOf(await build())).toEqual({
    until: '2026-03-01T06:00:00.000Z',
    rows: 2,
    warned: [
      'nyc.weather is behind, its newest change is of 2026-03-01T06:00:00.000000Z: its newest rows are in quarantine',
    ],
  })
  await land('weather', '20260301-080000000.csv', [WEATHER, 'I,2026-03-01 08:00:00,3,JFK,2.5'])
  await ingest(lake, engine())
  expect(cutOf(await build())).toEqual({
    until: '2026-03-01T10:00:00.000Z',
    rows: 4,
    warned: ['1 rows of nyc.weather are in quarantine, so no row of the dataset knows them'],
  })
})

test('an older version of a table holds the cut at its own newest change', async () => {
  const version = (await build()).sources.find(({ table }) => table === 'nyc.weather__history')?.version ?? 0
  await land('weather', '20260301-070000000.csv', [WEATHER, 'I,2026-03-01 07:00:00,2,JFK,1.5'])
  await ingest(lake, engine())
  expect(cutOf(await build({ versions: new Map([['nyc.weather__history', version]]) }))).toMatchObject({
    until: '2026-03-01T06:00:00.000Z',
    warned: [expect.stringContaining(`version ${version} is not its newest`)],
  })
})
