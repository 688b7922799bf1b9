import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseLandingKey, placeOf } from '../../src/dms/file-name.ts'
import { codeOf, readAll, type TableFacts, useLanding } from './reading.ts'

const EXAMPLES = fileURLToPath(new URL('../dms-examples/', import.meta.url))
const landing = useLanding()

const CUSTOMERS = {
  key: ['id'],
  columns: { id: 'integer', name: 'string', city: 'string', credit: 'decimal(10,2)' },
} as const

async function read(path: string, facts: TableFacts): ReturnType<typeof readAll> {
  const [folder = '', key = ''] = path.split('//')
  return readAll(landing.engine(), join(EXAMPLES, folder), key, facts)
}

function table(rows: readonly Readonly<Record<string, unknown>>[], ...names: readonly string[]): string[] {
  return rows.map((row) => names.map((name) => String(row[name])).join('|'))
}

test('c01: without header, Op is told by the number of fields', async () => {
  const load = await read('c01-defaults/s3//lake/sales/customers/LOAD00000001.csv', CUSTOMERS)
  expect(table(load.rows, '__op', '__row', 'id', 'name', 'city', 'credit')).toEqual([
    'I|1|1|Ada Byron|London|120.50',
    'I|2|2|Karl Gauss|Braunschweig|null',
    'I|3|3|Emmy Noether|Erlangen|75.00',
  ])
  const changes = await read('c01-defaults/s3//lake/sales/customers/20260301-101502123.csv', CUSTOMERS)
  expect(table(changes.rows, '__op', '__row', 'id', 'city', 'credit')).toEqual([
    'U|1|2|Goettingen|10.00',
    'I|2|4|Stockholm|null',
    'D|3|3|Erlangen|75.00',
  ])
  expect([load.path, changes.path]).toEqual(['fast', 'fast'])
})

test('c02: a header names the columns, and those that the rules added are kept as text', async () => {
  const settings = { AddColumnName: true, TimestampColumnName: 'dms_ts', CsvNullValue: '\\N' }
  const facts = { ...CUSTOMERS, settings, sequence: 'change_seq' }
  const load = await read('c02-recommended-csv/s3//lake/sales/customers/LOAD00000001.csv', facts)
  expect(table(load.rows, '__op', 'id', 'credit', 'dms_ts', 'change_seq')).toEqual([
    'I|1|120.50|2026-03-01 10:00:00.000000|',
    'I|2|null|2026-03-01 10:00:00.000000|',
  ])
  expect(load.plan.added).toEqual([
    { name: 'dms_ts', type: 'string' },
    { name: 'change_seq', type: 'string' },
  ])
  expect(load.plan.warnings).toEqual([])
  const deletes = await read('c02-recommended-csv/s3//lake/sales/customers/20260301-101602477.csv', facts)
  expect(table(deletes.rows, '__op', 'id', 'change_seq')).toEqual(['D|1|20260301101540330000000000000001010'])
})

test('c03: row numbers keep the order of changes of one key', async () => {
  const { rows } = await read('c03-burst-one-key/s3//lake/sales/customers/20260301-120000001.csv', CUSTOMERS)
  expect(table(rows, '__row', '__op', 'name')).toEqual([
    '1|I|First Name',
    '2|U|Second Name',
    '3|D|Second Name',
    '4|I|Third Name',
  ])
})

test('c05: before images of the key are consumed', async () => {
  const facts: TableFacts = {
    key: ['order_id', 'product_id'],
    columns: { order_id: 'integer', product_id: 'integer', qty: 'integer' },
    name: ['public', 'order_details'],
  }
  const { rows, plan } = await read(
    'c05-pk-update/with-before-image/s3//lake/public/order_details/20260303-100000000.csv',
    facts,
  )
  expect(table(rows, '__op', 'product_id', 'BI_order_id', 'BI_product_id')).toEqual([
    'I|1|null|null',
    'I|2|null|null',
    'U|66|30004|1',
    'I|3|null|null',
  ])
  expect(plan.columns.map(({ name }) => name)).toEqual(['order_id', 'product_id', 'qty'])
})

test('c06: a delete may carry the key alone', async () => {
  const { rows } = await read('c06-key-only-delete/s3//lake/public/events/20260304-010000000.csv', {
    key: ['id'],
    columns: { id: 'long', day: 'date', payload: 'string' },
  })
  expect(table(rows, '__op', 'id', 'day', 'payload')).toEqual(['D|1|null|null'])
})

test('c07: columns that the source did not log are named, and empty ones are NULL', async () => {
  const facts: TableFacts = {
    key: ['emp_id'],
    columns: { emp_id: 'integer', name: 'string', dept: 'string', salary: 'integer' },
    settings: { UseCsvNoSupValue: true, CsvNoSupValue: '~NOSUP~' },
  }
  const { rows } = await read('c07-no-supplemental/s3//lake/hr/emp/20260305-080000000.csv', facts)
  expect(rows.map((row) => [row['__unset'], row['dept'], row['salary']])).toEqual([
    [['name', 'dept'], null, 4300],
    [['name', 'salary'], null, null],
  ])
})

test('c08: quotes, line breaks, and empty against NULL', async () => {
  const facts: TableFacts = {
    key: ['id'],
    columns: { id: 'integer', title: 'string', body: 'string' },
    settings: { AddColumnName: true, CsvNullValue: '\\N' },
  }
  const { rows, path } = await read('c08-quoting/s3//lake/app/notes/20260306-000000000.csv', facts)
  const expected = JSON.parse(await readFile(join(EXAMPLES, 'c08-quoting/case.json'), 'utf8'))
  expect(rows.map((row) => ({ id: row['id'], title: row['title'], body: row['body'] }))).toEqual(expected.expected)
  expect(path).toBe('fast')
})

describe('c09: columns come and go', () => {
  const facts: TableFacts = { key: ['id'], columns: { id: 'integer', name: 'string' } }
  test('with a header, an added column is found and a dropped one is missing', async () => {
    const added = await read('c09-ddl/with-header/s3//lake/app/items/20260307-010000000.csv', facts)
    expect(added.plan.added).toEqual([{ name: 'colour', type: 'string' }])
    const dropped = await read('c09-ddl/with-header/s3//lake/app/items/20260307-020000000.csv', {
      ...facts,
      known: { id: 'integer', name: 'string', colour: 'string' },
    })
    expect(dropped.plan.missing).toEqual(['name'])
  })
  test('with a header, one column for another may be a rename and stops', async () => {
    expect(await codeOf(read('c09-ddl/with-header/s3//lake/app/items/20260307-020000000.csv', facts))).toBe(
      'SCHEMA_MISMATCH',
    )
  })
  test('without a header, another number of fields stops', async () => {
    expect(await codeOf(read('c09-ddl/no-header/s3//lake/app/items/20260307-010000000.csv', facts))).toBe(
      'SCHEMA_MISMATCH',
    )
  })
})

test('c10: a transaction file gives each table its rows', async () => {
  const key = 'c10-transactions/s3//lake/cdc/CDC_TXN-20260308101500123.csv'
  const customers = await read(key, CUSTOMERS)
  expect(table(customers.rows, '__row', '__op', 'id', 'name', 'city', 'credit')).toEqual([
    '2|U|1|Ada Byron|London|65.50',
    '4|D|1|Ada Byron|London|65.50',
  ])
  expect(customers.rowsRead).toBe(2)
  const orders = await read(key, {
    key: ['id'],
    columns: { id: 'long', customer: 'long', amount: 'decimal(9,2)' },
    name: ['sales', 'orders'],
  })
  expect(table(orders.rows, '__row', '__op', 'id', 'amount')).toEqual(['1|I|900|55.00'])
})

test('c11: every key layout', async () => {
  const [, ...lines] = (await readFile(join(EXAMPLES, 'c11-key-layouts/keys.tsv'), 'utf8')).trimEnd().split('\n')
  for (const line of lines) {
    const [key = '', kind = '', schema, name, partition = '', ordinal = ''] = line.split('\t')
    const bucketFolder = key.startsWith('lake/') ? 'lake' : undefined
    const parsed = parseLandingKey(key, { bucketFolder, cdcPath: 'cdc', tables: ['sales.customers'] })
    const expected = kind.startsWith('load')
      ? {
          kind: 'load',
          schema,
          table: name,
          ...(partition === '' ? {} : { segment: partition }),
          ordinal: Number(ordinal),
        }
      : kind.startsWith('cdc')
        ? { kind: 'cdc', schema, table: name, name: ordinal }
        : kind.startsWith('txn')
          ? { kind: 'transactions', time: `${ordinal}000000` }
          : { kind: kind.startsWith('control') ? 'control' : 'validation' }
    expect({ key, ...parsed }).toMatchObject({ key, ...expected })
  }
  expect(lines).toHaveLength(18)
})

test('c14: type extremes in CSV and in both Parquet forms', async () => {
  const columns = {
    id: 'integer',
    i1: 'byte',
    i2: 'short',
    i8: 'long',
    u8: 'decimal(20,0)',
    dec: 'decimal(38,10)',
    r4: 'float',
    r8: 'double',
    d: 'date',
    t: 'string',
    ts: 'timestamp',
    tstz_text: 'string',
    bool_pg: 'boolean',
    bool_bit: 'boolean',
    bin: 'binary',
    uuid: 'string',
    js: 'string',
  } as const
  const csv = await read('c14-types/s3//lake/t/all_types/20260311-000000000.csv', { key: ['id'], columns })
  expect(csv.path).toBe('fast')
  expect(csv.rows[0]).toMatchObject({
    i1: -128,
    i8: -9223372036854775808n,
    u8: '18446744073709551615',
    dec: '12345678901234567890.1234567890',
    bool_pg: true,
    bin: Buffer.from('deadbeef', 'hex'),
  })
  for (const name of ['20260311-100000000', '20260311-100100000']) {
    const parquet = await read(`c14-types/s3//lake/t/all_types/${name}.parquet`, { key: ['id'] })
    expect(parquet.rejects).toEqual([])
    expect(parquet.rowsConsumed).toBeGreaterThan(0)
    expect(Object.fromEntries(parquet.plan.columns.map((column) => [column.source, column.type]))).toMatchObject({
      i1: 'byte',
      u1: 'short',
      u2: 'integer',
      u4: 'long',
      u8: 'decimal(20,0)',
      dec: 'decimal(38,10)',
      t: 'string',
      ts: 'timestamp',
      bin: 'binary',
    })
  }
})

test('c16: places of files sort by time and name', () => {
  const keys = [
    's/t/20260313-100300000.csv',
    's/t/LOAD0000000A.csv',
    's/t/20260313-1001000001.csv',
    's/t/LOAD00000009.csv',
    's/t/20260313-100100000.csv',
  ]
  expect(keys.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))).toEqual([
    's/t/LOAD00000009.csv',
    's/t/LOAD0000000A.csv',
    's/t/20260313-100100000.csv',
    's/t/20260313-1001000001.csv',
    's/t/20260313-100300000.csv',
  ])
})

test('c18: gzip is told by its first bytes', async () => {
  const { rows } = await read('c18-gzip/s3//lake/sales/customers/LOAD00000001.csv.gz', CUSTOMERS)
  expect(table(rows, 'id', 'name', 'credit')).toEqual(['1|Ada Byron|120.50'])
})
