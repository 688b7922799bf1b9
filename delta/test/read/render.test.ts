import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckdbType } from '../../src/duckdb/sql.ts'
import type { DataType } from '../../src/protocol/schema.ts'
import { csvHeader, csvSql, describeFields, ndjsonSql, readLines } from '../../src/read/render.ts'
import { schemaOf, workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

async function lines(sql: string): Promise<readonly string[]> {
  return (await Array.fromAsync(readLines(shop.engine, sql))).flat()
}

async function json(type: DataType, ...values: readonly string[]): Promise<string> {
  const { fields } = schemaOf([['v', type]])
  const found = await lines(
    ndjsonSql(values.map((value) => `SELECT CAST(${value} AS ${duckdbType(type)}) AS v`).join(' UNION ALL '), fields),
  )
  return found.map((line) => line.slice('{"v":'.length, -1)).join(' ')
}

test.each<readonly [DataType, readonly string[], string]>([
  ['integer', ['-1', 'NULL::INT'], '-1 null'],
  [
    'long',
    ['9007199254740992', '9007199254740993', '-9223372036854775808'],
    '9007199254740992 "9007199254740993" "-9223372036854775808"',
  ],
  ['decimal(10,2)', ['1.5::DECIMAL(10,2)'], '"1.50"'],
  ['double', ['0.1::DOUBLE', '1e300', "'NaN'", "'-Infinity'", '-0.0'], '0.1 1e+300 "NaN" "-Infinity" 0.0'],
  ['boolean', ['true'], 'true'],
  ['string', [`'a"b' || chr(10) || chr(0) || '😀'`, "''", 'NULL'], '"a\\"b\\n\\u0000😀" "" null'],
  ['binary', ["'\\x00\\xFF'::BLOB"], '"AP8="'],
  ['date', ["DATE '0001-01-01'", "'9999-12-31'"], '"0001-01-01" "9999-12-31"'],
  [
    'timestamp',
    ["TIMESTAMPTZ '2026-01-31 23:59:59.123456+00'", "'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'"],
    '"2026-01-31T23:59:59.123456Z" "0001-01-01T00:00:00.000000Z" "9999-12-31T23:59:59.999999Z"',
  ],
  ['timestamp_ntz', ["TIMESTAMP '2026-01-31 00:00:00'"], '"2026-01-31T00:00:00.000000"'],
  ['void', ['NULL'], 'null'],
  [
    {
      type: 'array',
      elementType: { type: 'array', elementType: 'decimal(3,1)', containsNull: true },
      containsNull: true,
    },
    ['[[1.5::DECIMAL(3,1), NULL], NULL, []]'],
    '[["1.5",null],null,[]]',
  ],
  [
    { type: 'map', keyType: 'string', valueType: schemaOf([['__proto__', 'long']]), valueContainsNull: true },
    ["MAP {'k': {'__proto__': 1}, 'n': NULL}"],
    '[{"key":"k","value":{"__proto__":1}},{"key":"n","value":null}]',
  ],
])('%j as NDJSON', async (type, values, expected) => {
  expect(await json(type, ...values)).toBe(expected)
})

test('keys stand in the order of the schema, also one called __proto__', async () => {
  const { fields } = schemaOf([
    ['b', 'integer'],
    ['__proto__', 'integer'],
    ['a"', 'integer'],
  ])
  expect(await lines(ndjsonSql('SELECT 1 AS "a""", 2 AS b, 3 AS "__proto__"', fields))).toEqual([
    '{"b":2,"__proto__":3,"a\\"":1}',
  ])
})

test('CSV quotes what RFC 4180 says and tells an empty text from NULL', async () => {
  const { fields } = schemaOf([
    ['a,b', 'string'],
    ['n', 'decimal(4,1)'],
    ['l', { type: 'array', elementType: 'string', containsNull: true }],
  ])
  expect(csvHeader(fields)).toBe('"a,b",n,l')
  expect(
    await lines(
      csvSql(
        `SELECT 'x"y' || chr(10) AS "a,b", 1.5::DECIMAL(4,1) AS n, ['p', 'q'] AS l UNION ALL SELECT '', NULL, NULL`,
        fields,
      ),
    ),
  ).toEqual(['"x""y\n",1.5,"[""p"",""q""]"', '"",,'])
})

test('any query can be rendered', async () => {
  const { relation, fields } = await describeFields(
    shop.engine,
    `SELECT 1::HUGEINT AS a, INTERVAL 1 DAY AS b, {x: 1} AS c, [1.5::DECIMAL(3,2)] AS d`,
  )
  expect(await lines(ndjsonSql(relation, fields))).toEqual([`{"a":1,"b":"1 day","c":"{'x': 1}","d":["1.50"]}`])
})
