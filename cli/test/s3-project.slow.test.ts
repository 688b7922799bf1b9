// The whole command with landing and lake in a bucket: what it does in a folder it does there.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { s3Store } from '@tributary/delta/s3'
import { beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../delta/test/servers/bucket.ts'
import { freshFolder, type Outcome, tributary } from './run-cli.ts'

const bucket = await makeBucket()
const root = `s3://${bucket.name}`
const landing = s3Store(`${root}/landing`, bucket.options)
const TABLE = `${root}/lake/shop/orders`
let folder: string
beforeAll(async () => {
  folder = await freshFolder()
  await writeFile(
    join(folder, 'tributary.yaml'),
    `landing: ${root}/landing/
lake: ${root}/lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: dms_ts}
tables:
  shop.orders:
    key: [order_id]
    columns: {order_id: long, amount: 'decimal(12,2)', seq: string}
    sequence: seq
`,
  )
})

function run(...args: readonly string[]): Promise<Outcome> {
  return tributary(args, { cwd: folder, env: bucket.environment })
}

async function rowsOf(...args: readonly string[]): Promise<readonly unknown[]> {
  const { stdout, stderr, code } = await run(...args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line))
}

function put(name: string, rows: readonly string[], pack: (text: string) => Uint8Array = (text) => Buffer.from(text)) {
  return landing.write(`shop/orders/${name}`, pack(`Op,dms_ts,order_id,amount,seq\n${rows.join('\n')}\n`))
}

test('a load and changes in a bucket become a table in a bucket, each file once', async () => {
  await put('LOAD00000001.csv', ['I,2026-03-01 10:00:00,1,10.50,001', 'I,2026-03-01 10:00:00,2,20.00,002'])
  await put(
    '20260301-101502123.csv.gz',
    ['U,2026-03-01 10:15:00,1,11.00,003', 'D,2026-03-01 10:15:01,2,20.00,004'],
    gzipSync,
  )
  expect((await run('ingest')).code).toBe(0)
  // A late change of a key that was deleted is found by the tombstone, and changes nothing.
  await put('20260301-101602123.csv', ['U,2026-03-01 10:00:30,2,21.00,002', 'I,2026-03-01 10:16:00,3,30.00,005'])
  const second = await run('ingest', '--json')
  expect(JSON.parse(second.stdout)).toMatchObject({
    tables: [{ table: 'shop.orders', version: 2, commits: 1, files: 1, read: 2, applied: 1, superseded: 1 }],
  })
  expect((await run('ingest', '--json')).stdout).toContain('"commits":0')
  const rows = [
    { order_id: 1, amount: '11.00', seq: '003', dms_ts: '2026-03-01 10:15:00' },
    { order_id: 3, amount: '30.00', seq: '005', dms_ts: '2026-03-01 10:16:00' },
  ]
  expect(await rowsOf('sql', 'FROM shop.orders ORDER BY order_id', '-o', 'ndjson')).toMatchObject(rows)
  expect(await rowsOf('cat', TABLE, '-o', 'ndjson')).toHaveLength(2)
  expect(await rowsOf('cat', 'orders', '--version', '0', '-o', 'ndjson')).toHaveLength(2)
  expect(await rowsOf('changes', 'orders', '--since', 'v1', '-o', 'ndjson')).toMatchObject([
    { _change_type: 'insert', order_id: 3 },
  ])
  const read = (): Promise<readonly unknown[]> =>
    rowsOf('changes', 'orders', '--cursor', 'copy', '--bootstrap', '-q', '-o', 'ndjson')
  expect(await read()).toHaveLength(2)
  expect(await read()).toEqual([])
})

test.each([
  ['status', []],
  ['history', ['shop.orders']],
  ['history', [TABLE]],
  ['check', ['shop.orders']],
  ['show', ['shop.orders']],
  ['row', ['shop.orders', '1']],
  ['pin', ['orders@v1', 'kept']],
  ['optimize', ['shop.orders']],
  ['vacuum', ['shop.orders', '--dry-run']],
])('%s works on a bucket: %s', async (verb, args) => {
  const { code, stderr } = await run(verb, ...args)
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
})

test('init proposes a project from a landing in a bucket', async () => {
  const fresh = await freshFolder()
  const { code, stderr } = await tributary(['init', '--from', `${root}/landing`, '--lake', `${root}/other`], {
    cwd: fresh,
    env: bucket.environment,
  })
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
})

test('a bucket that is not there, and credentials that are not there, are told by name', async () => {
  const gone = await tributary(['history', 's3://no-such-bucket/t'], { cwd: folder, env: bucket.environment })
  expect(gone.stderr).toContain('error: There is no bucket no-such-bucket')
  const { AWS_ACCESS_KEY_ID: _, ...anonymous } = bucket.environment
  const env = { ...anonymous, AWS_EC2_METADATA_DISABLED: 'true', HOME: folder }
  const nobody = await tributary(['history', TABLE], { cwd: folder, env })
  expect(nobody.stderr).toContain('There are no credentials for the bucket')
  expect(nobody.stderr).not.toContain(bucket.environment['AWS_SECRET_ACCESS_KEY'])
})
