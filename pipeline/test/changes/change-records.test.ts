import { readLines, readSnapshot, type Snapshot, type StructField } from '@tributary/delta'
import { beforeAll, expect, test } from 'vitest'
import { changeRecordsSql } from '../../src/changes/change-records.ts'
import { ordersTable, useEngine } from '../inspect/build-table.ts'

const { engine, folder } = useEngine()

const field = (name: string, type: StructField['type']): StructField => ({ name, type, nullable: true, metadata: {} })
const FIELDS = [
  field('id', 'long'),
  field('m', { type: 'map', keyType: 'string', valueType: 'integer', valueContainsNull: true }),
  field('l', { type: 'array', elementType: 'integer', containsNull: true }),
  field('s', { type: 'struct', fields: [field('x', 'string')] }),
  field('d', 'double'),
  field('v', 'variant'),
  field('he said "x"', 'binary'),
]
const ROW = `9007199254740993::BIGINT AS id, MAP {'a': 1} AS m, [1, NULL]::INTEGER[] AS l, {'x': NULL::VARCHAR} AS s,
  'NaN'::DOUBLE AS d, '[1]'::JSON::VARIANT AS v, 'ab'::BLOB AS "he said ""x"""`
const OTHER = `9007199254740993::BIGINT AS id, MAP {'a': 2} AS m, [1, 2]::INTEGER[] AS l, {'x': 'y'} AS s,
  1e400::DOUBLE AS d, '[2]'::JSON::VARIANT AS v, 'ac'::BLOB AS "he said ""x"""`

// Whoever writes to a table may write this too.
const SOURCE_TIME = `2026-01-01'"\\`

let newest: Snapshot
beforeAll(async () => {
  newest = await readSnapshot(await ordersTable(engine(), folder(), [{ put: [{ id: 1 }] }]))
})

async function updateOf(before: string, after: string): Promise<unknown> {
  const columns = FIELDS.map(({ name }) => `"${name.replaceAll('"', '""')}"`)
  const sql = `SELECT a.*, 'update' AS _change_type, 7::BIGINT AS _commit_version, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS _commit_timestamp,
    struct_pack(${columns.map((name) => `${name} := b.${name}`).join(', ')}) AS __before, 0 AS __group FROM (SELECT ${after}) a, (SELECT ${before}) b`
  const lines = await Array.fromAsync(
    readLines(
      engine(),
      changeRecordsSql({ sql, fields: FIELDS }, { key: ['ID'], newest, sourceTimes: new Map([[7, SOURCE_TIME]]) }),
    ),
  )
  return JSON.parse(lines.flat()[0] ?? '')
}

test('values of every kind are compared as they are, and only those that differ are told', async () => {
  expect(await updateOf(ROW, ROW)).toMatchObject({
    key: { id: '9007199254740993' },
    source_at: SOURCE_TIME,
    changed: [],
    before: {},
    after: {},
  })
  expect(await updateOf(ROW, OTHER)).toMatchObject({
    changed: ['m', 'l', 's', 'd', 'v', 'he said "x"'],
    before: { m: [{ key: 'a', value: 1 }], l: [1, null], s: { x: null }, d: 'NaN', v: [1], 'he said "x"': 'YWI=' },
    after: { m: [{ key: 'a', value: 2 }], l: [1, 2], s: { x: 'y' }, d: 'Infinity', v: [2], 'he said "x"': 'YWM=' },
  })
})
