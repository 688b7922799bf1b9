import { expect, test } from 'vitest'
import type { Snapshot } from '../../src/log/snapshot.ts'
import type { DataType } from '../../src/protocol/schema.ts'
import { filesThatMayHold } from '../../src/read/skipping.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { schemaOf } from './table.ts'

function kept(
  type: DataType,
  stats: string | undefined,
  range: readonly [number | bigint | string, number | bigint | string],
): boolean {
  const file = {
    path: 'a',
    partitionValues: {},
    size: 1,
    modificationTime: 0,
    dataChange: true,
    ...(stats === undefined ? {} : { stats }),
  }
  const snapshot: Snapshot = {
    store: memoryStore(),
    version: 0,
    timestampMs: 0,
    protocol: { minReaderVersion: 1, minWriterVersion: 2 },
    metadata: {
      id: '',
      format: { provider: 'parquet', options: {} },
      schemaString: '',
      partitionColumns: [],
      configuration: {},
    },
    schema: schemaOf([['k', type]]),
    files: [file],
    tombstones: [],
    transactions: new Map(),
    domains: new Map(),
  }
  return filesThatMayHold(snapshot, [{ column: 'k', min: range[0], max: range[1] }]).length === 1
}

const stats = (min: string, max: string): string => `{"numRecords":1,"minValues":{"k":${min}},"maxValues":{"k":${max}}}`

test.each<
  readonly [
    string,
    DataType,
    string | undefined,
    readonly [number | bigint | string, number | bigint | string],
    boolean,
  ]
>([
  ['overlapping', 'long', stats('5', '9'), [9, 12], true],
  ['below', 'long', stats('5', '9'), [1, 4], false],
  ['above', 'long', stats('5', '9'), [10, 12], false],
  ['beyond 2^53', 'long', stats('9007199254740993', '9007199254740993'), [9007199254740993n, 9007199254740993n], true],
  ['without statistics', 'long', undefined, [1, 4], true],
  ['with torn statistics', 'long', '{"minValues":{"k":5', [1, 4], true],
  ['without bounds of the column', 'long', '{"numRecords":3,"minValues":{},"maxValues":{}}', [1, 4], true],
  ['with bounds of another type', 'long', stats('"x"', '"y"'), [1, 4], true],
  ['a decimal given as text', 'decimal(5,2)', stats('1.50', '2.00'), ['2.01', '9.00'], false],
  ['a text by its UTF-8 bytes', 'string', stats('"a"', '"\uFF5E"'), ['😀', '😀'], false],
  ['a text within a cut bound', 'string', stats('"a"', '"b\u007f"'), ['bcd', 'bcd'], true],
  [
    'a time in the cut millisecond',
    'timestamp',
    stats('"2026-01-01T00:00:00.000Z"', '"2026-01-01T00:00:00.123Z"'),
    ['2026-01-01T00:00:00.123999Z', '2026-01-02T00:00:00Z'],
    true,
  ],
  [
    'a time after it',
    'timestamp',
    stats('"2026-01-01T00:00:00.000Z"', '"2026-01-01T00:00:00.123Z"'),
    ['2026-01-01T00:00:00.125Z', '2026-01-02T00:00:00Z'],
    false,
  ],
  [
    'a time with an offset',
    'timestamp',
    stats('"2026-01-01T00:00:00.000-08:00"', '"2026-01-01T01:00:00.000-08:00"'),
    ['2026-01-01T07:00:00Z', '2026-01-01T07:30:00Z'],
    false,
  ],
  ['a float that statistics spell shortly', 'float', stats('0.1', '0.1'), [Math.fround(0.1), Math.fround(0.1)], true],
  ['a float below it', 'float', stats('0.7', '0.7'), [0, Math.fround(0.7)], true],
  ['a float beside it', 'float', stats('0.1', '0.1'), [0.2, 0.3], false],
  ['a date', 'date', stats('"2026-01-02"', '"2026-01-03"'), ['2026-01-04', '2026-01-05'], false],
])('a file %s', (_, type, text, range, expected) => {
  expect(kept(type, text, range)).toBe(expected)
})
