import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBitmap } from '../../src/deletion-vectors/decode-bitmap.ts'
import { type DeletedRows, noDeletedRows } from '../../src/deletion-vectors/deleted-rows.ts'
import { bytesOf, encoded, rowsAt } from './support.ts'

const position = fc.oneof(fc.nat(40), fc.nat(70_000), fc.integer({ min: 2 ** 32 - 2, max: 2 ** 33 + 2 }))
const some = fc.array(position, { maxLength: 30 })
// Enough for each kind of container that Roaring has, and to turn one into another.
const run = fc
  .record({ start: fc.nat(70_000), length: fc.nat(5_000), step: fc.constantFrom(1, 2) })
  .map(({ start, length, step }) => Array.from({ length }, (_, i) => start + i * step))

// `toEqual` looks at each of many thousand numbers as if it might be an object.
const areSame = (left: Uint8Array | Float64Array, right: Uint8Array | Float64Array): boolean =>
  Buffer.from(left.buffer).equals(Buffer.from(right.buffer))

/**
 * Runs of rows and single rows may take the same bytes: then Roaring leaves a container as it was. Its header is up to 15 bytes longer
 * where there is no run, for each of the 32-bit bitmaps of which one is made (Roaring's format specification, "Cookie header").
 */
function slackOf(positions: ReadonlySet<number>): number {
  return 15 * new Set([...positions].map((position) => Math.floor(position / 2 ** 32))).size
}

interface Version {
  readonly rows: DeletedRows
  readonly model: ReadonlySet<number>
  readonly sorted: Float64Array
}

const versionOf = (rows: DeletedRows, model: ReadonlySet<number>): Version => ({
  rows,
  model,
  sorted: Float64Array.from(model).sort(),
})

test('each version of the rows stays what it was, whatever is added to it and to its followers', async () => {
  const turns = fc.array(fc.record({ from: fc.nat(), positions: fc.oneof(some, some, run), read: fc.nat() }), {
    minLength: 1,
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(turns, async (list) => {
      const versions = [versionOf(await noDeletedRows(), new Set())]
      const known = new Set<number>()
      const check = ({ rows, model, sorted }: Version): void => {
        expect(areSame(Float64Array.from(rows.positions()), sorted)).toBe(true)
        expect(rows.cardinality).toBe(model.size)
        for (const at of known) if (rows.has(at) !== model.has(at)) throw new Error(`row ${at} is told wrong`)
      }
      for (const { from, positions, read: which } of list) {
        const base = versions[from % versions.length] ?? versions[0]
        if (base === undefined) continue
        for (const at of positions) known.add(at)
        versions.push(versionOf(base.rows.with(positions), new Set([...base.model, ...positions])))
        const one = versions[which % versions.length]
        if (one === undefined) continue
        check(one)
        // What was added to again and again is read as it is, and packed as well as what is made at once.
        const [packed, atOnce] = [bytesOf(one.rows), await encoded(one.sorted)]
        const { positions: read } = await decodeBitmap(packed, { cardinality: one.model.size }, (why) => new Error(why))
        expect(areSame(Float64Array.from(read), one.sorted)).toBe(true)
        expect(Math.abs(packed.length - atOnce.length)).toBeLessThanOrEqual(slackOf(one.model))
      }
      for (const version of versions) check(version)
    }),
    { numRuns: 100 },
  )
})

test('rows that are there already are no news', async () => {
  const rows = await rowsAt(3, 7, 3)
  expect(rows.cardinality).toBe(2)
  expect(rows.with([7, 3])).toBe(rows)
  expect(rows.with([7, 8])).not.toBe(rows)
})

test('an old version that is read for long stays what it was, and what follows it too', async () => {
  const first = await rowsAt(0, 2)
  const versions = [first]
  for (let at = 1; at < 300; at++) versions.push((versions.at(-1) ?? first).with([at * 3 + 1]))
  const rowsIn = (version: typeof first): readonly number[] =>
    Array.from({ length: 1000 }, (_, at) => at).filter((at) => version.has(at))
  for (const at of [0, 100, 0, 299, 230]) {
    const added = Array.from({ length: at }, (_, index) => (index + 1) * 3 + 1)
    expect(rowsIn(versions[at] ?? first)).toEqual([0, 2, ...added])
    expect([...(versions[at] ?? first).positions()]).toEqual([0, 2, ...added])
  }
})
