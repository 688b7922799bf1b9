import type { AddFile } from '@tributary/delta'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { takePieces, type UpkeepPlan } from '../../src/maintain/plan-upkeep.ts'
import { BY_ID, fileOf, MIB, planOf } from '../support/upkeep-files.ts'

test('seven small files of one size wait for an eighth', () => {
  const seven = Array.from({ length: 7 }, () => fileOf({ rows: 1000 }))
  expect(planOf(seven)).toMatchObject({ pieces: [], tiers: [{ files: 7, filesDue: 8, rows: [512, 4096] }] })
  const { pieces, tiers } = planOf([...seven, fileOf({ rows: 900 })])
  expect(pieces).toMatchObject([{ why: 'small files', liveRows: 7900, deadRows: 0 }])
  expect(pieces[0]?.files).toHaveLength(8)
  expect(tiers).toEqual([])
})

test('a small file is not rewritten for the sake of smaller ones', () => {
  const small = Array.from({ length: 8 }, () => fileOf({ rows: 1000 }))
  const larger = fileOf({ rows: 100_000 })
  const bulk = fileOf({ rows: 2_000_000, bytes: 110 * MIB })
  const [piece, ...more] = planOf([bulk, ...small, larger]).pieces
  expect(piece?.files).toEqual(small)
  expect(more).toEqual([])
})

test('a merge that fills the next tier takes that along', () => {
  const small = Array.from({ length: 8 }, () => fileOf({ rows: 1000 }))
  const larger = Array.from({ length: 7 }, () => fileOf({ rows: 8000 }))
  expect(planOf([...larger, ...small]).pieces.map(({ files }) => files.length)).toEqual([15])
})

test('what is left over when files are packed is not merged into a file that is as small', () => {
  const wide = Array.from({ length: 9 }, () => fileOf({ rows: 1000, bytes: 31 * MIB }))
  const narrow = Array.from({ length: 2 }, () => fileOf({ rows: 1000 }))
  expect(planOf([...wide, ...narrow]).pieces.map(({ files }) => files.length)).toEqual([8])
})

test('files of different partitions are not merged', () => {
  const files = Array.from({ length: 14 }, (_, at) =>
    fileOf({ rows: 1000, partitionValues: { day: at % 2 === 0 ? '1' : null } }),
  )
  expect(planOf(files).pieces).toEqual([])
  const more = [...files, fileOf({ rows: 1000, partitionValues: { day: null } })]
  expect(
    planOf(more)
      .pieces.flatMap((piece) => piece.files)
      .every((file) => file.partitionValues['day'] === null),
  ).toBe(true)
})

test('the bulk of a loaded table is left alone, however many files it has', () => {
  const bulk = Array.from({ length: 40 }, () => fileOf({ rows: 2_000_000, bytes: 110 * MIB }))
  expect(planOf(bulk)).toEqual({ pieces: [], tiers: [], deadShareMax: 0, vectorCostMax: 0, filesTooLarge: 0 })
})

test('a file is rewritten when a fifth of it is deleted', () => {
  const kept = fileOf({ rows: 100_000, dead: 19_999 })
  expect(planOf([kept])).toMatchObject({ pieces: [], deadShareMax: 0.19999 })
  const purged = fileOf({ rows: 100_000, dead: 20_000 })
  expect(planOf([kept, purged]).pieces).toMatchObject([{ why: 'dead rows', files: [purged], liveRows: 80_000 }])
})

test('a few deleted rows are not worth a commit', () => {
  expect(planOf([fileOf({ rows: 1500, dead: 999 })]).pieces).toEqual([])
})

test('a file is rewritten when its vectors have cost more than that would', () => {
  // A twentieth is deleted, by commits of which each wrote a vector anew.
  const shape = { rows: 100_000, bytes: MIB, dead: 5000 }
  const spent = 0.95 * MIB
  const kept = planOf([fileOf({ ...shape, spent: spent - 1000 })])
  expect(kept.pieces).toEqual([])
  expect(kept.vectorCostMax).toBeCloseTo(1, 2)
  expect(planOf([fileOf({ ...shape, spent: spent + 1000 })]).pieces).toMatchObject([{ why: 'dead rows' }])
})

test('what a rewrite would cost is seen in the files that were written since, and is half of what the file takes at the least', () => {
  const loaded = { rows: 1_000_000, bytes: 45_000_000, dead: 50_000 }
  const purged = (spent: number, ...later: readonly Parameters<typeof fileOf>[0][]): number =>
    planOf([fileOf({ ...loaded, spent }), ...later.map(fileOf)]).pieces.length
  const merged = { rows: 40_000, bytes: 40_000 * 30 }
  const cost = 950_000 * 30
  expect(purged(cost + 1000)).toBe(0)
  expect(purged(cost - 1000, merged)).toBe(0)
  expect(purged(cost + 1000, merged)).toBe(1)
  const half = (0.95 * 45_000_000) / 2
  const narrow = { rows: 40_000, bytes: 40_000 }
  expect(purged(half - 1000, narrow)).toBe(0)
  expect(purged(half + 1000, narrow)).toBe(1)
  // The newest counts, in the same partition. A few rows say little: there may be more of the footer than of them.
  expect(purged(cost - 1000, narrow, merged)).toBe(0)
  expect(purged(half + 1000, { ...narrow, partitionValues: { day: '1' } })).toBe(0)
  expect(purged(half + 1000, { rows: 1000, bytes: 1000 })).toBe(0)
})

test('a file too large for a rewrite beside other work is left to optimize', () => {
  const huge = fileOf({ rows: 20_000_000, bytes: 1024 * MIB, dead: 5_000_000 })
  expect(planOf([huge])).toMatchObject({ pieces: [], filesTooLarge: 1 })
})

test('a file whose rows nobody counted is left alone', () => {
  const uncounted = Array.from({ length: 10 }, () => ({ ...fileOf({ rows: 1000 }), stats: '{}' }))
  expect(planOf(uncounted).pieces).toEqual([])
})

test('within a budget the cheapest pieces are taken', () => {
  const files = [
    ...Array.from({ length: 8 }, () => fileOf({ rows: 100, partitionValues: { p: 'a' } })),
    ...Array.from({ length: 8 }, () => fileOf({ rows: 1000, partitionValues: { p: 'b' } })),
  ]
  const plan = planOf(files)
  expect(takePieces(plan, 100_000)).toMatchObject([{ liveRows: 800 }])
  expect(takePieces(plan, 1000)).toEqual([])
  expect(takePieces(plan, 10_000_000)).toHaveLength(2)
})

test('over any history a row is rewritten as often as the logarithm of its table allows, and files stay few', () => {
  const batches = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 700 })
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 40 }), (sizes, everyCommits) => {
      const moves = new Map<AddFile, number>()
      let files: readonly AddFile[] = []
      let rows = 0
      for (const [at, size] of sizes.entries()) {
        const fresh = fileOf({ rows: size })
        moves.set(fresh, 0)
        files = [...files, fresh]
        rows += size
        if (at % everyCommits !== 0) continue
        files = carryOut(planOf(files), files, moves)
        const tiers = Math.floor(Math.log(rows) / Math.log(8)) + 1
        expect(Math.max(...files.map((file) => moves.get(file) ?? 0))).toBeLessThanOrEqual(tiers)
        expect(files.length).toBeLessThanOrEqual(7 * tiers)
      }
    }),
    { numRuns: 150 },
  )
})

test('nothing is left to do after a few rounds, whatever the table looks like', () => {
  const anyFile = fc.record({
    rows: fc.integer({ min: 1, max: 4_000_000 }),
    deadShare: fc.double({ min: 0, max: 0.99, noNaN: true }),
    part: fc.constantFrom('a', 'b'),
    ids: fc.option(fc.tuple(fc.nat(1000), fc.nat(1000)), { nil: undefined }),
    isSorted: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(anyFile, { maxLength: 120 }), fc.boolean(), (shapes, hasOrder) => {
      let files: readonly AddFile[] = shapes.map(({ rows, deadShare, part, ids, isSorted }) =>
        fileOf({
          rows,
          dead: Math.floor(rows * deadShare),
          partitionValues: { part },
          isSorted,
          ...(ids === undefined ? {} : { ids: [Math.min(...ids), Math.max(...ids)] as const }),
        }),
      )
      const plans = (): UpkeepPlan => planOf(files, hasOrder ? BY_ID : undefined)
      let rounds = 0
      for (let plan = plans(); plan.pieces.length > 0; plan = plans()) {
        files = carryOut(plan, files, new Map())
        rounds += 1
        expect(rounds).toBeLessThanOrEqual(8)
      }
    }),
    { numRuns: 300 },
  )
})

/** The files after all pieces were rewritten; `moves` counts how often the most travelled row of a file was. */
function carryOut(plan: UpkeepPlan, files: readonly AddFile[], moves: Map<AddFile, number>): readonly AddFile[] {
  const gone = new Set(plan.pieces.flatMap((piece) => piece.files))
  const merged = plan.pieces.flatMap((piece) => {
    const partitionValues = piece.files[0]?.partitionValues ?? {}
    const targets = piece.rows === 'sorted' ? piece.liveBytes / (256 * MIB) : 1
    const count = targets <= 1 ? 1 : Math.max(2, Math.round(targets))
    return Array.from({ length: count }, () => {
      const file = fileOf({
        rows: Math.ceil(piece.liveRows / count),
        bytes: Math.ceil(piece.liveBytes / count),
        partitionValues,
        isSorted: piece.rows !== 'as they lie',
      })
      moves.set(file, 1 + Math.max(...piece.files.map((each) => moves.get(each) ?? 0)))
      return file
    })
  })
  return [...files.filter((file) => !gone.has(file)), ...merged]
}
