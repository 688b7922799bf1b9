import { afterAll, beforeAll, expect, test } from 'vitest'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from '../write/support.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

test.each([
  ['up', 1, [1n, 3n]],
  ['down', -1, [-1n, -3n]],
])('an identity column that counts %s gives no number twice after a restore', async (_, step, expected) => {
  const counted = { 'delta.identity.start': step, 'delta.identity.step': step }
  const table = await place.fresh(fieldsOf(['id', 'long', { metadata: counted }], ['v', 'string']))
  await table.append([{ v: 'a' }])
  await table.append([{ v: 'b' }])
  await table.restore({ version: 1 })
  await table.append([{ v: 'c' }])
  const ids = (await rowsOf(table)).flatMap((row) => ('id' in row ? [row.id] : []))
  expect(new Set(ids)).toEqual(new Set(expected))
})
