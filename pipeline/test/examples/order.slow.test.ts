// The example cases about order: bursts, ties, overlaps, reloads, late and repeated files.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectedOf, openExample, permutations } from '../support/example-case.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const COLUMNS = `columns: {id: integer, name: string, city: string, credit: 'decimal(10,2)'}`
const CUSTOMER = ['id', 'name', 'city', 'credit']
const HEADER = 'dms: {DataFormat: csv, AddColumnName: true, TimestampColumnName: dms_ts, BucketFolder: lake}'

test('c03: the last row of a file is the last change', async () => {
  const example = await openExample(
    workplace,
    'c03-burst-one-key',
    `dms: {DataFormat: csv, BucketFolder: lake}\ntables: {sales.customers: {key: [id], ${COLUMNS}}}\n`,
  )
  await example.deliver()
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ read: 4, applied: 1, superseded: 3 }])
  expect(await example.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c03-burst-one-key'))
})

test('c04: ties of commit times, whichever file comes first', async () => {
  const keys = ['lake/sales/customers/20260302-090000100.csv', 'lake/sales/customers/20260302-090000650.csv']
  for (const order of permutations(keys)) {
    const example = await openExample(
      workplace,
      'c04-timestamp-ties',
      `${HEADER}\ntables: {sales.customers: {key: [id], sequence: change_seq, ${COLUMNS}}}\n`,
    )
    for (const key of order) {
      await example.deliver({ keys: [key] })
      await example.ingest()
    }
    expect(await example.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c04-timestamp-ties'))
  }
})

test('c04: without a sequence column the two files together are in order, and the earlier one alone behind the later stops the table', async () => {
  const [first = '', second = ''] = [
    'lake/sales/customers/20260302-090000100.csv',
    'lake/sales/customers/20260302-090000650.csv',
  ]
  const settings = `${HEADER}\ntables: {sales.customers: {key: [id], ${COLUMNS}}}\n`
  const together = await openExample(workplace, 'c04-timestamp-ties', settings)
  await together.deliver()
  await together.ingest()
  expect(await together.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c04-timestamp-ties'))

  const late = await openExample(workplace, 'c04-timestamp-ties', settings)
  await late.deliver({ keys: [second] })
  await late.ingest()
  await late.deliver({ keys: [first] })
  const { summary } = await late.ingest()
  expect(summary.tables).toMatchObject([{ commits: 0, stopped: { code: 'LATE_FILE' } }])
  expect(summary.tables[0]?.stopped?.message).toContain(first)
  expect(summary.tables[0]?.stopped?.message).toContain(second)
})

test('c12: a reload is a new generation, whatever it leaves behind', async () => {
  const settings = `dms: {DataFormat: csv, IncludeOpForFullLoad: true, BucketFolder: lake}\ntables: {sales.customers: {key: [id], ${COLUMNS}}}\n`
  const example = await openExample(workplace, 'c12-reload', settings)
  await example.deliver({ from: 'gen1', modifiedMs: Date.UTC(2026, 2, 9, 9) })
  await example.ingest()
  await example.deliver({ from: 'gen2', modifiedMs: Date.UTC(2026, 2, 9, 12) })
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ files: 2, read: 3, stopped: null }])
  expect(await example.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c12-reload'))
})

test('c12: a reload that brings the first load back is a new generation too', async () => {
  const settings = `dms: {DataFormat: csv, IncludeOpForFullLoad: true, BucketFolder: lake}\ntables: {sales.customers: {key: [id], ${COLUMNS}}}\n`
  const keys = ['lake/sales/customers/LOAD00000001.csv']
  const example = await openExample(workplace, 'c12-reload', settings)
  for (const [hour, from] of ['gen1', 'gen2', 'gen1'].entries()) {
    await example.deliver({ from, keys, modifiedMs: Date.UTC(2026, 2, 9, hour) })
    await example.ingest()
  }
  expect(await example.rows('sales.customers', CUSTOMER)).toEqual([
    { id: 1, name: 'Ada Byron', city: 'London', credit: '1.00' },
    { id: 2, name: 'Karl Gauss', city: 'Braunschweig', credit: '2.00' },
  ])
})

test('c13: a change beats the load that read the row before it', async () => {
  const example = await openExample(
    workplace,
    'c13-overlap',
    `${HEADER}\ntables: {sales.customers: {key: [id], ${COLUMNS}}}\n`,
  )
  await example.deliver()
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ read: 3, noop: 1 }])
  expect(await example.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c13-overlap'))
})

test('c16: four files in every order, each once to three times, end in the empty table', async () => {
  const keys = ['100000000', '100100000', '100200000', '100300000'].map(
    (time) => `lake/sales/customers/20260313-${time}.csv`,
  )
  const orders = permutations(keys)
  const tables = orders.map((_, at) => `sales.customers${at}: {key: [id], sequence: change_seq, ${COLUMNS}}`)
  const example = await openExample(workplace, 'c16-late-and-duplicate', `${HEADER}\ntables: {${tables.join(', ')}}\n`)
  for (let step = 0; step < keys.length; step += 1) {
    for (const [at, order] of orders.entries()) {
      // Each file comes again once or twice later on, in some tables.
      const again = order.slice(0, step).filter((_, before) => (at + before) % 3 > 0)
      for (const key of [...order.slice(step, step + 1), ...again]) {
        await example.deliver({
          keys: [key],
          to: (path) => path.replace('customers', `customers${at}`),
          modifiedMs: Date.UTC(2026, 2, 13, 11, step),
        })
      }
    }
    const { summary } = await example.ingest()
    expect(summary.tables.filter(({ stopped }) => stopped !== null)).toEqual([])
  }
  for (const at of orders.keys())
    expect(await example.rows(`sales.customers${at}`, CUSTOMER), orders[at]?.join(' ')).toEqual([])
}, 60_000)
