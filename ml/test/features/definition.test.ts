import { expect, test } from 'vitest'
import { decideMode } from '../../src/features/decide-mode.ts'
import { parseFeature } from '../../src/features/definition.ts'
import type { FeatureState } from '../../src/features/feature-state.ts'

const whole = `feature: spending
entity: [customer]
sql: SELECT customer, count(*) AS n FROM shop.orders GROUP BY customer
refresh: {mode: incremental, max_affected: 0.3, every: 5m}
keep_history: true
checks: [{column: n, min: 0, max_null: 0.1}]
`

test('a file is read with all its settings', () => {
  expect(parseFeature(whole, 'features/spending.yml')).toEqual({
    name: 'spending',
    entity: ['customer'],
    sql: 'SELECT customer, count(*) AS n FROM shop.orders GROUP BY customer',
    mode: 'incremental',
    affectedShareMax: 0.3,
    everyMs: 300_000,
    keepsHistory: true,
    checks: [{ column: 'n', min: 0, max: undefined, nullShareMax: 0.1 }],
  })
})

const faults: readonly (readonly [string, string, string])[] = [
  ['line 4: refresh.mode: must be incremental, auto or full. Correct it', 'mode: incremental', 'mode: sometimes'],
  ['line 4: evry is not a setting of refresh. Correct the name or leave it out', 'every', 'evry'],
  ['line 1: entity is missing. Add it', 'entity: [customer]', 'entities: [customer]'],
  [
    'line 1: the feature is called other and its file spending.yml. Give both one name',
    'feature: spending',
    'feature: other',
  ],
  ['line 4: refresh.max_affected: must be a share between 0 and 1. Correct it', '0.3', '30'],
]

test.each(faults)('a fault is told with its line: %s', (message, from, to) => {
  const text = whole.replace(from, to)
  expect(() => parseFeature(text, 'features/spending.yml')).toThrow(`features/spending.yml, ${message}`)
})

const state: FeatureState = {
  format: 1,
  feature: 'f',
  entity: ['k'],
  spec: 's',
  asOf: 1000,
  inputs: [{ table: 'shop.orders', id: 'a', version: 4 }],
  mode: 'full',
  reason: '',
  affected: 0,
  changed: 0,
  keys: 10,
  refreshedAt: 1000,
}
const facts = {
  definition: { mode: 'auto' } as const,
  state,
  spec: 's',
  inputs: state.inputs,
  asOfMs: 2000,
  hasEdges: false,
  isFullAsked: false,
}

test('how a feature is refreshed follows from its state, and the reason is told', () => {
  const moved = [{ table: 'shop.orders', id: 'a', version: 7 }]
  expect(decideMode(facts)).toEqual({ kind: 'none', reason: 'no input has a new version' })
  expect(decideMode({ ...facts, hasEdges: true })).toEqual({ kind: 'incremental', reason: 'time went on' })
  expect(decideMode({ ...facts, inputs: moved })).toEqual({ kind: 'incremental', reason: 'shop.orders v4 → v7' })
  expect(decideMode({ ...facts, inputs: moved, definition: { mode: 'full' } })).toMatchObject({
    reason: 'its mode is full',
  })
  expect(decideMode({ ...facts, state: undefined })).toMatchObject({ kind: 'full', isAllowed: true })
  expect(decideMode({ ...facts, spec: 't' })).toMatchObject({ kind: 'full', isAllowed: true })
  expect(decideMode({ ...facts, inputs: [{ table: 'shop.orders', id: 'b', version: 7 }] })).toEqual({
    kind: 'full',
    reason: 'shop.orders is another table than at the last refresh',
    isAllowed: false,
  })
  expect(decideMode({ ...facts, inputs: [{ table: 'shop.orders', id: 'a', version: 3 }] })).toMatchObject({
    reason: 'shop.orders has lost versions since the last refresh',
  })
})

test.each([
  ['an alias of nothing', 'feature: spending\nsql: *rows\n', 2],
  ['a name twice', 'feature: spending\nfeature: other\n', 2],
  ['a tab', 'feature: spending\nchecks:\n\t- {}\n', 3],
])('what is no YAML is told with its line: %s', (_, text, line) => {
  expect(() => parseFeature(text, 'features/spending.yml')).toThrow(`features/spending.yml, line ${line}: `)
})
