// The flags of `changes`, through the real command.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { misfit } from './published-schema.ts'
import { type Outcome, shopProject, tributary } from './run-cli.ts'

let folder = ''
const run = (...args: readonly string[]): Promise<Outcome> => tributary(['-C', folder, 'changes', ...args])
const linesOf = ({ stdout }: Outcome): readonly Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

beforeAll(async () => {
  folder = await shopProject()
  await tributary(['-C', folder, 'ingest'])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a summary off a terminal has a fact a line', async () => {
  const { code, stdout } = await run('orders', '--since', 'v0', '--summary')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^table\tshop\.orders\nsince\tv0\nuntil\tv1\ncommits\t1\nfrom\t.*\nto\t.*\ninsert\t1\nupdate\t1\ndelete\t1\nkeys\t3\t2\n/,
  )
  expect(stdout).toContain('column\tnote\t1\t0\t0\n')
})

test('without --summary a pipe gets rows, also with --json', async () => {
  const rows = linesOf(await run('orders', '--since', 'v0', '--json'))
  expect(rows).toEqual(linesOf(await run('orders', '--since', 'v0', '-o', 'ndjson')))
  expect(rows).toHaveLength(4)
})

test('records fit their schema', async () => {
  const outcome = await run('orders', '-o', 'json-changes')
  for (const line of outcome.stdout.trim().split('\n')) expect(await misfit('change', line)).toBeUndefined()
  expect(linesOf(outcome)).toHaveLength(5)
  // A load has no time of the source; a batch of changes has that of its newest.
  const newest = '2026-03-01T10:15:02.000000Z'
  expect(linesOf(outcome).map((row) => row['source_at'])).toEqual([null, null, newest, newest, newest])
})

test('only some kinds and columns', async () => {
  const rows = linesOf(await run('orders', '--since', 'v0', '--op', 'update', '--columns', 'note', '-o', 'ndjson'))
  expect(rows.map(({ _commit_timestamp: _, ...row }) => row)).toEqual([
    { order_id: 1, note: 'first', _change_type: 'update_preimage', _commit_version: 1 },
    { order_id: 1, note: 'changed', _change_type: 'update_postimage', _commit_version: 1 },
  ])
})

test('--key tells the life of one row, cut to the interval', async () => {
  const { changes } = JSON.parse((await run('orders', '--key', '1', '--json')).stdout)
  expect(changes).toMatchObject([{ op: 'I' }, { op: 'U' }])
  const { changes: since } = JSON.parse((await run('orders', '--key', '1', '--since', 'v0', '--json')).stdout)
  expect(since).toMatchObject([{ op: 'U' }])
})

test('--all has a line for each table', async () => {
  const { code, stdout } = await run('--all', '--since', '1d')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'table\tversions\tcommits\tinsert\tupdate\tdelete\tkeys\nshop.orders\tstart → v1\t2\t3\t1\t1\t3\n',
  })
})

describe('a cursor', () => {
  const read = (...more: readonly string[]): Promise<Outcome> => run('orders', '-o', 'ndjson', '--cursor', ...more)

  test('has to be told where it begins', async () => {
    const { code, stderr } = await read('unborn')
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('fix: Add --bootstrap') })
  })

  test('begins with all rows, and then has only news', async () => {
    expect(linesOf(await read('nightly', '--bootstrap')).map((row) => row['_change_type'])).toEqual([
      'insert',
      'insert',
    ])
    expect(await read('nightly', '--bootstrap')).toMatchObject({ code: 0, stdout: '' })
  })

  test('stays where it is when the output cannot be written', async () => {
    expect((await read('stays', '--since', 'v0', '--out', join(folder, 'no/such/file'))).code).toBe(2)
    const out = join(folder, 'rows.ndjson')
    expect((await read('stays', '--since', 'v0', '--out', out)).code).toBe(0)
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(4)
    expect(await read('stays')).toMatchObject({ code: 0, stdout: '' })
  })

  test('of a peek goes on when it is acknowledged', async () => {
    const first = await read('slow', '--since', 'v0', '--peek')
    expect(linesOf(first)).toHaveLength(4)
    expect((await read('slow', '--peek')).stdout).toBe(first.stdout)
    const acknowledged = await run('orders', '--cursor', 'slow', '--ack', '--json')
    expect(await misfit('cursor', acknowledged.stdout)).toBeUndefined()
    expect(JSON.parse(acknowledged.stdout)).toMatchObject({ version: 1, offered: null })
    expect((await read('slow', '--peek')).stdout).toBe('')
    expect((await read('slow', '--since', 'v0')).code).toBe(2)
  })
})
