import { join } from 'node:path'
import { type DataType, duckdbType } from '@tributary/delta'
import { expect, test } from 'vitest'
import { sequenceTextSql } from '../../src/history-table/history-sql.ts'
import { checkTable } from '../../src/inspect/check.ts'
import { useEngine } from '../inspect/build-table.ts'
import { HISTORY, land, openPlace, rowsOf, TABLE, take } from './history-place.ts'

const { engine, folder } = useEngine()

const FLOATS = [
  '-inf',
  '-3e38',
  '-10',
  '-9',
  '-1.5',
  '-1e-40',
  '0',
  '1e-40',
  '0.1',
  '1.5',
  '9',
  '10',
  '3e38',
  'inf',
  'nan',
]
const TIMES = ['0001-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00.5', '2026-01-01 00:00:00.55']

// Texts of values; DuckDB sorts them, as it does for the live table.
const VALUES: readonly (readonly [DataType, readonly string[]])[] = [
  ['byte', ['-128', '-10', '-9', '0', '9', '10', '127']],
  ['short', ['-32768', '-10', '-9', '0', '9', '10', '32767']],
  ['integer', ['-2147483648', '-10', '-9', '0', '9', '10', '2147483647']],
  ['long', ['-9223372036854775808', '-10', '-9', '0', '9', '10', '9223372036854775807']],
  ['decimal(2,2)', ['-0.99', '-0.1', '0', '0.09', '0.1', '0.99']],
  ['decimal(38,10)', ['-9999999999999999999999999999.9999999999', '-10', '-9.5', '-9', '0', '0.5', '9', '10.5']],
  ['float', FLOATS],
  ['double', [...FLOATS.slice(0, -2), '1e308', 'inf', 'nan']],
  ['boolean', ['false', 'true']],
  ['date', ['0001-01-01', '1969-12-31', '2026-01-01', '9999-12-31']],
  ['timestamp', [...TIMES, '2026-01-01 00:00:01', '9999-12-31 23:59:59.999999']],
  ['timestamp_ntz', [...TIMES, '2026-01-01 00:00:01', '9999-12-31 23:59:59.999999']],
  ['string', ['A', 'a', 'ä', '\u{e000}', '\u{1d11e}']],
  ['binary', ['', '\\x00', '\\x00A', 'A', 'A\\xFF', '\\x5C', 'x', '~', '\\x80', '\\xFF']],
]

async function textsOf(type: DataType, values: readonly string[]): Promise<readonly string[]> {
  const schema = { type: 'struct' as const, fields: [{ name: 'seq', type, nullable: true, metadata: {} }] }
  const sql = sequenceTextSql({ schema, key: [], sequence: 'seq' }, 'v')
  const listed = values.map((value, n) => `(${n}, CAST('${value}' AS ${duckdbType(type)}))`)
  const rows = await engine().all(`SELECT ${sql} AS text FROM (VALUES ${listed.join(', ')}) t(n, v) ORDER BY v, n`)
  return rows.map(({ text }) => String(text))
}

test.each(VALUES)('a sequence of type %s is a text that sorts as its values do', async (type, values) => {
  const texts = await textsOf(type, values)
  expect(texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(texts)
  expect(new Set(texts).size).toBe(values.length)
})

test('floating-point numbers that are equal to the live table are one text', async () => {
  expect(await textsOf('double', ['0', '-0.0', 'nan', '-nan'])).toEqual([
    '~0000000000000000',
    '~0000000000000000',
    '~7FF8000000000000',
    '~7FF8000000000000',
  ])
  expect(await textsOf('float', ['1.5', '-1.5'])).toEqual(await textsOf('double', ['1.5', '-1.5']))
})

test('a history with a sequence of floating-point numbers leads to the table', async () => {
  const table = ', sequence: seq, columns: {id: long, name: string, seq: double}'
  const orders = await openPlace(join(folder(), 'doubles'), { table })
  const changes = ['I,1,first,9', 'U,1,second,10', 'I,2,x,9', 'D,2,x,10', 'I,3,cold,-10', 'U,3,warm,-9']
  await land(orders, '20260301-100000000.csv', changes, { header: 'Op,id,name,seq' })
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), TABLE, ['id', 'name'])).toEqual(['1 second', '3 warm'])
  expect(await rowsOf(orders, engine(), HISTORY, ['id', '__op', 'name'])).toEqual([
    '1 I first',
    '1 U second',
    '2 I x',
    '2 D x',
    '3 I cold',
    '3 U warm',
  ])
  const { lake } = orders
  const report = await checkTable(engine(), lake.tableStore(TABLE), { history: lake.tableStore(HISTORY) })
  expect(report.findings).toEqual([])
})

test.each([
  ['integer', 'long', ['-2147483648', '-10', '-9', '9', '10'], ['-2147483649', '2147483648']],
  ['short', 'decimal(22,2)', ['-32768', '-9', '0', '9', '10'], ['-32768.01', '-8.5', '9.5']],
  ['decimal(4,1)', 'decimal(8,3)', ['-999.9', '-0.5', '0', '0.5', '10'], ['-1000', '0.499', '0.501', '9']],
  ['integer', 'double', ['-10', '-9', '0', '9', '10'], ['-9.5', '9.5', '1e10']],
  ['float', 'double', ['-10', '-9', '0', '9', '10'], ['-9.5', '9.5', '1e10']],
])('where a sequence of type %s becomes %s, its texts go on among the others', async (from, to, before, later) => {
  const name = `${from} as ${to}`
  const columns = (type: string) => ({ table: `, sequence: seq, columns: {id: long, name: string, seq: '${type}'}` })
  const changes = (seqs: readonly string[]): readonly string[] => seqs.map((seq) => `U,1,n,${seq}`)
  const header = { header: 'Op,id,name,seq' }
  const first = await openPlace(join(folder(), name), columns(from))
  await land(first, '20260301-100000000.csv', changes(before), header)
  await take(first, engine())
  const second = await openPlace(join(folder(), name), columns(to))
  await land(second, '20260301-110000000.csv', changes(later), header)
  await take(second, engine())
  const told = await rowsOf(second, engine(), HISTORY, ['seq'])
  expect(told.map(Number)).toEqual([...before, ...later].map(Number).toSorted((a, b) => a - b))
})
