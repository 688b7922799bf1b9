import { expect, test } from 'vitest'
import { type Config, parseConfig } from '../../src/config/config.ts'
import { tablesWoken } from '../../src/queue/woken.ts'

function configOf(dms: string): Promise<Config> {
  return parseConfig(
    `landing: l\nlake: k\ndms: ${dms}\ntables:\n  shop.orders: {key: [id]}\n  shop.items: {key: [id]}\n`,
    {
      path: '/tributary.yaml',
      readText: () => Promise.reject(new Error('no file')),
    },
  )
}

test('files wake the table whose folder they are in, and nothing else wakes one', async () => {
  const config = await configOf('{BucketFolder: out}')
  const woken = (...keys: readonly string[]): readonly string[] => [...tablesWoken(config, keys).keys()]
  expect(woken('out/shop/orders/LOAD00000001.csv')).toEqual(['shop.orders'])
  expect(woken('out/shop/items/2026/03/01/20260301-101502123.csv.gz')).toEqual(['shop.items'])
  expect(woken('out/shop/orders/LOAD00000001.csv', 'out/shop/items/LOAD00000001.csv')).toHaveLength(2)
  expect(
    woken('out/shop/other/LOAD00000001.csv', 'out/shop/orders/notes.txt', 'out/awsdms_status/t/LOAD00000001.csv'),
  ).toEqual([])
  expect(woken('out/shop/orders/../orders/LOAD00000001.csv')).toEqual([])
})

test('a file of transactions wakes all tables', async () => {
  const config = await configOf('{PreserveTransactions: true, CdcPath: cdc}')
  expect([...tablesWoken(config, ['cdc/CDC_TXN-20260301101502123.csv']).keys()]).toEqual(['shop.orders', 'shop.items'])
})
