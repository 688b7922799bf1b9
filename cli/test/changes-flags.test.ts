import { describe, expect, test } from 'vitest'
import { type ChangesFlags, chooseWork, parseOps } from '../src/changes-flags.ts'

const chosen = (flags: ChangesFlags, table: string | undefined = 'orders', isShown = false) =>
  chooseWork(table, flags, { isShown })

describe('what changes does', () => {
  test('rows into a pipe, a summary where somebody looks', () => {
    expect([chosen({}), chosen({}, 'orders', true)]).toEqual(['rows', 'summary'])
    expect([chosen({ summary: true }), chosen({ rows: true }, 'orders', true)]).toEqual(['summary', 'rows'])
    expect([chosen({ output: 'csv' }, 'orders', true), chosen({ out: 'f' }, 'orders', true)]).toEqual(['rows', 'rows'])
  })

  test('--key is the key of a row, and with --derive the columns of the key', () => {
    expect([chosen({ key: '7' }), chosen({ key: 'id', derive: true })]).toEqual(['row', 'rows'])
  })

  test('--ack and --all are works of their own', () => {
    expect(chosen({ cursor: 'c', ack: true })).toBe('acknowledge')
    expect(chooseWork(undefined, { all: true, since: '1h' }, { isShown: true })).toBe('all')
  })

  test.each<[ChangesFlags]>([
    [{ all: true, since: '1h' }],
    [{ derive: true }],
    [{ peek: true }],
    [{ bootstrap: true }],
    [{ summary: true, rows: true }],
    [{ summary: true, output: 'ndjson' }],
    [{ key: '1', net: true }],
    [{ since: 'v0', fromVersion: 1 }],
    [{ until: 'v0', toVersion: 1 }],
    [{ cursor: 'c', ack: true, peek: true }],
    [{ cursor: 'c', bootstrap: true, since: 'v0' }],
  ])('%j contradicts itself', (flags) => {
    expect(() => chosen(flags)).toThrow(expect.objectContaining({ code: 'FLAGS_INVALID' }))
  })

  test.each<[ChangesFlags]>([
    [{}],
    [{ all: true }],
    [{ all: true, since: 'v1' }],
    [{ all: true, since: '1h', rows: true }],
  ])('without a table %j is not enough', (flags) => {
    expect(() => chooseWork(undefined, flags, { isShown: false })).toThrow(
      expect.objectContaining({ code: 'FLAGS_INVALID' }),
    )
  })

  test('kinds of change are read in any letter case', () => {
    expect(parseOps('Insert, delete')).toEqual(['insert', 'delete'])
    expect(() => parseOps('upsert')).toThrow('It must be some of insert, update, delete.')
  })
})
