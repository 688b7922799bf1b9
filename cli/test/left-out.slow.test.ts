import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { shopProject, tributary } from './run-cli.ts'

let folder: string
afterEach(() => rm(folder, { recursive: true, force: true }))

test('files of the landing that are not taken in are named with the reason', async () => {
  folder = await shopProject()
  const orders = join(folder, 'landing/out/shop/orders')
  await writeFile(join(orders, '20260301-101702123.csv'), '')
  await writeFile(join(orders, '20260301-1018.csv'), 'Op,dms_ts,order_id,amount,note\n')
  for (const verb of ['ingest', 'status']) {
    const { stderr } = await tributary(['-C', folder, verb])
    expect(stderr).toContain('not taken in: out/shop/orders/20260301-101702123.csv (empty: nothing is written in it)')
    expect(stderr).toContain('not taken in: out/shop/orders/20260301-1018.csv (not a name that DMS gives)')
  }
})
