import type { ChangesSummary } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { summaryText } from '../src/changes-summary.ts'
import { PLAIN_STYLE } from '../src/table-format.ts'

const SUMMARY: ChangesSummary = {
  schema: 'tributary.changes/1',
  table: 'shop.flights',
  since: 118,
  until: 121,
  net: false,
  snapshot: false,
  commits: 3,
  from: '2026-11-22T19:02:11.123Z',
  to: '2026-11-22T19:05:10.000Z',
  inserted: 312,
  updated: 1204,
  deleted: 0,
  keys: { touched: 1466, total: 336_776 },
  columns: [
    { column: 'dep_delay', changed: 1609, wasNull: 1609, isNull: 0 },
    { column: 'air_time', changed: 587, wasNull: 0, isNull: 3 },
    { column: 'note', changed: 1, wasNull: 0, isNull: 0 },
  ],
  samples: [
    {
      op: 'update',
      key: { carrier: 'UA', flight: 1545 },
      version: 121,
      committed_at: '2026-11-22T19:05:10.000000Z',
      source_at: null,
      changed: ['dep_delay'],
      before: { dep_delay: null },
      after: { dep_delay: 2 },
    },
  ],
}

test('a summary has the interval, the counts, the columns and some of the changes', () => {
  expect(
    summaryText(PLAIN_STYLE, SUMMARY),
  ).toBe(`shop.flights  v118 → v121  (3 commits, 2026-11-22 19:02:11Z → 19:05:10Z)
  insert 312   update 1 204   delete 0   keys touched 1 466 of 336 776 (0.44 %)

  column     rows changed  note
  dep_delay         1 609  was null in 1 609
  air_time            587  became null in 3
  note                  1

  such as  key      version  changes
  update   UA/1545  v121     dep_delay ∅→2
`)
})

test('where nobody knows which rows belong together, that is said', () => {
  const unknown = { ...SUMMARY, columns: null, samples: [], keys: { touched: null, total: 9 }, since: -1, to: null }
  expect(summaryText(PLAIN_STYLE, unknown)).toBe(`shop.flights  the beginning → v121  (3 commits)
  insert 312   update 1 204   delete 0   of 9 rows
  which columns changed is not known: --derive --key a,b pairs rows by their key
`)
})

test('of a bootstrap and of keys that came and went there is no share', () => {
  const text = summaryText(PLAIN_STYLE, { ...SUMMARY, snapshot: true, keys: { touched: 12, total: 9 } })
  expect(text.split('\n').slice(0, 2)).toEqual([
    'shop.flights  v121  (all rows, to begin with)',
    '  insert 312   update 1 204   delete 0   keys touched 12 of 9',
  ])
})
