// Worth its seconds: each verb in a process of its own, as people run it.

import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { misfit } from './published-schema.ts'
import { type Outcome, shopProject, tributary } from './run-cli.ts'

let folder: string
const run = (...args: readonly string[]): Promise<Outcome> => tributary(['-C', folder, ...args])
const TABLE = 'lake/shop/orders'

beforeAll(async () => {
  folder = await shopProject()
  await run('ingest')
  await writeFile(
    join(folder, 'landing/out/shop/orders/20260301-103000000.csv'),
    'Op,dms_ts,order_id,amount,note\nI,2026-03-01 10:30:00,5,50.00,later\nU,2026-03-01 10:30:01,1,12.00,again\n',
  )
  await run('ingest')
})

async function rows(): Promise<string> {
  return (await run('sql', '-o', 'csv', 'SELECT * FROM shop.orders ORDER BY order_id')).stdout
}

test('optimize shows its plan, changes nothing in a dry run, and no row after it', async () => {
  const before = await rows()
  const dry = await run('optimize', 'orders', '--dry-run', '--purge', '--json')
  expect(await misfit('optimize', dry.stdout)).toBeUndefined()
  expect(JSON.parse(dry.stdout)).toMatchObject({ version: 2, pieces: [{ files: 2 }], done: null })
  const { code, stdout, stderr } = await run('optimize', 'orders', '--purge', '--json')
  expect(code).toBe(0)
  expect(await misfit('optimize', stdout)).toBeUndefined()
  expect(JSON.parse(stdout).done).toMatchObject({ versions: [3], filesRemoved: 2, filesAdded: 1 })
  expect(stderr).toContain('shop.orders: 2 files became 1')
  expect(await rows()).toBe(before)
  expect((await run('check')).code).toBe(0)
})

test('optimize refuses a column that is not there with exit 2', async () => {
  expect(await run('optimize', 'orders', '--columns', 'nope')).toMatchObject({ code: 2, stdout: '' })
})

test('vacuum guards the retention, needs --yes off a terminal, and deletes what its plan named', async () => {
  expect((await run('vacuum', 'orders', '--retain', '1h')).code).toBe(5)
  const short = ['vacuum', 'orders', '--retain', '0s', '--short-retention']
  const dry = await run(...short, '--dry-run', '--json')
  expect(await misfit('vacuum', dry.stdout)).toBeUndefined()
  const { files } = JSON.parse(dry.stdout)
  expect(files.length).toBeGreaterThan(2)
  expect((await run(...short, '--dry-run')).stdout.split('\n')).toHaveLength(files.length + 2)
  const unasked = await run(...short)
  expect([unasked.code, unasked.stdout]).toEqual([2, ''])
  expect(unasked.stderr).toContain('fix: Add --yes if that is meant.')
  const before = await rows()
  const done = await run(...short, '--yes', '--json')
  expect(done.code).toBe(0)
  expect(JSON.parse(done.stdout)).toMatchObject({ deleted: true, files })
  const left = (await readdir(join(folder, TABLE))).filter((name) => !name.startsWith('_'))
  expect(left).toHaveLength(1)
  expect(await rows()).toBe(before)
})

test('a version whose files vacuum took cannot be restored: exit 4, and the files are named', async () => {
  const { code, stdout, stderr } = await run('restore', 'orders', 'v0', '--yes')
  expect([code, stdout]).toEqual([4, ''])
  expect(stderr).toContain("Version 0 can't be restored")
})

test('a version whose files vacuum took can be neither read nor pinned: exit 4, and what can be read is named', async () => {
  for (const args of [
    ['cat', 'orders', '--version', '0'],
    ['sql', 'FROM orders AT (VERSION => 0)'],
    ['sql', 'SELECT count(*) FROM orders JOIN orders AS was AT (VERSION => 0) USING (order_id)'],
    ['pin', 'orders@v0', 'old'],
  ]) {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout], args.join(' ')).toEqual([4, ''])
    expect(stderr).toContain('Version 0 of file://')
    expect(stderr).toMatch(/fix: Ask for version \d+ or later\./)
  }
  expect((await run('check')).code).toBe(0)
})

test('pin and unpin a version', async () => {
  const pinned = await run('pin', 'orders@v3', 'training', '--json')
  expect(pinned.code).toBe(0)
  expect(await misfit('pin', pinned.stdout)).toBeUndefined()
  expect((await run('pin', 'orders@v3', 'training')).code).toBe(5)
  expect((await run('unpin', 'orders@v1', 'training')).code).toBe(3)
  expect(JSON.parse((await run('unpin', `${TABLE}@v3`, 'training', '--json')).stdout)).toMatchObject({
    table: 'shop.orders',
    version: 3,
    done: 'unpinned',
  })
  expect((await run('pin', 'orders', 'nameless')).code).toBe(2)
})

test('restore brings rows and ledger back, and the next ingest goes on from there', async () => {
  const before = await rows()
  const file = join(folder, 'landing/out/shop/orders/20260301-110000000.csv')
  await writeFile(file, 'Op,dms_ts,order_id,amount,note\nD,2026-03-01 11:00:00,1,12.00,gone\n')
  await run('ingest')
  expect(await rows()).not.toBe(before)
  const dry = await run('restore', 'orders', 'v3', '--dry-run', '--json')
  expect(await misfit('restore', dry.stdout)).toBeUndefined()
  expect(JSON.parse(dry.stdout)).toMatchObject({ again: ['out/shop/orders/20260301-110000000.csv'], version: null })
  const told = await run('restore', 'orders', 'v3', '--dry-run')
  expect(told.stdout).toMatch(/^change\tfile\ndeleted rows\tpart-\S+\.parquet\n$/)
  expect(told.stderr).toContain(
    'shop.orders: v4 → v3   + 0 files  − 0 files   other deleted rows in a file that stays\n',
  )
  expect((await run('restore', 'orders', 'v3')).code).toBe(2)
  expect((await run('restore', join(folder, TABLE), 'v3', '--yes')).code).toBe(2)
  const done = await run('restore', 'orders', 'v3', '--yes', '--json')
  expect(JSON.parse(done.stdout)).toMatchObject({ toVersion: 3, version: 5 })
  expect(await rows()).toBe(before)
  await rm(file)
  expect((await run('ingest', '--json')).code).toBe(0)
  expect(await rows()).toBe(before)
})

test('a table is released, refused by ingest, and adopted again', async () => {
  const before = await rows()
  expect((await run('release', 'orders')).code).toBe(2)
  const released = await run('release', 'orders', '--yes', '--json')
  expect(await misfit('release', released.stdout)).toBeUndefined()
  for (const flag of ['--dry-run', '--yes']) {
    const { code, stderr } = await run('release', 'orders', flag)
    expect([code, stderr]).toEqual([2, expect.stringContaining('see: docs/errors.md, TABLE_NOT_FED')])
    expect(stderr).not.toContain('given up')
  }
  expect((await run('ingest')).code).toBe(1)
  expect((await run('adopt', 'orders', '--yes')).code).toBe(2)
  const dry = await run('adopt', 'orders', '--holds', 'all', '--dry-run', '--json')
  expect(await misfit('adopt', dry.stdout)).toBeUndefined()
  const adopted = await run('adopt', 'orders', '--holds', 'all', '--yes', '--json')
  expect(JSON.parse(adopted.stdout)).toMatchObject({ rows: 3, waiting: [], version: 7 })
  expect((await run('ingest')).code).toBe(0)
  expect(await rows()).toBe(before)
})
