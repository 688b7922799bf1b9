import { expect, test } from 'vitest'
import type { Action, AddFile } from '../../src/protocol/actions.ts'
import { summarizeCommit } from '../../src/write/conflicts.ts'
import { planRebase, type Reads, type RebaseSkills, rowsBeyond, shareRows } from '../../src/write/plan-rebase.ts'
import { add, remove } from '../log/log-builder.ts'

const NOTHING: Reads = { kind: 'nothing' }
const TABLE: Reads = { kind: 'table' }
const ROWS: Reads = { kind: 'rows', areIn: async () => true }
const FILES: Reads = { kind: 'files', mayMatch: ({ path }) => path.startsWith('match') }
const SKILLS: RebaseSkills = { canCarry: true, canRelocate: true, isStrict: false, fileAt: () => undefined }

const vector = { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 } as const
const rearranged = (action: Action): Action => {
  if ('add' in action) return { add: { ...action.add, dataChange: false } }
  return 'remove' in action ? { remove: { ...action.remove, dataChange: false } } : action
}
const blind: Action = { commitInfo: { isBlindAppend: true } }
const marks = [remove('f'), add('f', { deletionVector: vector })]
const drops = [remove('f')]
const rewrites = [rearranged(remove('f')), rearranged(add('compacted'))]
const stats = [add('f', { dataChange: false })]

function outcome(ours: readonly Action[], theirs: readonly Action[], reads: Reads, skills: Partial<RebaseSkills> = {}) {
  const plan = planRebase(summarizeCommit(ours), summarizeCommit(theirs), reads, { ...SKILLS, ...skills })
  if (plan.kind === 'conflict') return `${plan.because} ${plan.subject}`
  const steps = (['unite', 'carry', 'relocate'] as const).filter((step) => plan[step].length > 0)
  return [
    ...steps,
    ...plan.appended.map(({ path }) => `ask ${path}`),
    ...plan.changed.map(({ path }) => `look at ${path}`),
  ].join(', ')
}

test.each([
  ['we mark and they mark', marks, marks, 'unite'],
  ['we mark and they drop', marks, drops, 'same-rows f'],
  ['we mark and they rewrite', marks, rewrites, 'relocate'],
  ['we mark and they write statistics anew', marks, stats, 'file-rewritten f'],
  ['we drop and they mark', drops, marks, 'same-rows f'],
  ['we drop and they drop', drops, drops, 'same-rows f'],
  ['we drop and they rewrite', drops, rewrites, 'relocate'],
  ['we rewrite and they mark', rewrites, marks, 'carry'],
  ['we rewrite and they drop', rewrites, drops, 'carry'],
  ['we rewrite and they rewrite', rewrites, [rearranged(remove('f'))], 'file-rewritten f'],
  ['we write statistics anew and they mark', stats, marks, 'same-rows f'],
  ['both add one path', [add('n')], [add('n')], 'file-rewritten n'],
  ['they move vectors without a change of data', marks, marks.map(rearranged), 'file-rewritten f'],
] as const)('%s', (_, ours, theirs, expected) => {
  expect(outcome(ours, theirs, NOTHING)).toBe(expected)
})

test('who cannot follow rows loses to whoever moves them', () => {
  expect(outcome(marks, rewrites, NOTHING, { canRelocate: false })).toBe('file-rewritten f')
  expect(outcome(rewrites, marks, NOTHING, { canCarry: false })).toBe('same-rows f')
})

test.each<[string, readonly Action[], Reads, string]>([
  ['a blind append loses to no file', [add('n'), remove('m')], NOTHING, ''],
  ['new rows spoil a read of the table', [add('n')], TABLE, 'rows-added n'],
  ['lost rows spoil a read of the table', [remove('m')], TABLE, 'rows-removed m'],
  ['a rewrite spoils a read of the table', [rearranged(remove('m'))], TABLE, 'rows-removed m'],
  ['a blind append comes after a read of the table', [blind, add('n')], TABLE, ''],
  ['new files of a predicate spoil it', [add('match')], FILES, 'rows-added match'],
  ['new files outside of it do not', [add('n')], FILES, ''],
  ['a rewrite of its files does not', [rearranged(add('match'))], FILES, ''],
  ['a removed file of which nothing is known spoils a predicate', [remove('m')], FILES, 'rows-removed m'],
  ['marks in a file of a predicate spoil it', [remove('match'), add('match')], FILES, 'rows-removed match'],
  ['new files are asked about for rows that were read', [add('n')], ROWS, 'ask n'],
  ['a blind append is not', [blind, add('n')], ROWS, ''],
  ['a rewrite is not', [rearranged(add('n'))], ROWS, ''],
  ['vectors of other files are looked at for rows that came back', [remove('m'), add('m')], ROWS, 'look at m'],
])('%s', (_, theirs, reads, expected) => {
  expect(outcome([add('own')], theirs, reads)).toBe(expected)
})

test('in a strict table, and beside a change of metadata, a blind append counts', () => {
  expect(outcome([add('own')], [blind, add('n')], TABLE, { isStrict: true })).toBe('rows-added n')
  expect(outcome([add('own')], [blind, add('n')], ROWS, { isStrict: true })).toBe('ask n')
  expect(outcome([add('own')], [blind, add('n')], NOTHING, { isStrict: true })).toBe('')
})

test('a removed file that the snapshot knows is judged by what it is', () => {
  const known = add('other', {})
  const file: AddFile | undefined = 'add' in known ? known.add : undefined
  expect(outcome([add('own')], [remove('other')], FILES, { fileAt: () => file })).toBe('')
})

test('rows are compared as sets', () => {
  expect([...rowsBeyond([1, 3, 5], [3, 4])]).toEqual([1, 5])
  expect(shareRows([1, 3], [2, 4])).toBe(false)
  expect(shareRows([1, 3], [3])).toBe(true)
})
