import { openEngine, quoteText } from '@tributary/delta'
import { expect, test } from 'vitest'
import { type ColumnType, parseColumnType } from '../../src/config/table-settings.ts'
import { castType, usualSql, valueSql } from '../../src/dms/value-sql.ts'

const REFUSED = '(refused)'

async function values(type: ColumnType, texts: readonly string[]): Promise<Record<string, string>> {
  const engine = await openEngine()
  try {
    const { value } = valueSql('t', type)
    const rows = await engine.all(
      `SELECT t, CAST(${value} AS VARCHAR) AS v FROM (VALUES ${texts.map((text) => `(${quoteText(text)})`).join(', ')}) x(t)`,
    )
    return Object.fromEntries(rows.map((row) => [String(row['t']), row['v'] === null ? REFUSED : String(row['v'])]))
  } finally {
    await engine.close()
  }
}

test('an integer is a sign and digits within its range, nothing that DuckDB would round or guess', async () => {
  expect(await values('integer', ['1', '-2', '+3', '007', '-0', '2147483647'])).toEqual({
    1: '1',
    '-2': '-2',
    '+3': '3',
    '007': '7',
    '-0': '0',
    2147483647: '2147483647',
  })
  const bad = ['1.7', '1.0', '0x10', '1e3', ' 1', '1 ', '1_000', '', '-', '2147483648', 'true', '１', '1\n', '1\u0000']
  expect(Object.values(await values('integer', bad))).toEqual(bad.map(() => REFUSED))
  expect(await values('long', ['9223372036854775807', '-9223372036854775808', '9223372036854775808'])).toEqual({
    '9223372036854775807': '9223372036854775807',
    '-9223372036854775808': '-9223372036854775808',
    '9223372036854775808': REFUSED,
  })
  expect(await values('byte', ['-128', '128'])).toEqual({ '-128': '-128', 128: REFUSED })
})

test('a decimal keeps every digit: further zeros are allowed, rounding is not', async () => {
  expect(
    await values('decimal(10,2)', ['1', '1.5', '1.50', '1.5000', '+1.5', '-0.00', '00.10', `1.5${'0'.repeat(60)}`]),
  ).toEqual({
    1: '1.00',
    1.5: '1.50',
    '1.50': '1.50',
    '1.5000': '1.50',
    '+1.5': '1.50',
    '-0.00': '0.00',
    '00.10': '0.10',
    [`1.5${'0'.repeat(60)}`]: '1.50',
  })
  const bad = ['1.005', '1.501', '1e2', ' 1.50', '1_0.00', '100000000.00', '.', '1.', '.5', '1,5', 'NaN', '']
  expect(Object.values(await values('decimal(10,2)', bad))).toEqual(bad.map(() => REFUSED))
  expect(await values('decimal(38,0)', ['99999999999999999999999999999999999999', '12.0', '12.5'])).toEqual({
    '99999999999999999999999999999999999999': '99999999999999999999999999999999999999',
    '12.0': '12',
    '12.5': REFUSED,
  })
})

test('a floating point number may have an exponent, be NaN or infinite, and must be in range', async () => {
  expect(
    await values('double', [
      '1',
      '1.5',
      '-1.5E10',
      '1e-3',
      '1.7976931348623157e+308',
      '-0.0',
      'NaN',
      'Infinity',
      '-inf',
      '+inf',
      '1e-400',
    ]),
  ).toEqual({
    1: '1.0',
    1.5: '1.5',
    '-1.5E10': '-15000000000.0',
    '1e-3': '0.001',
    '1.7976931348623157e+308': '1.7976931348623157e+308',
    '-0.0': '-0.0',
    NaN: 'nan',
    Infinity: 'inf',
    '-inf': '-inf',
    '+inf': 'inf',
    '1e-400': '0.0',
  })
  const bad = ['1e309', '1_000', ' 1', '0x10', '.5', '5.', '1d', '', 'in', 'infinite', '1,5']
  expect(Object.values(await values('double', bad))).toEqual(bad.map(() => REFUSED))
  expect(await values('float', ['1.5', '1.7976931348623157e+308'])).toEqual({
    1.5: '1.5',
    '1.7976931348623157e+308': REFUSED,
  })
})

test('a date is yyyy-MM-dd of the calendar', async () => {
  expect(await values('date', ['2026-03-11', '0001-01-01', '9999-12-31', '2024-02-29'])).toEqual({
    '2026-03-11': '2026-03-11',
    '0001-01-01': '0001-01-01',
    '9999-12-31': '9999-12-31',
    '2024-02-29': '2024-02-29',
  })
  const bad = [
    '2026-02-29',
    '2026-1-1',
    '2026/01/01',
    'epoch',
    'infinity',
    '-infinity',
    '0000-01-01',
    '10000-01-01',
    '2026-01-01 00:00:00',
    '2026-13-01',
    '',
    ' 2026-01-01',
  ]
  expect(Object.values(await values('date', bad))).toEqual(bad.map(() => REFUSED))
})

test('a timestamp is yyyy-MM-dd HH:mm:ss with any fraction, read as UTC and cut to microseconds', async () => {
  const texts = [
    '2026-01-01 00:00:00',
    '2026-01-01 23:59:59.1',
    '2026-01-01 00:00:00.120000',
    '2026-01-01 00:00:00.1234569',
    '2026-01-01 00:00:00.123456789123',
    '0001-01-01 00:00:00',
    '9999-12-31 23:59:59.9999999',
  ]
  expect(Object.values(await values('timestamp', texts))).toEqual([
    '2026-01-01 00:00:00+00',
    '2026-01-01 23:59:59.1+00',
    '2026-01-01 00:00:00.12+00',
    '2026-01-01 00:00:00.123456+00',
    '2026-01-01 00:00:00.123456+00',
    '0001-01-01 00:00:00+00',
    '9999-12-31 23:59:59.999999+00',
  ])
  const bad = [
    '2026-01-01 24:00:00',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '2026-01-01 00:00',
    '2026-01-01 00:00:60',
    '2026-02-30 00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01 00:00:00+01',
    '2026-01-01 00:00:00.',
    '0000-01-01 00:00:00',
    'epoch',
    'infinity',
    '2026-1-1 00:00:00',
    '2026-01-01  00:00:00',
  ]
  expect(Object.values(await values('timestamp', bad))).toEqual(bad.map(() => REFUSED))
})

test('a boolean is true, false, t, f, 1, 0, Y or N', async () => {
  expect(await values('boolean', ['true', 'false', 't', 'f', '1', '0', 'Y', 'N'])).toEqual({
    true: 'true',
    false: 'false',
    t: 'true',
    f: 'false',
    1: 'true',
    0: 'false',
    Y: 'true',
    N: 'false',
  })
  const bad = ['yes', 'no', 'on', '2', '', ' true', 'TRUE ']
  expect(Object.values(await values('boolean', bad))).toEqual(bad.map(() => REFUSED))
})

test('binary is whole bytes in hexadecimal, with or without 0x', async () => {
  expect(await values('binary', ['DEADBEEF', '0xdeadbeef', '0X', '00'])).toEqual({
    DEADBEEF: '\\xDE\\xAD\\xBE\\xEF',
    '0xdeadbeef': '\\xDE\\xAD\\xBE\\xEF',
    '0X': '',
    '00': '\\x00',
  })
  const bad = ['abc', 'zz', '0xa', '0x0x00', ' 00']
  expect(Object.values(await values('binary', bad))).toEqual(bad.map(() => REFUSED))
})

test('only digits that are not zero count as cut', async () => {
  const engine = await openEngine()
  try {
    const { isCut = 'NULL' } = valueSql('t', 'timestamp')
    const rows = await engine.all(
      `SELECT ${isCut} AS cut FROM (VALUES ('2026-01-01 00:00:00.1234567'), ('2026-01-01 00:00:00.1234560'), ('2026-01-01 00:00:00.123456'), ('2026-01-01 00:00:00.123456001')) x(t)`,
    )
    expect(rows.map((row) => row['cut'])).toEqual([true, false, false, true])
  } finally {
    await engine.close()
  }
})

const HOSTILE: Readonly<Record<string, readonly string[]>> = {
  integer: ['1', '-7', '+1', '007', '1.0', '1e3', ' 1', '1 ', '0x10', '1_000', '', '-0', '2147483648'],
  'decimal(6,2)': ['1.50', '-1.50', '1.5', '1', '+1.50', '.50', '1.', '1e1', '1_0.00', '1.505', '1.500', ' 1.50', ''],
  'decimal(2,2)': ['0.12', '.12', '-.12', '-0.12', '0', '0.1', '1.00', '0.125'],
  double: ['1.5', '1e5', '.5', '5.', 'inf', 'nan', '1_0', '0x10', ' 1', '1.50', '-0.0'],
  boolean: ['true', 'false', '1', '0', 'T', 'Y', 'n', 'TRUE', 'yes', '2', '', ' true'],
  date: ['2024-01-31', '2024-1-31', 'infinity', 'epoch', '10000-01-01', '2024-02-30', '0001-01-01', '0000-01-01'],
  timestamp: [
    '2024-01-01 10:00:00',
    '2024-01-01 10:00:00.120000',
    '2024-01-01 10:00:00.123456',
    '2024-01-01 10:00:00.1234567',
    '2024-01-01 10:00:00.123+00',
    '2024-01-01 10:00:00.12345Z',
    '2024-01-01 10:00:00.1234  ',
    '2024-01-01T10:00:00',
    '2024-01-01 24:00:00',
    '10000-01-01 00:00:11',
    '0001-01-01 00:00:00',
    '0000-01-01 00:00:00',
    'infinity',
    '-infinity',
    'epoch',
    '',
  ],
}

test.each(Object.keys(HOSTILE))(
  'the usual form of %s takes no text that the full form refuses, and reads the same value',
  async (name) => {
    const type = parseColumnType(name)
    const texts = HOSTILE[name] ?? []
    const usual = type === undefined ? undefined : usualSql('t', type, 'k')
    if (type === undefined || usual === undefined) throw new Error(`${name} has no usual form`)
    const engine = await openEngine()
    try {
      const cast = castType(type)
      const rows =
        await engine.all(`SELECT t, CAST(${usual.value} AS VARCHAR) AS v, coalesce(${usual.isOdd}, false) AS odd,
        coalesce(${valueSql('t', type, 'k').isCut ?? 'false'}, false) AS cut
      FROM (SELECT t${cast === undefined ? '' : `, TRY_CAST(t AS ${cast}) AS k`} FROM (VALUES ${texts.map((text) => `(${quoteText(text)})`).join(', ')}) x(t))`)
      const taken = rows.filter((row) => row['odd'] !== true)
      expect(taken.length).toBeGreaterThan(0)
      // Digits that are lost must be counted, and the usual form counts none.
      expect(taken.filter((row) => row['cut'] === true)).toEqual([])
      const full = await values(type, texts)
      expect(Object.fromEntries(taken.map((row) => [String(row['t']), String(row['v'])]))).toEqual(
        Object.fromEntries(taken.map((row) => [String(row['t']), full[String(row['t'])]])),
      )
    } finally {
      await engine.close()
    }
  },
)
