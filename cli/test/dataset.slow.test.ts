// The whole path through the real command, on tables that were ingested with their history. Worth its seconds: it is what users type.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { misfit } from './published-schema.ts'
import { freshFolder, type Outcome, tributary } from './run-cli.ts'

let folder = ''
const run = (...args: readonly string[]): Promise<Outcome> => tributary(['-C', folder, ...args])

beforeAll(async () => {
  folder = await freshFolder()
  const orders = Array.from({ length: 40 }, (_, index) => {
    const paidAt = `2026-03-${String((index % 28) + 1).padStart(2, '0')} 10:00:00`
    return `I,${paidAt},${index},${index % 2 === 0 ? 'Ada' : 'Bo'},${paidAt},${index}.50\n`
  })
  const landing = join(folder, 'landing/shop/orders')
  await mkdir(landing, { recursive: true })
  await writeFile(join(landing, '20260301-101502123.csv'), `Op,ts,order_id,buyer,paid_at,amount\n${orders.join('')}`)
  await mkdir(join(folder, 'datasets'))
  await writeFile(join(folder, 'tributary.yaml'), PROJECT)
  await writeFile(join(folder, 'datasets/spend.yml'), DEFINITION)
  expect(await run('ingest')).toMatchObject({ code: 0 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const PROJECT = `landing: landing
lake: lake
dms: {AddColumnName: true, TimestampColumnName: ts}
tables:
  shop.orders:
    key: [order_id]
    history: true
    columns: {order_id: long, buyer: string, paid_at: timestamp, amount: 'decimal(12,2)'}
`

const DEFINITION = `dataset: spend
spine:
  sql: SELECT order_id, buyer, paid_at AS "at", amount > 20 AS label FROM shop.orders WHERE paid_at < :until
  key: [order_id]
  at: at
  label: label
features:
  - window: {table: shop.orders, on: [buyer], time: paid_at, over: 7d, agg: {n: count, sum: sum(amount)}, as: week}
split: {by: hash, salt: spend-1, train: 0.5, test: 0.5}
`

/** Runs a verb with `--json`; what it prints fits the published schema. */
async function json(schema: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run('dataset', ...args, '--json')
  expect(await misfit(schema, stdout)).toBeUndefined()
  return JSON.parse(stdout)
}

test('plan, build, list, verify, explain and rm do what they say', async () => {
  expect((await run('dataset', 'plan', 'spend')).stderr).toContain('39 rows in the spine')
  expect((await run('dataset', 'plan', 'spend', '--at-versions', 'shop.others=0')).stderr).toContain('shop.others')
  const id = String((await json('dataset', 'build', 'spend', '--pin'))['id'])
  expect((await run('dataset', 'build', 'spend')).stderr).toContain(`spend@${id} was there already`)
  expect(await json('datasets', 'list')).toMatchObject({ items: [{ name: 'spend', id }] })
  expect(await run('dataset', 'verify', 'spend')).toMatchObject({ code: 0, stdout: `spend@${id}  REPRODUCED\n` })
  expect((await run('dataset', 'explain', id, '--row', '3')).stdout).toContain('20260301-101502123.csv:4')
  expect((await run('dataset', 'show', id)).stderr).toContain('shop.orders__history v0, pinned')
  expect((await run('dataset', 'stats', id)).stdout).toContain('week_sum')
  expect((await json('dataset-export', 'export', id, '--for', 'csv'))['files']).toHaveLength(2)
  const page = join(folder, 'drift.html')
  expect((await run('dataset', 'drift', id, id, '--html', page)).stderr).toContain('0 of ')
  expect(await readFile(page, 'utf8')).toContain('No drift')
  expect((await run('dataset', 'diff', id, id)).stderr).toContain('0 rows added, 0 removed, 0 changed')
  expect(await json('dataset-forget', 'forget', '--key', '3', '--yes')).toMatchObject({ items: [{ id, rows: 1 }] })
  expect(await json('dataset-verdict', 'verify', id)).toMatchObject({ kind: 'redacted', rows: 1 })
  expect((await run('dataset', 'rm', id)).code).toBe(2)
  expect((await run('dataset', 'rm', id, '--yes')).code).toBe(0)
  expect((await run('dataset', 'verify', id)).code).toBe(3)
})

test('what was built is REPRODUCED after an optimize of all that it was made of, and gives the same rows from there', async () => {
  const { id } = JSON.parse((await run('dataset', 'build', 'spend', '--json')).stdout)
  // A second file each, or there would be nothing to put together.
  const line = 'I,2026-03-30 10:00:00,99,Cy,2026-03-30 10:00:00,1.50\n'
  const name = '20260330-101502123.csv'
  await writeFile(join(folder, 'landing/shop/orders', name), `Op,ts,order_id,buyer,paid_at,amount\n${line}`)
  expect((await run('ingest')).code).toBe(0)
  for (const table of ['shop.orders', 'shop.orders__history'])
    expect((await run('optimize', table, '--columns', 'amount')).stderr).toContain('2 files became 1')
  expect(await json('dataset-verdict', 'verify', id)).toMatchObject({ dataset: `spend@${id}`, verdict: 'REPRODUCED' })
  const again = await run('dataset', 'build', 'spend', '--until', '2026-03-28T10:00:00Z', '--json')
  const other = JSON.parse(again.stdout).id
  expect(other).not.toBe(id)
  expect((await run('dataset', 'diff', id, other)).stderr).toContain('0 rows added, 0 removed, 0 changed')
  for (const one of [id, other]) expect((await run('dataset', 'rm', one, '--yes')).code).toBe(0)
})

test('a guard that fails is exit 6, and nothing is published', async () => {
  await writeFile(join(folder, 'datasets/spend.yml'), `${DEFINITION}guards: {min_rows: {test: 1000}}\n`)
  const { code, stdout, stderr } = await run('dataset', 'build', 'spend', '--json')
  expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringContaining('spend: nothing was published') })
  expect(await misfit('dataset-refused', stdout)).toBeUndefined()
  expect(JSON.parse((await run('dataset', 'list', '--json')).stdout).items).toEqual([])
})

test('a name without a definition is exit 3, and the names that have one are told whole', async () => {
  expect(await run('dataset', 'plan', 'spent')).toEqual({
    code: 3,
    stdout: '',
    stderr:
      'error: There is no datasets/spent.yml beside tributary.yaml\ncause: there are spend.\n' +
      'fix: Write one, or correct the name.\nsee: docs/errors.md, DATASET_UNKNOWN\n',
  })
})

test('a fault of the definition is exit 2 with its line', async () => {
  await writeFile(join(folder, 'datasets/spend.yml'), DEFINITION.replace('over: 7d', 'over: a week'))
  const { code, stderr } = await run('dataset', 'build', 'spend')
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('features.0.window.over: must be a duration'),
  })
})
