import { expect, test } from 'vitest'
import { emptyState, parseTableState } from '../../src/ledger/table-state.ts'
import { upgradeState } from '../../src/ledger/upgrade-state.ts'

const STATE = emptyState({ key: ['id'], sequence: undefined })

test('a state of the format that we write is read as it is', () => {
  expect(parseTableState(JSON.stringify(STATE))).toEqual(STATE)
})

test('a newer format is refused by its number, with the remedy', () => {
  expect(() => parseTableState(JSON.stringify({ ...STATE, format: 2 }))).toThrow(
    "The table's state has format 2 and this version knows 1: a newer Tributary wrote it. Upgrade this one.",
  )
})

test('an older format goes up step by step, from where it is', () => {
  const steps = [(state: object) => ({ ...state, first: 'added' }), (state: object) => ({ ...state, second: 'added' })]
  expect(upgradeState({ format: 1, key: 'k' }, steps)).toEqual({ format: 3, key: 'k', first: 'added', second: 'added' })
  expect(upgradeState({ format: 2, key: 'k' }, steps)).toEqual({ format: 3, key: 'k', second: 'added' })
  expect(upgradeState({ format: 3, key: 'k' }, steps)).toEqual({ format: 3, key: 'k' })
})

test.for([[{}], [{ format: 0 }], [{ format: '1' }], [{ format: 1.5 }], [null]])(
  '%j has no format that ever was',
  ([json]) => {
    expect(() => upgradeState(json)).toThrow(expect.objectContaining({ code: 'TABLE_STATE_CORRUPT' }))
  },
)
