import { TributaryError } from '@tributary/delta'
import { expect, test } from 'vitest'
import { rowGroupRows } from '../../src/datasets/publish.ts'
import { parametersOf, withUntil } from '../../src/datasets/spine-text.ts'
import { parseDefinition } from '../../src/index.ts'

const SPINE = `dataset: d
spine: {sql: 'FROM s.t', key: [id], at: at}
`

function messageOf(text: string): string {
  try {
    parseDefinition(text, 'd.yml')
    return 'no error'
  } catch (error) {
    return error instanceof TributaryError ? error.message : String(error)
  }
}

test.each([
  [
    'features:\n  - asof: {table: s.t, on: [id], selct: [a]}\n',
    'd.yml, line 4: selct is not a setting of features.0.asof. Correct the name or leave it out.',
  ],
  [
    'split: {by: hash, salt: s, train: 0.7, test: 0.2}\n',
    'd.yml, line 3: the shares of split add up to 0.9. Make it 1.',
  ],
  [
    'split: {by: time, train: "< 2026-02-01", test: "< 2026-01-01"}\n',
    'd.yml, line 3: split.test ends before the part above it. Put the parts in order of time.',
  ],
  ['sample: {negatives: 0.5}\n', 'd.yml, line 3: sample.negatives needs spine.label. Name the label column.'],
  [
    'features:\n  - asof: {table: s.t, on: [id], select: [a]}\n  - asof: {table: s.t, on: [id], select: [a]}\n',
    'd.yml, line 5: two features give the column t_a, or it is reserved. Set another name with as.',
  ],
  [
    'features:\n  - window: {table: s.t, on: [id], time: t, over: 3h, agg: {m: mode(a)}}\n',
    'd.yml, line 4: features.0.window.agg.m: "mode(a)" is no aggregate. It must be count, count(c), sum(c), avg(c), var(c), sd(c), min(c), max(c), last(c), median(c) or quantile(c, 0.9). Correct the value.',
  ],
  [
    'split: {by: hash, salt: s, train: 0.7, test: 0.3}\nguards: {min_rows: {val: 10}}\n',
    'd.yml, line 4: there is no part val. There are train, test.',
  ],
  [
    'export: {for: [sagemaker-xgboost]}\n',
    'd.yml, line 3: a dataset is written for a program once it is built. Leave out for, and run `tributary dataset export NAME --for sagemaker-xgboost`.',
  ],
  [
    'export: {row_group_mb: 16, row_group_rows: 5000}\n',
    'd.yml, line 3: row_group_rows and row_group_mb both say how large row groups are. Leave out one.',
  ],
  [
    'export: {order: time}\n',
    'd.yml, line 3: export.order: is always hash(key): shuffled as far as a model can tell, and the same each time. Correct the value.',
  ],
])('a fault is told with its line and the remedy: %s', (text, message) => {
  expect(messageOf(SPINE + text)).toBe(message)
})

test(':until stands for a time, but not in texts, names, comments and casts', () => {
  const sql = `SELECT ':until', ":until", a::until -- :until
 FROM t WHERE x < :until /* :until */`
  expect(withUntil(sql, 0)).toBe(sql.replace('x < :until', "x < (TIMESTAMPTZ '1970-01-01T00:00:00.000Z')"))
  expect(parametersOf('a = :until AND b = :as_of')).toEqual(['until', 'as_of'])
})

test('every setting of the manual is one', () => {
  const { stats, shards } = parseDefinition(
    `${SPINE}stats: {reference: d@latest, bins: 10, alpha: 0.05}
export: {format: parquet, shards: auto, shard_mb: 64, row_group_mb: 16, order: hash(key)}
`,
    'd.yml',
  )
  expect(stats).toEqual({ reference: 'd@latest', bins: 10, alpha: 0.05 })
  expect(shards).toEqual({ count: undefined, sizeMb: 64, rowGroup: { sizeMb: 16 } })
  expect(rowGroupRows(shards, 30)).toBe(92_160)
})

test('what is no YAML is told with its line: an alias of nothing, a name twice, a tab', () => {
  const refusal = (text: string): unknown => {
    try {
      return parseDefinition(text, 'd.yml')
    } catch (error) {
      return error
    }
  }
  for (const [text, line] of [
    ['dataset: d\nspine: *rows\n', 2],
    ['dataset: d\ndataset: e\n', 2],
    ['dataset: d\nspine:\n\tsql: x\n', 3],
  ] as const)
    expect(refusal(text)).toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringContaining(`d.yml, line ${line}: `),
    })
})
