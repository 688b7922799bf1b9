// Not a number and the infinities: they go through as they are, count as missing where something is summed, and break nothing.
import { join } from 'node:path'
import { quoteText } from '@tributary/delta'
import { beforeAll, expect, test } from 'vitest'
import {
  buildDataset,
  driftBetween,
  exportDataset,
  type Manifest,
  parseDefinition,
  readStats,
  verdictText,
  verifyDataset,
} from '../../src/index.ts'
import { type Change, type TestLake, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()
const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
const VALUES = [1, Number.NaN, Number.POSITIVE_INFINITY, 3, Number.NEGATIVE_INFINITY]

const DEFINITION = `dataset: odd
spine: {sql: 'SELECT id, grp, t AS "at", value AS label FROM s.rows', key: [id], at: at, label: label}
features:
  - asof: {table: s.rows, on: [grp], select: [value], as: newest}
  - window: {table: s.rows, on: [grp], time: t, over: 1d, agg: {n: count(value), sum: sum(value), avg: avg(value), sd: sd(value), min: min(value), max: max(value), last: last(value), mid: median(value)}, as: day}
guards: {max_single_feature_auc: 0.9}
`

let lake: TestLake
let manifest: Manifest
beforeAll(async () => {
  const changes = VALUES.map(
    (value, id): Change => ({ op: 'I', sourceAt: at(id), values: { id: BigInt(id), grp: 'a', t: at(id), value } }),
  )
  const rows = {
    name: 's.rows',
    key: ['id'],
    columns: { id: 'long', grp: 'string', t: 'timestamp', value: 'double' },
    changes,
  } as const
  lake = await writeLake(engine(), await fresh(), [rows])
  const outcome = await buildDataset(lake.lake, engine(), parseDefinition(DEFINITION, 'odd.yml'))
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  manifest = outcome.manifest
}, 30_000)

test('an asof join gives them, a window counts them as missing, and the rows can be made again', async () => {
  const files = join(lake.folder, 'lake/_datasets/odd', manifest.id, 'all/*.parquet')
  const rows = await engine().all(`SELECT * FROM read_parquet(${quoteText(files)}) ORDER BY id`)
  expect(rows.map((row) => row['newest_value'])).toEqual(VALUES)
  expect(
    rows
      .slice(0, 5)
      .map((row) => [row['day_n'], row['day_sum'], row['day_min'], row['day_max'], row['day_last'], row['day_mid']]),
  ).toEqual([
    [1n, 1, 1, 1, 1, 1],
    [1n, 1, 1, 1, 1, 1],
    [1n, 1, 1, 1, 1, 1],
    [2n, 4, 1, 3, 3, 2],
    [2n, 4, 1, 3, 3, 2],
  ])
  expect(verdictText(await verifyDataset(lake.lake, engine(), manifest))).toBe('REPRODUCED')
})

test('statistics and drift leave them out', async () => {
  const { splits } = await readStats(lake.lake, manifest)
  expect(manifest.splits['all']?.label_mean).toBe(2)
  expect(splits['all']?.columns['label']).toMatchObject({ nulls: 0, min: 1, max: 3, mean: 2 })
  const { columns } = await driftBetween(lake.lake, engine(), { reference: manifest, compared: manifest })
  expect(columns.map(({ psi, effect }) => [psi, effect])).toEqual(columns.map(() => [0, 0]))
})

test('XGBoost gets an empty field for what is no number, and no infinity', async () => {
  const target = 'sagemaker-xgboost'
  const inS3 = { ...lake.lake, root: { ...lake.lake.root, url: 's3://bucket/lake/' } }
  await expect(exportDataset(inS3, engine(), manifest, { target, drop: ['grp'] })).rejects.toThrow(
    'The dataset is not written for sagemaker-xgboost: label, newest_value have infinite values, and it takes none. Leave them out with --drop label,newest_value, or bound them in the spine.',
  )
})
