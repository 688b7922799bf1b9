import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { tableFolders } from '../../src/worker/table-folders.ts'

async function foldersOf(dms: string): Promise<ReturnType<typeof tableFolders>> {
  const text = `landing: l\nlake: k\ndms: ${dms}\ntables:\n  shop.orders: {key: [id]}\n  shop.items: {key: [id]}\n`
  const readText = (): Promise<string> => Promise.reject(new Error('no file'))
  return tableFolders({ config: await parseConfig(text, { path: '/tributary.yaml', readText }) })
}

test('folders of dates and segments are below the one folder of their table', async () => {
  const folders = await foldersOf('{}')
  const keys = [
    'shop/orders/LOAD00000001.csv',
    'shop/orders/SEGMENT1_LOAD00000001.csv',
    'shop/orders/2026/03/01/20260301-101502123.csv',
    'shop/orders/20260301/20260301-101602123.csv',
  ]
  for (const key of keys) expect((await foldersOf('{}')).of('shop.orders', [key])).toEqual(['shop/orders/'])
  expect(folders.of('shop.orders', keys)).toEqual(['shop/orders/'])
})

test('what a listing showed is remembered, also where the folders lie deeper', async () => {
  const folders = await foldersOf('{}')
  const file = { sizeBytes: 1, modifiedMs: 0, kind: 'cdc', place: '' } as const
  const tables = new Map([['shop.orders', [{ ...file, key: 'old/shop/orders/20260301-101502123.csv' }]]])
  folders.learn({ tables, unconfigured: new Map(), ignored: [], refused: [] })
  expect(folders.of('shop.orders', ['shop/orders/20260301-101602123.csv'])).toEqual([
    'old/shop/orders/',
    'shop/orders/',
  ])
  expect(folders.of('shop.items', [])).toEqual([])
})

test('with transactions the whole landing is listed: they lie beside the tables', async () => {
  const folders = await foldersOf('{PreserveTransactions: true, CdcPath: cdc}')
  expect(folders.of('shop.orders', ['shop/orders/LOAD00000001.csv'])).toEqual([''])
})
