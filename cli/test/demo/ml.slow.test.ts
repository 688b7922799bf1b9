// `demo ml` for six days instead of a year, up to the datasets: what Python does with them is shown by `make demo-ml`, which takes ten minutes.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, openEngine, storeAt } from '@tributary/delta'
import { buildDataset, parseDefinition, readFeatures } from '@tributary/ml'
import { findNamedTable, type Lake, openLake, prepareQuery, readConfig } from '@tributary/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRequest } from '../../src/demo/ml-request.ts'
import { tributary } from '../run-cli.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SCRIPTS = join(ROOT, 'cli/src/demo/ml')
const PYTHON = join(ROOT, '.venv/bin/python')
const AS_OF = Date.parse('2013-01-07T00:00:00Z')
const hasScikitLearn = existsSync(join(ROOT, '.venv/.notebook-ready'))

let folder: string
let said: string
let engine: Engine
let lake: Lake
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'tributary-ml-')), 'demo')
  const { code, stderr } = await tributary([
    'demo',
    'ml',
    '--days',
    '6',
    '--hours',
    '1',
    '--no-train',
    '--folder',
    folder,
  ])
  said = stderr
  expect(code, stderr).toBe(0)
  engine = await openEngine({ memoryMiB: 512 })
  lake = openLake(await readConfig(join(folder, 'tributary.yaml')))
})
afterAll(async () => {
  await engine.close()
  await rm(join(folder, '..'), { recursive: true, force: true })
})

test('flights become tables, features and datasets, and the lake’s copy gives the same dataset', () => {
  expect(said).toMatch(/ full load: 5 638 changes, 4 commits\n/)
  expect(said).toMatch(/ 6 steps of a day: [\d ]+ changes, 12 commits\n/)
  expect(said).toMatch(/ 1 step of an hour: .*; features refreshed after each: 4 times, /)
  expect(said).toMatch(/ dataset late_flights@\w{12}: train 3 \d{3}, val \d{3}, test \d{3} rows\n/)
  expect(said).toMatch(/ dataset late_flights_naive: refused, dep_delay \(0\.8\d\d\)/)
  expect(said).toMatch(/ dataset late_flights_24h_late@\w{12}: train 3 \d{3}, /)
  expect(said).toMatch(/ dataset verify late_flights@\w{12} in the copy: REPRODUCED\n/)
})

// What a model is trained on and what it is served must mean the same; the definitions of both are written by hand.
test.each(['aircraft', 'airport', 'destination', 'route'])(
  'a stored feature has the values that the dataset’s window of its name gives for its moment: %s',
  async (name) => {
    const feature = (await readFeatures(storeAt(folder))).find((definition) => definition.name === name)
    const text = await readFile(join(folder, 'datasets/late_flights.yml'), 'utf8')
    const window = text.split('\n').find((line) => line.includes(`as: ${name}}`))
    const entity = feature?.entity ?? []
    const served = await rows(`SELECT * FROM features.${name}`)
    const sql = `SELECT ${entity.join(', ')}, concat_ws('/', ${entity.join(', ')}) AS fid,
      TIMESTAMPTZ '${new Date(AS_OF).toISOString()}' AS "at" FROM features.${name}`
    // What was committed in the very second of the moment was known by then, and not ingested yet.
    const yaml = `dataset: parity\nspine: {sql: ${JSON.stringify(sql)}, key: [fid], at: at}\nknown_at: {clock: source, delay: 1s}\nfeatures:\n${window}\n`
    const outcome = await buildDataset(lake, engine, parseDefinition(yaml, 'datasets/parity.yml'))
    if (outcome.kind !== 'published') throw new Error(`refused: ${JSON.stringify(outcome.findings)}`)
    const { manifest } = outcome
    const path = join(folder, `lake/_datasets/parity/${manifest.id}`, manifest.splits['all']?.files[0]?.path ?? '')
    const built = await engine.all(`SELECT * FROM read_parquet('${path}')`)
    const columns = Object.keys(served[0] ?? {}).filter((column) => !entity.includes(column))
    const keyed = (row: (typeof served)[number]): string => entity.map((column) => String(row[column])).join('/')
    const storedBy = new Map(served.map((row) => [keyed(row), columns.map((column) => row[column])]))
    expect(built.length).toBe(served.length)
    for (const row of built)
      expect([row['fid'], columns.map((column) => row[`${name}_${column}`])]).toEqual([
        row['fid'],
        storedBy.get(keyed(row)),
      ])
  },
)

test('a request has a value for each column that the model is trained on, from features of a known version and age', async () => {
  const features = await readFeatures(storeAt(folder))
  const { at, columns, features: served } = await readRequest({ lake, engine, features }, AS_OF)
  expect(Date.parse(at)).toBeGreaterThanOrEqual(AS_OF)
  expect(Object.keys(columns)).toEqual(expect.arrayContaining([...(await trainedColumns())]))
  expect(served.map(({ name, version }) => [name, version])).toEqual([
    ['aircraft', 0],
    ['airport', 0],
    ['destination', 0],
    ['route', 0],
  ])
  for (const { ageMs } of served) expect(ageMs).toBe(Date.parse(at) - AS_OF)
})

test.skipIf(!hasScikitLearn)(
  'Python trains on what was built, draws, and answers (where make demo-ml has installed scikit-learn)',
  async () => {
    const address = async (name: string): Promise<string> => `${join(folder, 'lake')}/${name}@latest`
    const plan = {
      datasets: { known: await address('late_flights'), naive: await address('late_flights_naive') },
      stale: { 24: await address('late_flights_24h_late') },
      seeds: [0],
      results: join(folder, 'auc.json'),
      model: join(folder, 'model.joblib'),
    }
    await writeFile(join(folder, 'training.json'), JSON.stringify(plan))
    python('train.py', [join(folder, 'training.json')])
    const results = JSON.parse(await readFile(plan.results, 'utf8'))
    expect(results.ways.latest.offline.auc).toBeGreaterThan(results.ways.known.offline.auc)
    expect(results.ways.known.offline).toEqual(results.ways.known.service)
    expect(Object.keys(results.staleness)).toEqual(['0', '24'])
    python('plot.py', [plan.results, join(folder, 'plot.svg')])
    expect(await readFile(join(folder, 'plot.svg'), 'utf8')).toContain('age of all inputs')
    const { columns } = await readRequest({ lake, engine, features: await readFeatures(storeAt(folder)) }, AS_OF)
    const request = JSON.stringify(columns, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
    await writeFile(join(folder, 'request.json'), request)
    python('answer.py', [plan.model, join(folder, 'request.json'), join(folder, 'answer.json')])
    const answer = JSON.parse(await readFile(join(folder, 'answer.json'), 'utf8'))
    expect(answer.dataset).toMatch(/^late_flights@\w{12}$/)
    expect(answer.probability).toBeGreaterThan(0)
    expect(answer.probability).toBeLessThan(1)
  },
)

/** Rows of a query over the lake. */
async function rows(query: string) {
  const fork = await engine.fork()
  try {
    const { sql } = await prepareQuery(fork, (name) => findNamedTable(lake, name), query, { nowMs: 0 })
    return await fork.all(sql)
  } finally {
    await fork.close()
  }
}

/** The columns of the way `known` in `ways.py`. */
async function trainedColumns(): Promise<readonly string[]> {
  const code = 'import json, ways; print(json.dumps(ways.KNOWN.columns))'
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', code], { cwd: SCRIPTS, encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as string[]
}

function python(script: string, args: readonly string[]): void {
  // Threads that wait for one another spin, and beside other tests they wait for long.
  const env = { ...process.env, PYTHONPATH: join(ROOT, 'python'), PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' }
  const { status, stderr } = spawnSync(PYTHON, [join(SCRIPTS, script), ...args], { env, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
}
