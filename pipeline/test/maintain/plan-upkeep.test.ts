import { type AddFile, parseStats, type RowOrder } from '@tributary/delta'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planUpkeep, takePieces, type UpkeepPlan } from '../../src/maintain/plan-upkeep.ts'

const MIB = 1024 * 1024

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
  const spent = 1.5 * 0.95 * MIB
  const kept = planOf([fileOf({ ...shape, spent: spent - 1000 })])
  expect(kept.pieces).toEqual([])
  expect(kept.vectorCostMax).toBeCloseTo(1.5, 2)
  expect(planOf([fileOf({ ...shape, spent: spent + 1000 })]).pieces).toMatchObject([{ why: 'dead rows' }])
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

test('what becomes more than a row group is merged in the order of the table, where it has one', () => {
  const eight = (rows: number): readonly AddFile[] => Array.from({ length: 8 }, () => fileOf({ rows }))
  expect(planOf(eight(16_000), BY_ID).pieces).toMatchObject([{ rows: 'sorted' }])
  expect(planOf(eight(16_000)).pieces).toMatchObject([{ rows: 'as they lie' }])
  expect(planOf(eight(15_360), BY_ID).pieces).toMatchObject([{ rows: 'as they lie' }])
})

test('a purge sorts what overlaps, two files’ worth at a time, keeps what is in order, and leaves a load as it lies', () => {
  const due = (ids: readonly [number, number], mib = 100, isSorted = true): AddFile =>
    fileOf({ rows: 1_000_000, bytes: mib * MIB, dead: 300_000, ids, isSorted })
  const load = [due([0, 100], 300, false), due([0, 100], 300, false)]
  // In time the last key range came first.
  const apart = [due([80, 90]), due([70, 80]), due([60, 70]), due([50, 60])]
  const wide = [due([0, 40], 250), due([1, 45], 250), due([2, 50], 250)]
  const { pieces } = planOf([...load, ...apart, ...wide], BY_ID)
  const piecesOf = (rows: string): readonly (readonly AddFile[])[] =>
    pieces.filter((piece) => piece.rows === rows).map(({ files }) => files)
  expect(piecesOf('as they lie')).toEqual(load.map((file) => [file]))
  // 175 MiB are left of each wide one and 70 of the others: by their keys, not by their time, up to 256.
  expect(piecesOf('kept')).toEqual([
    [apart[2], apart[1], apart[0]],
    [wide[2], apart[3]],
  ])
  expect(piecesOf('sorted')).toEqual([[wide[0], wide[1]]])
})

test('purges alone bring a table into order: each halves the range of files that have all keys', () => {
  let files: readonly AddFile[] = Array.from({ length: 32 }, () => wideFile([0, 1 << 20]))
  const filesOfKey = (): number => Math.max(...sampleKeys.map((key) => files.filter((file) => holds(file, key)).length))
  const sampleKeys = Array.from({ length: 50 }, (_, at) => at * 20_000 + 7)
  expect(filesOfKey()).toBe(32)
  const seen: number[] = []
  for (let round = 0; round < 6; round++) {
    // All files have lost as many rows, as with keys that change at random.
    const { pieces } = planOf(files, BY_ID)
    expect(pieces.flatMap((piece) => piece.files)).toHaveLength(files.length)
    files = pieces.flatMap((piece) => {
      const from = Math.min(...piece.files.map((file) => idsOf(file)[0]))
      const to = Math.max(...piece.files.map((file) => idsOf(file)[1]))
      if (piece.rows === 'kept') return [wideFile([from, to])]
      const middle = (from + to) / 2
      return [wideFile([from, middle]), wideFile([middle, to])]
    })
    seen.push(filesOfKey())
  }
  expect(seen).toEqual([16, 8, 4, 2, 1, 1])
})

function wideFile(ids: readonly [number, number]): AddFile {
  return fileOf({ rows: 4_000_000, bytes: 250 * MIB, dead: 900_000, spent: 1, ids, isSorted: true })
}

function idsOf({ stats }: AddFile): readonly [number, number] {
  const { minValues, maxValues } = parseStats(stats) ?? {}
  return [Number(minValues?.['id']), Number(maxValues?.['id'])]
}

function holds(file: AddFile, key: number): boolean {
  const [from, to] = idsOf(file)
  return from <= key && key < to
}

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
  })
  fc.assert(
    fc.property(fc.array(anyFile, { maxLength: 120 }), (shapes) => {
      let files: readonly AddFile[] = shapes.map(({ rows, deadShare, part }) =>
        fileOf({ rows, dead: Math.floor(rows * deadShare), partitionValues: { part } }),
      )
      let rounds = 0
      for (let plan = planOf(files); plan.pieces.length > 0; plan = planOf(files)) {
        files = carryOut(plan, files, new Map())
        rounds += 1
        expect(rounds).toBeLessThanOrEqual(8)
      }
    }),
    { numRuns: 300 },
  )
})

const BY_ID: RowOrder = { columns: [{ path: ['id'], physicalPath: ['id'], type: 'long' }], curve: 'lexical' }

function planOf(files: readonly AddFile[], order?: RowOrder): UpkeepPlan {
  const metadata = {
    id: 'a',
    format: { provider: 'parquet', options: {} },
    schemaString: '',
    partitionColumns: [],
    configuration: {},
  }
  return planUpkeep({ files, metadata }, order)
}

/** The files after all pieces were rewritten; `moves` counts how often the most travelled row of a file was. */
function carryOut(plan: UpkeepPlan, files: readonly AddFile[], moves: Map<AddFile, number>): readonly AddFile[] {
  const gone = new Set(plan.pieces.flatMap((piece) => piece.files))
  const merged = plan.pieces.map((piece) => {
    const partitionValues = piece.files[0]?.partitionValues ?? {}
    const file = fileOf({ rows: piece.liveRows, bytes: Math.ceil(piece.liveBytes), partitionValues })
    moves.set(file, 1 + Math.max(...piece.files.map((each) => moves.get(each) ?? 0)))
    return file
  })
  return [...files.filter((file) => !gone.has(file)), ...merged]
}

let count = 0

function fileOf(shape: {
  readonly rows: number
  readonly bytes?: number
  readonly dead?: number
  /** Bytes of vectors that were written for it. */
  readonly spent?: number
  readonly partitionValues?: Readonly<Record<string, string | null>>
  /** Its least and its greatest key. */
  readonly ids?: readonly [number, number]
  /** It says that its rows lie in the order of the key. */
  readonly isSorted?: boolean
}): AddFile {
  const { rows, bytes = rows * 70, dead = 0, spent = 30, partitionValues = {}, ids, isSorted = false } = shape
  count += 1
  const vector = { storageType: 'u', pathOrInlineDv: `v${count}`, sizeInBytes: 30, cardinality: dead } as const
  return {
    path: `part-${count}.parquet`,
    partitionValues,
    size: bytes,
    modificationTime: count,
    dataChange: true,
    stats: JSON.stringify({
      numRecords: rows,
      ...(ids === undefined ? {} : { minValues: { id: ids[0] }, maxValues: { id: ids[1] } }),
    }),
    ...(dead === 0 ? {} : { deletionVector: vector }),
    tags: {
      ...(dead === 0 ? {} : { 'tributary.vectorBytes': String(Math.round(spent)) }),
      ...(isSorted ? { 'tributary.sortedBy': '["id"]' } : {}),
    },
  }
}
