import type { Explanation } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { explanationText } from '../src/verbs/explain.ts'

const BATCH: Explanation = {
  schema: 'tributary.explain/1',
  table: 'shop.orders',
  version: 121,
  timestamp: '2026-03-01T10:00:00.000Z',
  operation: 'UPSERT',
  sourceFiles: 3,
  changes: { inserted: 10, updated: 1456, deleted: 0 },
  took: { readMs: 240, findMs: 700, writeMs: 80 },
  find: { filesLive: 41, filesLeft: 6, by: 'key index' },
  write: {
    filesAdded: 1,
    rowsAdded: 1466,
    rowBytes: 102_400,
    filesRemoved: 0,
    removedBytes: 0,
    vectors: 4,
    vectorBytes: 12_000,
    logBytes: 9100,
  },
  touched: [{ path: 'part-1.parquet', rows: 20_000, newlyDead: 1400, dead: 2000 }],
  slowerThan: { share: 0.8, of: 50 },
  upkeep: {
    version: 121,
    by: 'ingest',
    orderBy: ['shop', 'order_id'],
    pieces: [],
    tiers: [
      { files: 2, filesDue: 8, rowsFrom: 64, rowsBelow: 512 },
      { files: 5, filesDue: 8, rowsFrom: 512, rowsBelow: 4096 },
    ],
    deadShareMax: 0.1,
    deadShareDue: 0.2,
    vectorCostMax: 0.25,
    vectorCostDue: 1,
    deadRowsDue: 1000,
    filesTooLarge: 0,
  },
}

test('a batch is told step by step, and upkeep by what it waits for', () => {
  expect(explanationText(BATCH)).toBe(
    [
      'v121 UPSERT took 1.0 s: 1 466 rows from 3 files, +10 ~1 456 -0.',
      ' read     0.2 s  the change files',
      ' find     0.7 s  41 files → 6 by statistics: asked of the key index',
      ' write    80 ms  1 466 rows in 1 file (102 kB), 4 deletion vectors (12 kB), 9.1 kB of log',
      '   -1 400 in part-1.parquet, 10 % of its rows by now',
      'Slower than 80 % of the 50 batches before it.',
      'Upkeep: nothing to do (5 of 8 files of 512 to 4 095 rows; at most 10 % of a file is deleted, 20 % are rewritten; deletion vectors have come to 0.25 of what it takes to rewrite their file, which is done at 1.00).',
      '',
    ].join('\n'),
  )
})

test('a file of which much is deleted and that stays is told with the rule that it stays by', () => {
  const text = (upkeep: Partial<Explanation['upkeep']>): string | undefined =>
    explanationText({ ...BATCH, upkeep: { ...BATCH.upkeep, tiers: [], ...upkeep } })
      .split('\n')
      .at(-2)
  const rule = 'for fewer than 1 000 deleted rows none is rewritten'
  expect(text({ deadShareMax: 0.67, vectorCostMax: 0 })).toBe(
    `Upkeep: nothing to do (at most 67 % of a file is deleted, 20 % are rewritten; ${rule}).`,
  )
  expect(text({ deadShareMax: 0.1, vectorCostMax: 1.5 })).toBe(
    `Upkeep: nothing to do (at most 10 % of a file is deleted, 20 % are rewritten; deletion vectors have come to 1.50 of what it takes to rewrite their file, which is done at 1.00; ${rule}).`,
  )
})

test('what upkeep would do comes with the way to have it now', () => {
  const pieces = [
    { why: 'small files', rows: 'sorted', files: 8, bytes: 4000, deadRows: 0 },
    { why: 'dead rows', rows: 'kept', files: 1, bytes: 62_000_000, deadRows: 150_000 },
    { why: 'dead rows', rows: 'sorted', files: 2, bytes: 90_000_000, deadRows: 270_000 },
  ]
  const upkeepOf = (upkeep: Partial<Explanation['upkeep']>): readonly string[] =>
    explanationText({ ...BATCH, upkeep: { ...BATCH.upkeep, pieces, ...upkeep } })
      .trimEnd()
      .split('\n')
      .slice(6)
  const due = [
    'Upkeep: 8 small files of about one size, 4 kB, become one, sorted by shop, order_id.',
    'Upkeep: 1 file loses 150 000 deleted rows, 62 MB to rewrite.',
    'Upkeep: 2 files lose 270 000 deleted rows, 90 MB to rewrite, sorted by shop, order_id.',
  ]
  expect(upkeepOf({})).toEqual([...due, 'The next ingest does it; now:', '→ tributary optimize shop.orders'])
  expect(upkeepOf({ by: 'off' })).toEqual([
    ...due,
    'It is off in tributary.yaml.',
    '→ tributary optimize shop.orders --dry-run',
  ])
  expect(upkeepOf({ by: 'foreign', pieces: [], filesTooLarge: 2 })).toEqual([
    'Upkeep: 2 files with many deleted rows are too large to be rewritten beside batches.',
    'Tributary does not feed this table.',
    '→ tributary optimize shop.orders --dry-run',
  ])
})

test('a commit of another program is told by what it wrote', () => {
  const text = explanationText({
    ...BATCH,
    operation: 'MERGE',
    changes: null,
    took: null,
    find: null,
    touched: [],
    slowerThan: null,
  })
  expect(text.split('\n').slice(0, 2)).toEqual([
    'v121 MERGE.',
    ' write           1 466 rows in 1 file (102 kB), 4 deletion vectors (12 kB), 9.1 kB of log',
  ])
})
