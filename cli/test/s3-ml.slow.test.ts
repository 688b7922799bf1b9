// Features, histories and datasets with everything in a bucket, through the real command, and opened by the Python package from there.
// Worth its seconds: each of them writes files by DuckDB and commits by the SDK.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { s3Store } from '@tributary/delta/s3'
import { beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../delta/test/servers/bucket.ts'
import { freshFolder, type Outcome, tributary } from './run-cli.ts'

const bucket = await makeBucket()
const root = `s3://${bucket.name}`
let folder: string

const PROJECT = `landing: ${root}/landing/
lake: ${root}/lake
dms: {AddColumnName: true, TimestampColumnName: ts}
tables:
  shop.orders:
    key: [order_id]
    history: true
    columns: {order_id: long, buyer: string, paid_at: timestamp, amount: 'decimal(12,2)'}
`
const FEATURE = `feature: spent
entity: [buyer]
sql: SELECT buyer, count(*) AS orders, sum(amount) AS total FROM shop.orders GROUP BY buyer
keep_history: true
`
const DATASET = `dataset: spend
spine:
  sql: SELECT order_id, buyer, paid_at AS "at", (amount > 20)::INT AS label FROM shop.orders
  key: [order_id]
  at: at
  label: label
features:
  - window: {table: shop.orders, on: [buyer], time: paid_at, over: 7d, agg: {n: count, sum: sum(amount)}, as: week}
  - feature: {name: spent, on: [buyer]}
split: {by: hash, salt: spend-1, train: 0.5, test: 0.5}
`

beforeAll(async () => {
  folder = await freshFolder()
  await mkdir(join(folder, 'features'))
  await mkdir(join(folder, 'datasets'))
  await writeFile(join(folder, 'tributary.yaml'), PROJECT)
  await writeFile(join(folder, 'features/spent.yml'), FEATURE)
  await writeFile(join(folder, 'datasets/spend.yml'), DATASET)
  const orders = Array.from({ length: 40 }, (_, index) => {
    const paidAt = `2026-03-${String((index % 28) + 1).padStart(2, '0')} 10:00:00`
    return `I,${paidAt},${index},${index % 2 === 0 ? 'Ada' : 'Bo'},${paidAt},${index}.50\n`
  })
  const landing = s3Store(`${root}/landing`, bucket.options)
  await landing.write(
    'shop/orders/20260301-101502123.csv',
    Buffer.from(`Op,ts,order_id,buyer,paid_at,amount\n${orders.join('')}`),
  )
})

async function run(...args: readonly string[]): Promise<Outcome> {
  const outcome = await tributary(args, { cwd: folder, env: bucket.environment })
  expect([args, outcome.code, outcome.code === 0 ? '' : outcome.stderr]).toEqual([args, 0, ''])
  return outcome
}

/** Opens the newest dataset as a person would who has the bucket's address only, and tells what is in it. */
async function load(): Promise<unknown> {
  const server = new URL(bucket.options.endpoint)
  const program = `
import json, tributary_data as td
dataset = td.load("${root}/lake/spend@latest?scheme=http&endpoint_override=${server.host}")
rows = dataset.train.to_arrow().num_rows + dataset.test.to_arrow().num_rows
print(json.dumps({"id": dataset.id, "rows": rows}))`
  const child = spawn(join(import.meta.dirname, '../../.venv/bin/python'), ['-c', program], {
    env: { ...bucket.environment, PYTHONPATH: join(import.meta.dirname, '../../python'), PYTHONDONTWRITEBYTECODE: '1' },
  })
  const [said, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect(errors).toBe('')
  return JSON.parse(said)
}

test('a feature is refreshed, a dataset is built, proved, exported and loaded, all in a bucket', async () => {
  await run('ingest')
  const refreshed = await run('feature', 'refresh', 'spent', '--json')
  expect(JSON.parse(refreshed.stdout).items).toMatchObject([{ kind: 'refreshed', inserted: 2 }])
  const built = JSON.parse((await run('dataset', 'build', 'spend', '--pin', '--json')).stdout)
  expect((await run('dataset', 'verify', 'spend')).stdout).toBe(`spend@${built.id}  REPRODUCED\n`)
  const project = s3Store(`${root}/project`, bucket.options)
  await project.write('tributary.yaml', Buffer.from(PROJECT))
  await project.write('datasets/spend.yml', Buffer.from(DATASET))
  const there = ['--config', `${root}/project/tributary.yaml`, '--json']
  expect(JSON.parse((await run('dataset', 'plan', 'spend', ...there)).stdout)).toMatchObject({ rows: 40 })
  expect(JSON.parse((await run('dataset', 'build', 'spend', ...there)).stdout)).toMatchObject({ id: built.id })
  const { files, input_data_config: inputs } = JSON.parse(
    (await run('dataset', 'export', 'spend', '--for', 'sagemaker-xgboost', '--drop', 'buyer', '--json')).stdout,
  )
  expect(inputs[0].DataSource.S3DataSource.S3Uri).toBe(`${root}/lake/${files[2]}`)
  const lake = s3Store(`${root}/lake`, bucket.options)
  const [listed, file] = JSON.parse(Buffer.from(await lake.read(files[2])).toString())
  expect(listed.prefix + file).toBe(`${root}/lake/${files[0]}`)
  const lines = await Promise.all(
    [files[0], files[1]].map(async (path) => Buffer.from(await lake.read(path)).toString()),
  )
  expect(lines.join('').trimEnd().split('\n')).toHaveLength(40)
  expect(await load()).toEqual({ id: built.id, rows: 40 })
  await run('dataset', 'rm', 'spend', '--yes')
  const left: string[] = []
  for await (const { path } of lake.list('_datasets/')) left.push(path)
  expect(left).toEqual([])
})
