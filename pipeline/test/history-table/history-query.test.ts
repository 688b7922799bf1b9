import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareQuery } from '../../src/query/sql.ts'
import { findNamedTable } from '../../src/query/tables.ts'
import { useEngine } from '../inspect/build-table.ts'
import { HISTORY, type HistoryPlace, land, openPlace, TABLE, take } from './history-place.ts'

const { engine, folder } = useEngine()

async function filledPlace(name: string): Promise<HistoryPlace> {
  const orders = await openPlace(join(folder(), name))
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await land(orders, '20260301-100000000.csv', ['U,1,uno,1', 'U,1,eins,1', 'D,2,,'])
  await land(orders, '20260301-110000000.csv', ['I,2,zwei,2'])
  await take(orders, engine())
  return orders
}

async function answer({ lake }: HistoryPlace, query: string): Promise<readonly string[]> {
  const fork = await engine().fork()
  try {
    const { sql } = await prepareQuery(fork, (name) => findNamedTable(lake, name), query, { nowMs: 0 })
    return (await fork.all(`SELECT CAST(q AS VARCHAR) AS line FROM (${sql}) q`)).map(({ line }) => String(line))
  } finally {
    await fork.close()
  }
}

test('the history is a table of its name, full or bare', async () => {
  const orders = await filledPlace('named')
  expect((await findNamedTable(orders.lake, 'orders__history')).name).toBe(HISTORY)
  expect(await answer(orders, `SELECT count(*) AS n FROM ${HISTORY} WHERE "__op" = 'U'`)).toEqual([`{'n': 2}`])
})

test('periods say from when until when a row was as it is; of two changes at one time the last counts', async () => {
  const orders = await filledPlace('periods')
  const query = `SELECT id, name, strftime("__valid_from", '%H:%M') AS since, strftime("__valid_to", '%H:%M') AS until
    FROM ${TABLE}__periods ORDER BY id, "__valid_from"`
  expect(await answer(orders, query)).toEqual([
    `{'id': 1, 'name': one, 'since': '08:00', 'until': '10:00'}`,
    `{'id': 1, 'name': eins, 'since': '10:00', 'until': NULL}`,
    `{'id': 2, 'name': two, 'since': '08:00', 'until': '10:00'}`,
    `{'id': 2, 'name': zwei, 'since': '11:00', 'until': NULL}`,
  ])
})

test('a condition on a row does not hide the change that ends its period', async () => {
  const orders = await filledPlace('conditions')
  const query = `SELECT strftime("__valid_to", '%H:%M') AS until FROM orders__periods WHERE name = 'one'`
  expect(await answer(orders, query)).toEqual([`{'until': '10:00'}`])
})
