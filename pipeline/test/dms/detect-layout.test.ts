import { expect, test } from 'vitest'
import { detectCsvLayout } from '../../src/dms/detect-layout.ts'
import type { LayoutFacts } from '../../src/dms/layout-facts.ts'

const TEXTS: LayoutFacts = {
  key: 'ref/t/20260301-100000000.csv',
  table: 'ref.t',
  settings: { AddColumnName: true, CsvNullValue: '\\N' },
  isLoad: false,
  known: ['code', 'label', 'note'],
  listed: ['code', 'label', 'note'],
  keyColumns: ['code'],
  sequence: undefined,
  looksLikeKey: () => true,
  seenWidth: undefined,
  isSchemaAccepted: false,
}
const LOAD: LayoutFacts = { ...TEXTS, isLoad: true, key: 'ref/t/LOAD00000001.csv' }

// Any text may be a value of these columns: read by position, each of these would bring its values into wrong columns.
test.each([
  ['changes with other names', ['Op', 'x', 'z', 'y'], TEXTS],
  ['changes with other names where no header is promised', ['Op', 'x', 'z', 'y'], { ...TEXTS, settings: {} }],
  ['a load with other names', ['x', 'z', 'y'], LOAD],
  ['a load with one name of three', ['x', 'label', 'y'], LOAD],
])('a header that lacks the key stops the table: %s', (_, first, facts) => {
  const record = first.length === 4 ? ['I', 'k', 'l', 'm'] : ['k', 'l', 'm']
  expect(() => detectCsvLayout([first, record], facts)).toThrow(
    expect.objectContaining({ code: 'SCHEMA_MISMATCH', message: expect.stringContaining('lacks the key code') }),
  )
})

test.each([
  ['an operation', ['I', 'k', 'l', 'm'], TEXTS],
  ['a number', ['k', '2', 'm'], LOAD],
  ['a time', ['k', '2026-03-01 10:00:00', 'm'], LOAD],
  ['nothing', ['k', '', 'm'], LOAD],
  ['the marker of NULL', ['k', '\\N', 'm'], LOAD],
])('a record that can be no header is a row, with a warning: %s', (_, first, facts) => {
  const { hasHeader, warnings } = detectCsvLayout([first, first], facts)
  expect(hasHeader).toBe(false)
  expect(warnings).toEqual([`${facts.key} has no header although AddColumnName is set`])
})

test('where no header is promised, a load of texts is read by position', () => {
  const { hasHeader, warnings } = detectCsvLayout([['x', 'z', 'y']], { ...LOAD, settings: {} })
  expect({ hasHeader, warnings }).toEqual({ hasHeader: false, warnings: [] })
})
