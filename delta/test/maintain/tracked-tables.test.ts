import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { commitInfoOf } from '../../src/log/read-commit.ts'
import { scanSql } from '../../src/read/scan.ts'
import type { Table } from '../../src/table.ts'
import { schemaOf } from '../read/table.ts'
import { lastActions, rowsOf, type TablePlace, tablePlace } from '../write/support.ts'

let place: TablePlace
let engine: Engine
beforeAll(async () => {
  place = await tablePlace()
  engine = await openEngine({ threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await place.close()
})

const ROWS = schemaOf([
  ['id', 'long'],
  ['v', 'string'],
])

/** The row id of each `id`: materialized, or counted from the first of its file. */
async function rowIdsOf(table: Table): Promise<Readonly<Record<string, number>>> {
  const snapshot = await table.snapshot()
  const name = snapshot.metadata.configuration['delta.rowTracking.materializedRowIdColumnName'] ?? ''
  const bases = new Map(snapshot.files.map((file) => [file.path, file.baseRowId ?? Number.NaN]))
  const fork = await engine.fork()
  const extraColumns = [{ name, type: 'long' as const }]
  const rows = await fork.all(`SELECT * FROM (${await scanSql(fork, snapshot, { extraColumns, withPlace: true })})`)
  await fork.close()
  return Object.fromEntries(
    rows.map((row) => [
      String(row['id']),
      Number(row[name] ?? (bases.get(String(row['__path'])) ?? Number.NaN) + Number(row['__position'])),
    ]),
  )
}

test.each([
  ['packed', {}],
  ['clustered', { columns: ['v'] }],
])('rows keep their ids when they are %s, and new ones get ids of their own', async (_, options) => {
  const table = await place.fresh(ROWS, { configuration: { 'delta.enableRowTracking': 'true' }, deletionVectors: true })
  for (const id of [1, 2, 3, 4]) await table.append([{ id, v: `v${(id * 3) % 4}` }])
  await table.delete({ kind: '=', column: 'id', value: 3 })
  const before = await rowIdsOf(table)
  expect(before).toEqual({ 1: 0, 2: 1, 4: 3 })
  expect((await table.optimize(options)).filesAdded).toBe(1)
  expect(await rowIdsOf(table)).toEqual(before)
  expect(commitInfoOf(await lastActions(table))?.tags).toEqual({ 'delta.rowTracking.preserved': 'true' })
  await table.append([{ id: 5, v: 'v' }])
  expect((await rowIdsOf(table))[5]).toBeGreaterThan(3)
})

test('a clustered table sorts by its own columns, says so in its files, and keeps what is sorted', async () => {
  const table = await place.fresh(ROWS, { clusterBy: ['v'], deletionVectors: true })
  await table.append([
    { id: 1, v: 'b' },
    { id: 2, v: 'a' },
  ])
  await table.append([{ id: 3, v: 'A' }])
  expect(await table.optimize()).toMatchObject({ filesRemoved: 2, filesAdded: 1 })
  const { files, domains } = await table.snapshot()
  expect(files.map(({ clusteringProvider }) => clusteringProvider)).toEqual(['tributary'])
  expect(domains.get('delta.clustering')).toContain('clusteringColumns')
  expect(await table.optimize()).toMatchObject({ versions: [] })
  expect(
    (await table.snapshot().then((snapshot) => Array.fromAsync(snapshot.scan()))).flatMap(({ values }) => values[1]),
  ).toEqual(['A', 'a', 'b'])
})

test('mapped columns are packed under their physical names, renamed ones too', async () => {
  const table = await place.fresh(ROWS, { configuration: { 'delta.columnMapping.mode': 'name' } })
  await table.append([{ id: 1, v: 'a' }])
  await table.renameColumn('v', 'w')
  await table.append([{ id: 2, w: 'b' }])
  const before = await rowsOf(table)
  expect(await table.optimize()).toMatchObject({ filesRemoved: 2, filesAdded: 1 })
  expect(await rowsOf(table)).toEqual(before)
  expect(before).toEqual([
    { id: 1n, w: 'a' },
    { id: 2n, w: 'b' },
  ])
})

test('a restore across row tracking goes on with the ids, and gives restored files theirs', async () => {
  const table = await place.fresh(ROWS)
  await table.append([{ id: 1, v: 'a' }])
  await table.delete({ kind: '=', column: 'id', value: 1 })
  await table.setProperties({ 'delta.enableRowTracking': 'true' })
  await table.append([{ id: 2, v: 'b' }])
  await table.restore({ version: 1 })
  const { files, metadata } = await table.snapshot()
  expect(metadata.configuration['delta.enableRowTracking']).toBe('true')
  expect(files.map(({ baseRowId }) => baseRowId)).toEqual([1])
  expect(await rowIdsOf(table)).toEqual({ 1: 1 })
})

test('a column called rowid is clustered like any other', async () => {
  const table = await place.fresh(
    schemaOf([
      ['rowid', 'long'],
      ['v', 'string'],
    ]),
    { deletionVectors: true },
  )
  await table.append([
    { rowid: 2, v: 'a' },
    { rowid: 0, v: 'c' },
    { rowid: 70, v: 'b' },
  ])
  await table.append([{ rowid: 1, v: 'd' }])
  await table.optimize({ columns: ['v'] })
  const rows = (await Array.fromAsync((await table.snapshot()).scan())).flatMap(({ values }) => values[0] ?? [])
  expect(rows).toEqual([2n, 70n, 0n, 1n])
})
