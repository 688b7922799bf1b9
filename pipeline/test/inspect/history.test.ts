import { join } from 'node:path'
import { commit, encodeSchema, type Metadata, readSnapshot, systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { readHistory } from '../../src/inspect/history.ts'
import { showTable, typeText } from '../../src/inspect/show.ts'
import { ORDERS, ordersTable, useEngine } from './build-table.ts'

const { engine, folder } = useEngine()

test('history has one entry a commit, the newest first', async () => {
  const store = await ordersTable(engine(), join(folder(), 'orders'), [
    { put: [{ id: 1 }, { id: 2 }], at: '2026-01-01T00:00:00Z' },
    { put: [{ id: 1 }], at: '2026-01-01T00:01:00Z', sourceAt: '2013-01-01T00:00:00Z', file: 'shop/orders/c.csv' },
  ])
  const [newest, first, ...others] = await readHistory(store)
  expect(others).toEqual([])
  expect(first?.version).toBe(0)
  expect(newest).toMatchObject({
    version: 1,
    timestamp: '2026-01-01T00:01:00.000Z',
    operation: 'UPSERT',
    filesAdded: 1,
    filesRemoved: 0,
    batch: 2,
    generation: 1,
    sourceFiles: ['shop/orders/c.csv'],
    sourceFileCount: 1,
    sourceAt: '2013-01-01T00:00:00Z',
    schemaChanged: false,
  })
  expect((await readHistory(store, { limit: 1 })).map(({ version }) => version)).toEqual([1])
})

test('a commit changes the schema when its columns are others, not when it only sets a property or writes them in another way', async () => {
  const store = await ordersTable(engine(), join(folder(), 'altered'), [{ put: [{ id: 1 }] }])
  const alter = async (change: (metadata: Metadata) => Metadata): Promise<void> => {
    const { version, metadata } = await readSnapshot(store)
    await commit(store, systemClock, {
      readVersion: version,
      actions: [{ metaData: change(metadata) }],
      info: { operation: 'SET', operationParameters: {}, operationMetrics: {}, isBlindAppend: false },
    })
  }
  const property = (value: string) => (metadata: Metadata) => ({
    ...metadata,
    configuration: { ...metadata.configuration, 'delta.parquet.format.version': value },
  })
  await alter(property('2.12.0'))
  const others = { type: 'struct', fields: ORDERS.fields.map(({ name, ...rest }) => ({ ...rest, name })) }
  await alter((metadata) => ({ ...property('1.0.0')(metadata), schemaString: JSON.stringify(others, null, 2) }))
  const fields = [...ORDERS.fields, { name: 'city', type: 'string', nullable: true, metadata: {} } as const]
  await alter((metadata) => ({ ...metadata, schemaString: encodeSchema({ ...ORDERS, fields }) }))
  const changed = async (limit: number): Promise<readonly boolean[]> =>
    (await readHistory(store, { limit })).map(({ schemaChanged }) => schemaChanged)
  expect(await changed(4)).toEqual([true, false, false, false])
  // The metadata before lies before the oldest commit that is shown.
  expect(await changed(1)).toEqual([true])
  expect(await changed(2)).toEqual([true, false])
})

test('show tells columns, key, size and how to read the table elsewhere', async () => {
  const store = await ordersTable(engine(), join(folder(), 'shown'), [{ put: [{ id: 1 }, { id: 2 }] }, { drop: [1] }])
  const shown = await showTable({ name: 'shop.orders', store })
  expect(shown.columns.map(({ name, type }) => `${name}: ${type}`)).toEqual([
    'order_id: long',
    'amount: decimal(12,2)',
    'note: string',
  ])
  expect(shown.pipeline?.key).toEqual(['order_id'])
  expect(shown.size).toMatchObject({ rows: 1, files: 1, deletedRows: 1, deletedShare: 0.5 })
  expect(shown.protocol.readerFeatures).toEqual(['deletionVectors'])
  expect(shown.snippets.duckdb).toContain('delta_scan')
  expect((await showTable({ name: 'shop.orders', store }, { version: 0 })).size.rows).toBe(2)
})

test('a nested type is one line', () => {
  const inner = { type: 'array', elementType: 'long', containsNull: true } as const
  expect(typeText({ type: 'struct', fields: [{ name: 'a', type: inner, nullable: true, metadata: {} }] })).toBe(
    'struct<a: array<long>>',
  )
})
