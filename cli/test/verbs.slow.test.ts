// One project flows through the real command; each test asks it something else.
import { access, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { misfit } from './published-schema.ts'
import { freshFolder, type Outcome, shopProject, tributary } from './run-cli.ts'

let folder = ''
let first: Outcome
const run = (...args: readonly string[]): Promise<Outcome> => tributary(['-C', folder, ...args])

beforeAll(async () => {
  folder = await shopProject()
  first = await run('ingest', '--json')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('an ingest that quarantines a row exits with 6 and its summary fits the schema', async () => {
  expect(first.code).toBe(6)
  expect(await misfit('ingest', first.stdout)).toBeUndefined()
  expect(JSON.parse(first.stdout)).toMatchObject({
    tables: [{ table: 'shop.orders', files: 2, read: 6, applied: 5, quarantined: 1, stopped: null }],
  })
})

test('a line is said for each table and commit, and -q leaves it out', async () => {
  expect(first.stderr).toMatch(/^shop\.orders {2}v0 .*1 quarantined/m)
  const again = await tributary(['-C', folder, 'ingest', '-q'])
  expect(again).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('older quarantine fails an ingest only when asked', async () => {
  expect((await run('ingest')).code).toBe(0)
  expect((await run('ingest', '--fail-on', 'quarantine')).code).toBe(6)
})

test('a dry run with nothing waiting prints nothing', async () => {
  expect(await run('ingest', '--dry-run')).toMatchObject({ code: 0, stdout: '' })
})

test('cat prints the rows, plain when stdout is no terminal', async () => {
  const { stdout } = await run('cat', 'orders', '-o', 'ndjson')
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ order_id, amount, note }) => ({ order_id, amount, note }))
      .sort((a, b) => a.order_id - b.order_id),
  ).toEqual([
    { order_id: 1, amount: '11.00', note: 'changed' },
    { order_id: 4, amount: '40.00', note: 'new' },
  ])
  expect((await run('cat', 'shop.orders')).stdout).toMatch(/^[^\n]*order_id\tamount\tnote/)
})

test('cat reads a version and a path, and a path needs no project', async () => {
  const elsewhere = await freshFolder()
  const { code, stdout } = await tributary(
    ['cat', join(folder, 'lake/shop/orders'), '--version', '0', '-o', 'ndjson'],
    { cwd: elsewhere },
  )
  expect({ code, rows: stdout.trim().split('\n').length }).toEqual({ code: 0, rows: 2 })
})

test('a version that is not there is exit 3 with an empty stdout', async () => {
  const { code, stdout, stderr } = await run('cat', 'orders', '--version', '99')
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toContain('error: Version 99 does not exist')
})

test('a table that is not there is exit 3, and with --json the error fits its schema', async () => {
  const { code, stdout, stderr } = await run('cat', 'shop.nothing', '--json')
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(await misfit('error', stderr)).toBeUndefined()
})

test('parquet goes into a pipe and into a file', async () => {
  expect((await run('cat', 'orders', '-o', 'parquet')).stdout.slice(0, 4)).toBe('PAR1')
  const file = join(folder, 'orders.parquet')
  expect(await run('cat', 'orders', '-o', 'parquet', '--out', file)).toMatchObject({ code: 0, stdout: '' })
  expect((await readFile(file)).subarray(0, 4).toString()).toBe('PAR1')
})

test('a reader that leaves early is no error', async () => {
  const { code, stderr } = await tributary(['-C', folder, 'sql', 'SELECT * FROM range(3000000)'], {
    stopReadingAfter: 1,
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('sql reads live tables, also from stdin', async () => {
  const { stdout } = await tributary(['-C', folder, 'sql', '-o', 'csv', '-'], {
    stdin: 'SELECT sum(amount) AS total FROM shop.orders',
  })
  expect(stdout).toBe('total\n51.00\n')
})

test('sql -v tells how many files a query opens', async () => {
  const total = 'SELECT count(*) AS n FROM shop.orders WHERE order_id'
  const all = await run('sql', '-v', '-o', 'csv', `${total} = 4`)
  expect(all.stdout).toBe('n\n1\n')
  expect(all.stderr).toMatch(/^shop\.orders v\d+\n$/)
  const none = await run('sql', '-v', '-o', 'csv', `${total} = 99`)
  expect(none.stdout).toBe('n\n0\n')
  expect(none.stderr).toMatch(/^shop\.orders v\d+, 0 of 1 files\n$/)
})

test('sql that is no SELECT is refused with exit 2', async () => {
  expect(await run('sql', "COPY (SELECT 1) TO 'x.csv'")).toMatchObject({ code: 2, stdout: '' })
})

test('changes between two versions carry type, version and time', async () => {
  const { stdout } = await run('changes', 'orders', '--since', 'v0', '-o', 'ndjson')
  const changes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(changes.map((change) => change._change_type).sort()).toEqual([
    'delete',
    'insert',
    'update_postimage',
    'update_preimage',
  ])
  expect(new Set(changes.map((change) => change._commit_version))).toEqual(new Set([1]))
})

test('--since the newest version is an empty list, not an error', async () => {
  expect(await run('changes', 'orders', '--since', 'v1', '-o', 'ndjson')).toMatchObject({ code: 0, stdout: '' })
})

test('flags that contradict each other are exit 2', async () => {
  expect((await run('changes', 'orders', '--since', 'v0', '--from-version', '1')).code).toBe(2)
})

test.each([
  ['status', ['status']],
  ['table', ['show', 'orders']],
  ['history', ['history', 'orders']],
  ['explain', ['explain', 'orders']],
  ['row', ['row', 'orders', '1']],
  ['checks', ['check']],
  ['quarantine', ['quarantine', 'ls']],
  ['quarantined-rows', ['quarantine', 'show', 'orders']],
  ['resolve', ['resolve', 'orders']],
  ['changes', ['changes', 'orders', '--summary']],
  ['changes-list', ['changes', '--all', '--since', '1h']],
])('--json fits the schema %s', async (schema, args) => {
  const { code, stdout } = await run(...args, '--json')
  expect(code).toBe(0)
  expect(await misfit(schema, stdout)).toBeUndefined()
})

test('quarantine show tells file, line, column, text and reason', async () => {
  const { items } = JSON.parse((await run('quarantine', 'show', 'orders', '--json')).stdout)
  expect(items).toMatchObject([
    { file: 'out/shop/orders/LOAD00000001.csv', line: 4, row: 3, column: 'amount', text: 'abc' },
  ])
})

test('quarantine replay of a row that is still bad exits with 6', async () => {
  const { code, stdout } = await run('quarantine', 'replay', 'orders', '--json')
  expect(await misfit('replay', stdout)).toBeUndefined()
  expect({ code, outcome: JSON.parse(stdout) }).toMatchObject({ code: 6, outcome: { replayed: 0, still: 1 } })
})

test('truncate asks, and where nobody can be asked it needs --yes', async () => {
  const { code, stderr } = await run('resolve', 'orders', '--truncate', '--reason', 'emptied')
  expect(code).toBe(2)
  expect(stderr).toContain('fix: Add --yes if that is meant.')
})

test('init writes a project once, and again only with --yes', async () => {
  const project = await freshFolder()
  const args = ['-C', project, 'init', '--from', join(folder, 'landing'), '--json']
  const { code, stdout } = await tributary(args)
  expect(code).toBe(0)
  expect(await misfit('init', stdout)).toBeUndefined()
  expect(JSON.parse(stdout)).toMatchObject({
    settings: { BucketFolder: 'out', AddColumnName: true, IncludeOpForFullLoad: true },
    tables: [{ table: 'shop.orders', key: ['order_id'] }],
  })
  expect((await tributary(args)).code).toBe(2)
  expect((await tributary([...args, '--yes'])).code).toBe(0)
})

test('status needs no DuckDB', async () => {
  const { code } = await tributary(['-C', folder, 'status'], {
    env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(REFUSE_DUCKDB)}` },
  })
  expect(code).toBe(0)
  await access(join(folder, 'lake/shop/orders/_delta_log'))
})

const REFUSE_DUCKDB = `import { registerHooks } from 'node:module'
registerHooks({ resolve: (name, context, next) => { if (name.startsWith('@duckdb')) throw new Error('loaded ' + name); return next(name, context) } })`

test('status exits with 6 and says who is late, once there is a target', async () => {
  const config = join(folder, 'tributary.yaml')
  const text = await readFile(config, 'utf8')
  const path = join(folder, 'landing/out/shop/orders/20270101-000000000.csv')
  await writeFile(path, 'x')
  await utimes(path, 0, 0)
  expect((await run('status')).code).toBe(0)
  await writeFile(config, `freshness: 5m\n${text}`)
  const late = await run('status')
  await writeFile(config, text)
  await rm(path)
  expect([late.code, late.stdout]).toEqual([
    6,
    expect.stringMatching(/late: a file waits for \d+ d, the target is 5 m/),
  ])
})

test('a stopped table is exit 1 of ingest, 0 of status, and 6 of status where a target is missed', async () => {
  const stopped = await shopProject()
  const landed = join(stopped, 'landing/out/shop/orders/20260301-110000000.csv')
  await writeFile(landed, 'Op,dms_ts,order_id,amount,note\nU,2026-03-01 11:00:00,1,"cut')
  expect((await tributary(['-C', stopped, 'ingest'])).code).toBe(1)
  const status = await tributary(['-C', stopped, 'status', '--json'])
  expect([status.code, JSON.parse(status.stdout).tables[0].state]).toEqual([0, 'stuck'])
  const config = join(stopped, 'tributary.yaml')
  await writeFile(config, `freshness: 0s\n${await readFile(config, 'utf8')}`)
  expect((await tributary(['-C', stopped, 'status'])).code).toBe(6)
})
