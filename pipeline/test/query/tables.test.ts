import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closestNames, findNamedTable } from '../../src/query/tables.ts'
import { ordersTable, useEngine } from '../inspect/build-table.ts'

const { engine, folder } = useEngine()

test('a wrong name is answered with the closest ones', () => {
  const names = ['shop.orders', 'shop.customers', 'web.visits']
  expect(closestNames('ordres', names)).toEqual(['shop.orders'])
  expect(closestNames('shop.order', names)).toEqual(['shop.orders'])
  expect(closestNames('zebra', names)).toEqual([])
})

test('a path is a table without any configuration; a name is not', async () => {
  const place = join(folder(), 'lake', 'orders')
  await ordersTable(engine(), place, [{ put: [{ id: 1 }] }])
  expect((await findNamedTable(undefined, place)).store.url).toContain('/lake/orders/')
  await expect(findNamedTable(undefined, 'orders')).rejects.toThrow(/There is no table "orders"/)
  await expect(findNamedTable(undefined, join(folder(), 'lake'))).rejects.toThrow(/There is no table/)
})
