// The example cases about how files look: headers, markers, quotes, compression, types.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectedOf, openExample } from '../support/example-case.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const CUSTOMERS = `{id: integer, name: string, city: string, credit: 'decimal(10,2)'}`
const CUSTOMER = ['id', 'name', 'city', 'credit']

test('c01: endpoint defaults, no header and no Op in the load', async () => {
  const example = await openExample(
    workplace,
    'c01-defaults',
    `dms: {DataFormat: csv, BucketFolder: lake}\ntables: {sales.customers: {key: [id], columns: ${CUSTOMERS}}}\n`,
  )
  await example.deliver()
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ files: 2, read: 6, quarantined: 0, stopped: null }])
  expect(await example.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c01-defaults'))
})

test('c02: the CSV profile to recommend, with types and without', async () => {
  const dms = `dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: dms_ts, CsvNullValue: '\\N', BucketFolder: lake}`
  for (const columns of [`, columns: ${CUSTOMERS}`, '']) {
    const example = await openExample(
      workplace,
      'c02-recommended-csv',
      `${dms}\ntables: {sales.customers: {key: [id], sequence: change_seq${columns}}}\n`,
    )
    await example.deliver()
    await example.ingest()
    expect(await example.rows('sales.customers', CUSTOMER)).toEqual(await expectedOf('c02-recommended-csv'))
  }
})

test('c07: what the source did not log keeps its value', async () => {
  const settings = `dms: {DataFormat: csv, UseCsvNoSupValue: true, CsvNoSupValue: '~NOSUP~', IncludeOpForFullLoad: true, BucketFolder: lake}
tables: {hr.emp: {key: [emp_id], columns: {emp_id: integer, name: string, dept: string, salary: integer}}}\n`
  const columns = ['emp_id', 'name', 'dept', 'salary']
  const example = await openExample(workplace, 'c07-no-supplemental', settings)
  await example.deliver()
  await example.ingest()
  expect(await example.rows('hr.emp', columns)).toEqual(await expectedOf('c07-no-supplemental'))
})

test('c08: quotes, line breaks, empty against NULL', async () => {
  const settings = `dms: {DataFormat: csv, Rfc4180: true, AddColumnName: true, CsvNullValue: '\\N', BucketFolder: lake}\ntables: {app.notes: {key: [id], columns: {id: integer, title: string, body: string}}}\n`
  const example = await openExample(workplace, 'c08-quoting', settings)
  await example.deliver()
  await example.ingest()
  expect(await example.rows('app.notes', ['id', 'title', 'body'])).toEqual(await expectedOf('c08-quoting'))
})

test('c14: the extremes of each type in CSV', async () => {
  const types = `{id: integer, i1: byte, i2: short, i8: long, u8: 'decimal(20,0)', dec: 'decimal(30,10)', r4: float, r8: double, d: date, t: string, ts: timestamp,
    tstz_text: string, bool_pg: boolean, bool_bit: boolean, bin: binary, uuid: string, js: string}`
  const example = await openExample(
    workplace,
    'c14-types',
    `dms: {DataFormat: csv, AddColumnName: true, BucketFolder: lake}\ntables: {t.all_types: {key: [id], columns: ${types}}}\n`,
  )
  await example.deliver({ keys: ['lake/t/all_types/20260311-000000000.csv'] })
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ read: 3, quarantined: 0 }])
  const columns = [
    'id',
    'i1',
    'i2',
    'i8',
    'u8',
    'dec',
    'r4',
    'd',
    't',
    'ts',
    'tstz_text',
    'bool_pg',
    'bool_bit',
    'bin',
    'uuid',
    'js',
  ]
  expect(await example.rows('t.all_types', columns)).toEqual([
    {
      id: 1,
      i1: -128,
      i2: -32768,
      i8: '-9223372036854775808',
      u8: '18446744073709551615',
      dec: '12345678901234567890.1234567890',
      r4: 1.5,
      d: '2026-03-11',
      t: '23:59:59',
      ts: '2026-03-11T23:59:59.123456Z',
      tstz_text: '2026-03-11 23:59:59.1234567 +01:00',
      bool_pg: true,
      bool_bit: true,
      bin: '3q2+7w==',
      uuid: '7b1f0c2e-9d35-4b6e-8a3f-0d3c2b1a0f9e',
      js: '{"a": [1, 2]}',
    },
    Object.fromEntries(columns.map((name) => [name, name === 'id' ? 2 : null])),
    {
      id: 3,
      i1: 0,
      i2: 0,
      i8: 0,
      u8: '0',
      dec: '0.0000000000',
      r4: 'NaN',
      d: '0001-01-01',
      t: '00:00:00',
      ts: '9999-12-31T23:59:59.999999Z',
      tstz_text: '1753-01-01 00:00:00.0000000 +00:00',
      bool_pg: false,
      bool_bit: false,
      bin: null,
      uuid: '00000000-0000-0000-0000-000000000000',
      js: 'null',
    },
  ])
})

test('c14: the extremes of each type in Parquet of both format versions', async () => {
  const settings = `dms: {DataFormat: parquet, TimestampColumnName: dms_ts, BucketFolder: lake}\ntables: {t.all_types: {key: [id], sequence: change_seq}}\n`
  const example = await openExample(workplace, 'c14-types', settings)
  await example.deliver({
    keys: ['lake/t/all_types/20260311-100000000.parquet', 'lake/t/all_types/20260311-100100000.parquet'],
  })
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ files: 2, read: 5, quarantined: 0, stopped: null }])
  const row = {
    i1: -128,
    i2: -32768,
    i8: '-9223372036854775808',
    u1: 255,
    u2: 65535,
    u4: 4294967295,
    u8: '18446744073709551615',
    dec: '1234567890123456789.1234567890',
    r4: 1.5,
    r8: 1e308,
    d: '2026-03-11',
    b: true,
    bin: '3q2+7w==',
    s: 'x',
  }
  expect(await example.rows('t.all_types', ['id', ...Object.keys(row)])).toEqual([
    { id: 1, ...row },
    { id: 3, ...row },
  ])
})

test('c18: GZIP by its magic bytes', async () => {
  const settings = `dms: {DataFormat: csv, CompressionType: GZIP, BucketFolder: lake}\ntables: {sales.customers: {key: [id], columns: ${CUSTOMERS}}}\n`
  const example = await openExample(workplace, 'c18-gzip', settings)
  await example.deliver()
  await example.ingest()
  expect(await example.rows('sales.customers', CUSTOMER)).toEqual([
    { id: 1, name: 'Ada Byron', city: 'London', credit: '120.50' },
  ])
})
