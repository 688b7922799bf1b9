import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { readRows } from '../../src/read/rows.ts'
import { add } from '../log/log-builder.ts'
import { column, foreignTable, linesOf, tableActions } from './foreign-table.ts'
import { workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const features = ['variantType', 'variantShredding']
const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features }

test('variants read as JSON: marked as such in the file, shredded, and as a bare struct of bytes', async () => {
  const store = await foreignTable(
    shop.engine,
    join(shop.folder, 'variants'),
    [
      [
        ...tableActions(
          [column('v', 'variant'), column('l', { type: 'array', elementType: 'variant', containsNull: true })],
          { protocol },
        ),
        add('marked.parquet'),
        add('shredded.parquet'),
        add('bare.parquet'),
      ],
    ],
    {
      'marked.parquet': `SELECT {'a': 1.50::DECIMAL(4,2), 'at': TIMESTAMPTZ '2026-01-02 03:04:05+00'}::VARIANT AS v`,
      'shredded.parquet': {
        query: `SELECT {'n': 9007199254740993}::VARIANT AS v`,
        options: `, SHREDDING {v: 'STRUCT(n BIGINT)'}`,
      },
      'bare.parquet': `SELECT {'value': '\\x05s'::BLOB, 'metadata': '\\x01\\x00\\x00'::BLOB} AS v, [NULL, {'value': '\\x00'::BLOB, 'metadata': '\\x01\\x00\\x00'::BLOB}] AS l`,
    },
  )
  expect(await linesOf(shop.engine, store)).toEqual([
    '{"v":"s","l":[null,null]}',
    '{"v":{"a":1.50,"at":"2026-01-02T03:04:05.000000Z"},"l":null}',
    '{"v":{"n":9007199254740993},"l":null}',
  ])
  const rows = await Array.fromAsync(readRows(shop.engine, await readSnapshot(store)))
  expect(rows.map(({ v }) => v).sort()).toEqual([
    '"s"',
    '{"a":1.50,"at":"2026-01-02T03:04:05.000000Z"}',
    '{"n":9007199254740993}',
  ])
})
