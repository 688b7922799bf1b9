import { expect, test } from 'vitest'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import { NO_COUNTS, type TableState } from '../../src/ledger/table-state.ts'
import { type LandingFile, planTable, type SeenFile } from '../../src/worker/plan.ts'

const LIMITS = { batchBytesMax: 100, batchFilesMax: 3, settleMs: 0 }
const options = { nowMs: 0, hasSequence: false, limits: LIMITS }

function file(name: string, part: Partial<LandingFile> = {}): LandingFile {
  const kind = name.startsWith('LOAD') ? 'load' : 'cdc'
  return { key: name, sizeBytes: 10, modifiedMs: 0, kind, place: `${kind === 'load' ? 0 : 1} ${name}`, ...part }
}

function seen(
  name: string,
  how: SeenFile['seen'],
  part: Partial<LandingFile> & { generation?: number } = {},
): SeenFile {
  const { generation = 1, ...rest } = part
  const counts = { read: 0, applied: 0, superseded: 0, noop: 0, quarantined: 0, digitsCut: 0 }
  const known = file(name)
  const entry: LedgerEntry = { ...known, hash: '', generation, batch: 1, ...counts }
  return { file: file(name, rest), seen: how, entry: how === 'new' ? undefined : entry }
}

function state(part: Partial<TableState> = {}): TableState {
  return {
    format: 1,
    key: ['id'],
    batch: 1,
    generation: 1,
    closedPlace: '',
    lastPlace: '1 20260101',
    lastFile: '20260101',
    sourceColumns: [],
    ledger: [],
    tombstones: [],
    quarantine: [],
    totals: NO_COUNTS,
    missingWarned: [],
    ...part,
  }
}

function keysOf(plan: ReturnType<typeof planTable>): readonly string[] {
  return 'files' in plan ? plan.files.map(({ key }) => key) : []
}

test('a new table begins with its load, and changes wait for it', () => {
  const plan = planTable([seen('20260102', 'new'), seen('LOAD00000001', 'new')], undefined, options)
  expect(plan).toMatchObject({ kind: 'load', generation: 1 })
  expect(keysOf(plan)).toEqual(['LOAD00000001'])
})

test('a load waits until its newest object has settled', () => {
  const limits = { ...LIMITS, settleMs: 60_000 }
  const files = [seen('LOAD00000001', 'new', { modifiedMs: 1000 }), seen('LOAD00000002', 'new', { modifiedMs: 5000 })]
  expect(planTable(files, undefined, { ...options, nowMs: 64_999, limits })).toEqual({
    kind: 'settling',
    readyAtMs: 65_000,
  })
  expect(planTable(files, undefined, { ...options, nowMs: 65_000, limits }).kind).toBe('load')
})

test('changes are taken in order, up to a bound in bytes and in files', () => {
  const files = ['20260105', '20260103', '20260104', '20260102'].map((name) => seen(name, 'new'))
  expect(keysOf(planTable(files, state(), options))).toEqual(['20260102', '20260103', '20260104'])
  const large = [seen('20260102', 'new', { sizeBytes: 500 }), seen('20260103', 'new')]
  expect(keysOf(planTable(large, state(), options))).toEqual(['20260102'])
})

test('without a sequence column a file behind its successors stops the table, and the error names both', () => {
  const late = [seen('20251231', 'new')]
  expect(() => planTable(late, state(), options)).toThrow(/20251231.*20260101/)
  expect(planTable(late, state(), { ...options, hasSequence: true })).toMatchObject({ kind: 'changes', guard: true })
})

test('a LOAD key with other bytes starts the next generation with what was written anew, and leaves the rest behind', () => {
  const files = [
    seen('LOAD00000001', 'changed', { modifiedMs: 9 }),
    seen('LOAD00000002', 'known', { modifiedMs: 9 }),
    seen('LOAD00000003', 'known'),
  ]
  const plan = planTable(files, state(), options)
  expect(plan).toMatchObject({ kind: 'load', generation: 2 })
  expect(keysOf(plan)).toEqual(['LOAD00000001', 'LOAD00000002'])
})

test('a new LOAD key joins the generation, with the guard, however late', () => {
  const plan = planTable([seen('LOAD00000002', 'new')], state(), options)
  expect(plan).toMatchObject({ kind: 'changes', guard: true })
})

test('a change file at or before the end of an earlier generation is superseded', () => {
  const plan = planTable([seen('20260101', 'new')], state({ generation: 2, closedPlace: '1 20260101' }), options)
  expect(plan.kind).toBe('superseded')
})

test('nothing new is nothing to do', () => {
  expect(planTable([seen('20260101', 'known')], state(), options)).toEqual({ kind: 'idle' })
})
