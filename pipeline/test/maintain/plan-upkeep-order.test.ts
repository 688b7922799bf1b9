import { type AddFile, parseStats } from '@tributary/delta'
import { expect, test } from 'vitest'
import { takePieces } from '../../src/maintain/plan-upkeep.ts'
import { BY_ID, fileOf, MIB, planOf } from '../support/upkeep-files.ts'

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

test('no piece is put together that is larger than what may be rewritten now', () => {
  const wide = (mib: number): AddFile =>
    fileOf({ rows: 1_000_000, bytes: mib * MIB, dead: 200_000, ids: [0, 9], isSorted: true })
  const many = Array.from({ length: 8 }, () => wide(100))
  const bytesMax = 200 * MIB
  const { pieces } = planOf(many, BY_ID, bytesMax)
  expect(pieces.map(({ files, liveBytes }) => [files.length, liveBytes / MIB])).toEqual(Array(4).fill([2, 160]))
  expect(takePieces(planOf(many, BY_ID, bytesMax), bytesMax)).toHaveLength(1)
  // What is larger by itself waits for more room.
  expect(planOf([wide(300)], BY_ID, bytesMax).pieces).toHaveLength(1)
})

test('small files that somebody laid out in another order are merged as they lie', () => {
  const eight = (layout: Partial<AddFile>): readonly AddFile[] =>
    Array.from({ length: 8 }, () => ({ ...fileOf({ rows: 20_000 }), ...layout }))
  for (const layout of [
    { tags: { 'tributary.sortedBy': '["customer"]' } },
    { tags: { 'tributary.sortedBy': 'z["id","customer"]' } },
    { tags: { ZCUBE_ID: '1' } },
    { clusteringProvider: 'liquid' },
  ])
    expect(planOf(eight(layout), BY_ID).pieces).toMatchObject([{ rows: 'as they lie' }])
  expect(planOf(eight({ tags: { 'tributary.sortedBy': '["id"]' } }), BY_ID).pieces).toMatchObject([{ rows: 'sorted' }])
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
