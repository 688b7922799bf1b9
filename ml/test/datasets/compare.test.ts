// What is told about datasets once they are there: statistics, drift, differences, where values come from, exports and guards.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { misfit } from '../../../cli/test/published-schema.ts'
import { inputMode } from '../../src/datasets/sagemaker.ts'
import {
  buildDataset,
  diffDatasets,
  driftBetween,
  driftPage,
  explainRow,
  exportDataset,
  type Manifest,
  parseDefinition,
  planDataset,
  readStats,
} from '../../src/index.ts'
import { definition, items } from './items.ts'
import { type TestLake, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()
let lake: TestLake
let early: Manifest
let late: Manifest

async function build(text: string): Promise<Manifest> {
  const outcome = await buildDataset(lake.lake, engine(), parseDefinition(text, 'd.yml'))
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  return outcome.manifest
}

beforeAll(async () => {
  lake = await writeLake(engine(), await fresh(), [items])
  early = await build(definition('early', 'id < 500'))
  late = await build(definition('late', 'id >= 500'))
}, 60_000)

test('a plan tells the columns that the build gives', async () => {
  const text = definition('early', 'id < 500')
  expect((await planDataset(lake.lake, engine(), parseDefinition(text, 'd.yml'))).columns).toEqual(early.columns)
})

test('statistics tell rows, values and how old the values of a feature were', async () => {
  const stats = await readStats(lake.lake, early)
  expect(await misfit('dataset-stats', JSON.stringify(stats))).toBeUndefined()
  const { splits } = stats
  expect(splits['all']?.rows).toBe(500)
  expect(splits['all']?.columns['size']).toMatchObject({ nulls: 0, min: 0, max: 99 })
  expect(splits['all']?.columns['colour']?.top).toEqual([
    { value: 'blue', rows: 250 },
    { value: 'red', rows: 250 },
  ])
  expect(splits['all']?.ages['before']).toMatchObject({ unmatched_share: 0, median: 0 })
})

test('drift is told where values moved, and not where they did not', async () => {
  const report = await driftBetween(lake.lake, engine(), { reference: early, compared: late })
  expect(await misfit('dataset-drift', JSON.stringify(report))).toBeUndefined()
  const verdicts = Object.fromEntries(report.columns.map(({ column, verdict }) => [column, verdict]))
  expect(verdicts).toMatchObject({ size: 'drifted', colour: 'drifted', calm: 'stable', label: 'stable' })
  expect(report.columns.find(({ column }) => column === 'colour')?.appeared).toEqual(['new'])
  const same = await driftBetween(lake.lake, engine(), { reference: early, compared: early })
  expect(same.columns.map(({ psi, verdict }) => [psi, verdict])).toEqual(same.columns.map(() => [0, 'stable']))
  expect(driftPage(report)).toMatch(/^<!doctype html>[\s\S]*columns drifted[\s\S]*<\/html>\n$/)
})

test('a build tells what drifted from its reference, by the bins and the alpha of the definition', async () => {
  const after = await build(
    definition('after', 'id >= 500', 'stats: {reference: early@latest, bins: 5, alpha: 0.001}\n'),
  )
  expect(after.guards.find(({ guard }) => guard === 'drift')).toEqual({
    guard: 'drift',
    outcome: 'warned',
    message: expect.stringMatching(new RegExp(`of \\d+ columns drifted from early@${early.id}: size, colour`)),
  })
  const report = await driftBetween(lake.lake, engine(), { reference: early, compared: after })
  expect(report).toMatchObject({ alpha: 0.001 })
  expect(report.columns.find(({ column }) => column === 'size')?.bins).toHaveLength(5)
})

test('a diff counts rows by key and changes by column', async () => {
  const wider = await build(
    definition('wider', 'id < 600').replace('calm, label', 'calm + (id = 3)::INT AS calm, label'),
  )
  const found = await diffDatasets(lake.lake, engine(), { from: early, to: wider })
  expect(await misfit('dataset-diff', JSON.stringify(found))).toBeUndefined()
  expect(found.rows).toEqual({ added: 100, removed: 0, changed: 1, same: 499, moved: 0 })
  expect(found.columns).toMatchObject({ calm: 1, size: 0 })
})

test('each value of a row is traced to the change that it was read from', async () => {
  const explained = await explainRow(lake.lake, engine(), early, '41')
  expect(await misfit('dataset-explanation', JSON.stringify(explained))).toBeUndefined()
  const [before, window] = explained.features
  expect(before).toMatchObject({
    table: 'w.items__history',
    count: 1,
    origins: [{ place: 'batch-000041.csv:7', values: { owner: 'o1', size: '17.0' } }],
  })
  expect(window?.columns).toMatchObject({ half_hour_n: String(window?.count) })
  expect(window?.origins.map(({ place }) => place)).toEqual([41, 31, 21].map((id) => `batch-0000${id}.csv:7`))
})

describe('an export', () => {
  // The folder under the name of a bucket: only names are asked for.
  const inS3 = (): TestLake['lake'] => ({ ...lake.lake, root: { ...lake.lake.root, url: 's3://bucket/lake/' } })
  const split = 'split: {by: hash, salt: x, train: 0.5, val: 0.5}\nexport: {shards: 2}\n'
  let parted: Manifest
  beforeAll(async () => {
    parted = await build(definition('parted', 'id < 500', split))
  })

  test('for XGBoost of SageMaker the label comes first, without a header, and texts are refused', async () => {
    await expect(exportDataset(inS3(), engine(), early, { target: 'sagemaker-xgboost' })).rejects.toThrow(
      'The dataset is not written for sagemaker-xgboost: owner, colour are no numbers, and it takes only those. Leave them out with --drop owner,colour, or make numbers of them in the spine.',
    )
    const summary = await exportDataset(inS3(), engine(), early, {
      target: 'sagemaker-xgboost',
      drop: ['owner', 'colour'],
    })
    expect(summary.columns).toEqual(['label', 'size', 'calm', 'before_size', 'half_hour_n', 'half_hour_sum'])
    const [file = '', listed = ''] = summary.files
    const lines = (await readFile(join(lake.folder, 'lake', file), 'utf8')).trim().split('\n')
    expect([lines.length, lines.every((line) => /^[01],[\d.]+,\d+,[\d.]+,\d+,[\d.]+$/.test(line))]).toEqual([500, true])
    expect(JSON.parse(await readFile(join(lake.folder, 'lake', listed), 'utf8'))).toMatchObject([
      { prefix: `s3://bucket/lake/_datasets/early/${early.id}/export/sagemaker-xgboost/` },
      expect.stringMatching(/^all\/[0-9a-f]{8}-00000\.csv$/),
    ])
    expect(summary.input_data_config).toMatchObject([{ ChannelName: 'all', ContentType: 'text/csv' }])
  })

  test('has a file for each Parquet file, with its rows', async () => {
    const { files } = await exportDataset(lake.lake, engine(), parted, { target: 'jsonl' })
    const lines = await Promise.all(
      files.map(async (file) => (await readFile(join(lake.folder, 'lake', file), 'utf8')).trim().split('\n').length),
    )
    expect(lines).toEqual(Object.values(parted.splits).flatMap((part) => part.files.map(({ rows }) => rows)))
    expect(files.map((file) => file.split('/jsonl/')[1]?.replace(/[0-9a-f]{8}-/, ''))).toEqual([
      'train/00000.jsonl',
      'train/00001.jsonl',
      'val/00000.jsonl',
      'val/00001.jsonl',
    ])
  })

  test('for SageMaker names the Parquet files, and shares them out when instances are told', async () => {
    const base = `s3://bucket/lake/_datasets/parted/${parted.id}`
    const channel = (name: string, part: string): unknown => ({
      ChannelName: name,
      ContentType: 'application/x-parquet',
      CompressionType: 'None',
      RecordWrapperType: 'None',
      InputMode: 'File',
      DataSource: {
        S3DataSource: {
          S3DataType: 'ManifestFile',
          S3Uri: `${base}/${part}.manifest`,
          S3DataDistributionType: 'ShardedByS3Key',
        },
      },
    })
    const summary = await exportDataset(inS3(), engine(), parted, { target: 'sagemaker', instances: 2 })
    expect(summary.input_data_config).toEqual([channel('train', 'train'), channel('validation', 'val')])
    const [list = ''] = summary.files
    expect(JSON.parse(await readFile(join(lake.folder, 'lake', list), 'utf8'))).toEqual([
      { prefix: `${base}/` },
      ...(parted.splits['train']?.files ?? []).map(({ path }) => path),
    ])
    await expect(exportDataset(inS3(), engine(), parted, { target: 'sagemaker', instances: 3 })).rejects.toThrow(
      'The dataset is not written for sagemaker: its part train has 2 files for 3 instances, and one without a file would train on nothing. Build it with export: {shards: 3} or more, or leave out --instances.',
    )
  })

  test('streams from S3 what is large in large files', () => {
    const files = (count: number, bytes: number) => Array.from({ length: count }, () => ({ path: 'x', bytes }))
    expect([files(500, 1e8), files(499, 1e8), files(50_000, 1e6)].map(inputMode)).toEqual(['FastFile', 'File', 'File'])
  })

  test('says why it is not written', async () => {
    await expect(exportDataset(lake.lake, engine(), parted, { target: 'sagemaker' })).rejects.toThrow(
      `SageMaker reads training data from S3, and this dataset lies in ${lake.lake.root.url}. Build it in a lake in S3, or take --for csv for a program on this machine.`,
    )
    await expect(exportDataset(lake.lake, engine(), parted, { target: 'tfrecord' })).rejects.toThrow(
      'The dataset is not written for tfrecord: its records have no types for times, decimals and missing values. Feed tf.data from batches() of tributary-data, which reads the Parquet files, or take --for csv.',
    )
  })
})
