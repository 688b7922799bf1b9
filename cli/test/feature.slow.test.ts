// Worth its seconds: features as people make them, from a file to rows, each verb in a process of its own.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { misfit } from './published-schema.ts'
import { type Outcome, shopProject, tributary } from './run-cli.ts'

let folder: string
const run = (...args: readonly string[]): Promise<Outcome> => tributary(['-C', folder, ...args])

const FEATURE = `feature: notes
entity: [note]
sql: SELECT note, count(*) AS orders, sum(amount) AS total FROM shop.orders GROUP BY note
refresh: {mode: incremental}
keep_history: true
checks: [{column: orders, min: 1}]
`

beforeAll(async () => {
  folder = await shopProject()
  await mkdir(join(folder, 'features'))
  await writeFile(join(folder, 'features/notes.yml'), FEATURE)
  await writeFile(
    join(folder, 'features/large.yml'),
    'feature: large\nentity: [note]\nsql: SELECT note, total FROM features.notes WHERE total > 30\n',
  )
  await run('ingest')
})

test('features are refreshed in the order in which they read each other, and again after a change', async () => {
  const first = await run('feature', 'refresh', '--all', '--json')
  expect(first.code).toBe(0)
  expect(await misfit('feature-refresh', first.stdout)).toBeUndefined()
  for (const [verb, ...args] of [['status'], ['check', 'notes'], ['plan', 'notes']] as const)
    expect(await misfit(`feature-${verb}`, (await run('feature', verb, ...args, '--json')).stdout)).toBeUndefined()
  expect(JSON.parse(first.stdout).items).toMatchObject([
    { feature: 'notes', kind: 'refreshed', mode: 'full' },
    { feature: 'large', kind: 'refreshed', mode: 'full' },
  ])
  await writeFile(
    join(folder, 'landing/out/shop/orders/20260301-103000000.csv'),
    'Op,dms_ts,order_id,amount,note\nI,2026-03-01 10:30:00,5,50.00,new\nU,2026-03-01 10:30:01,1,12.00,again\n',
  )
  await run('ingest')
  expect((await run('feature', 'status')).stdout).toContain('notes\tbehind\tv0')
  const second = await run('feature', 'refresh', 'notes', '--json')
  expect(JSON.parse(second.stdout).items).toMatchObject([{ mode: 'incremental', inserted: 1, updated: 1, deleted: 1 }])
  expect((await run('sql', '-o', 'csv', 'FROM features.notes ORDER BY note')).stdout).toBe(
    'note,orders,total\nagain,1,12.00\nnew,2,90.00\n',
  )
  const changed = (await run('changes', 'features.notes', '--since', 'v0', '-o', 'csv')).stdout
  expect(changed.match(/insert|delete|update_postimage/g)?.sort()).toEqual(['delete', 'insert', 'update_postimage'])
  const served = (await run('feature', 'history', 'notes', '--key', 'new', '--json')).stdout.trim().split('\n')
  expect(served.map((line) => JSON.parse(line)).map((row) => [row['__version'], row['__op'], row['orders']])).toEqual([
    [0, 'I', 1],
    [1, 'U', 2],
  ])
  const row = await run('feature', 'get', 'notes', '--key', 'new', '--json')
  expect(JSON.parse(row.stdout)).toMatchObject({ note: 'new', orders: 2, __version: 1 })
  const unknown = await run('feature', 'get', 'notes', '--key', 'gone', '--json')
  expect({ ...unknown, stderr: JSON.parse(unknown.stderr).error.code }).toEqual({
    code: 3,
    stdout: '',
    stderr: 'FEATURE_ROW_NOT_FOUND',
  })
  expect((await run('feature', 'check', 'notes', '--all')).stderr).toContain('2 keys compared, all equal')

  const at = '2100-01-01T00:00:00Z'
  const log = join(folder, 'served.ndjson')
  await writeFile(
    log,
    `{"note":"new","at":"${at}","orders":2}\n{"note":"again","at":"${at}","orders":1,"total":12.5}\n`,
  )
  const skewed = await run('feature', 'skew', 'notes', '--log', log, '-o', 'json')
  expect({ code: skewed.code, misfit: await misfit('feature-skew', skewed.stdout) }).toEqual({ code: 6 })
  expect(JSON.parse(skewed.stdout).columns).toMatchObject([
    { column: 'orders', compared: 2, equal: 2 },
    { column: 'total', differing: 1, largest: 0.5 },
  ])
})

test('SQL that cannot be followed is refused with the way on and exit 5, a failed check with exit 6', async () => {
  await writeFile(
    join(folder, 'features/odd.yml'),
    'feature: odd\nentity: [note]\nsql: SELECT note FROM shop.orders LIMIT 5\n',
  )
  const refused = await run('feature', 'plan', 'odd')
  expect(refused.code).toBe(5)
  expect(refused.stderr).toContain('its SQL has a LIMIT')
  await writeFile(join(folder, 'features/odd.yml'), FEATURE.replaceAll('notes', 'odd').replace('min: 1', 'min: 9'))
  const failed = await run('feature', 'refresh', 'odd')
  expect(failed.code).toBe(6)
  expect(failed.stderr).toContain('odd: orders breaks min 9: 1. Nothing was published')
})
