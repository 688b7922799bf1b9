import { type Engine, openEngine } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clockedStore } from '../../../delta/test/store/clocked-store.ts'
import { defineFeature } from '../../src/features/definition.ts'
import { featureHistory } from '../../src/features/read-feature.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureSkewReport, featureSkew } from '../../src/features/skew.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

const feature = defineFeature({
  name: 'shoppers',
  entity: ['id', 'shop'],
  sql: `SELECT id, shop, orders, amount, score, name, is_new, since, day, tags FROM s.rows`,
  keep_history: true,
})
const columns = {
  id: 'long',
  shop: 'string',
  orders: 'long',
  amount: 'decimal(9,2)',
  score: 'double',
  name: 'string',
  is_new: 'boolean',
  since: 'timestamp',
  day: 'date',
} as const
const first = {
  id: 1n,
  shop: 'a/b',
  orders: 2n,
  amount: '10.50',
  score: 0.1,
  name: 'Ada',
  is_new: true,
  since: '2026-01-01T08:00:00Z',
  day: '2026-01-01',
}

let engine: Engine
let place: FeatureLake
let lake: Lake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
  // A table tells when it served a row by the times of its commits, which are those of its files.
  lake = { ...place.lake, tableStore: (name) => clockedStore(place.lake.tableStore(name), place.clock) }
  await place.create('s.rows', { ...columns, tags: { type: 'array', elementType: 'long', containsNull: true } }, [
    { ...first, tags: [1n, 2n] },
    { ...first, id: 2n, name: null, score: Number.NaN, tags: null },
  ])
  const refreshAt = async (time: string): Promise<void> => {
    place.clock.set(Date.parse(`2026-01-02T${time}:00Z`))
    await refreshFeature(lake, engine, feature)
  }
  await refreshAt('10:00')
  await place.upsert('s.rows', 'id', [{ ...first, orders: 3n, score: 0.5, tags: [1n, 2n] }])
  await refreshAt('11:00')
  await place.remove('s.rows', 'id', 1n)
  await refreshAt('12:00')
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

const key = { id: 1, shop: 'a/b' }
const at = (time: string): { readonly at: string } => ({ at: `2026-01-02T${time}:00Z` })

async function skewOf(...lines: readonly (object | string)[]): Promise<FeatureSkewReport> {
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
  return featureSkew(lake, engine, feature, { name: 'served.ndjson', chunks: cut(text) })
}

/** A text in pieces that end anywhere. */
async function* cut(text: string): AsyncGenerator<string> {
  for (let from = 0; from < text.length; from += 7) yield text.slice(from, from + 7)
}

/** Only columns that were compared: how many values are equal, differ and are missing. */
function counts({ columns: found }: FeatureSkewReport): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    found
      .filter(({ compared }) => compared > 0)
      .map(({ column, equal, differing, missing }) => [column, [equal, differing, missing]]),
  )
}

test('what was served is equal when the table held it at that time, in whatever form JSON has for it', async () => {
  const served = {
    orders: 2,
    amount: 10.5,
    score: 0.1 + 1e-14,
    name: 'Ada',
    is_new: true,
    since: '2026-01-01T09:00:00+01:00',
    day: '2026-01-01',
    tags: [1, 2],
  }
  const report = await skewOf(
    { ...key, ...at('10:59'), ...served, __version: 0 },
    { ...key, ...at('11:00'), ...served, orders: '3', score: 0.5 },
    { ...key, id: 2, ...at('18:00'), ...served, orders: 2.0, score: 'NaN', name: null, tags: null },
    { ...key, ...at('12:00'), orders: null },
  )
  expect(report).toMatchObject({ feature: 'shoppers', version: 2, lines: 4, isSkewed: false })
  expect(counts(report)).toEqual({
    ...Object.fromEntries(Object.keys(served).map((name) => [name, [3, 0, 0]])),
    orders: [4, 0, 0],
  })
})

test('what differs is counted by column, with the largest difference and the lines that are farthest off', async () => {
  const report = await skewOf(
    { ...key, ...at('10:30'), orders: 3, amount: 10.504, score: 0.1 + 1e-9, name: 'Bo', is_new: null },
    { ...key, ...at('11:30'), orders: 2.5, amount: 10.5, name: null, tags: [2, 1] },
    { ...key, ...at('11:30'), orders: 10 },
    { ...key, id: 2, ...at('11:30'), score: 1 },
  )
  expect(report.isSkewed).toBe(true)
  expect(counts(report)).toEqual({
    orders: [0, 3, 0],
    amount: [1, 1, 0],
    score: [0, 2, 0],
    name: [0, 2, 0],
    is_new: [0, 1, 0],
    tags: [0, 1, 0],
  })
  const [orders, amount, score, name] = report.columns
  const where = { key: '1/a/b', at: '2026-01-02T11:30:00.000000Z' }
  expect(orders).toMatchObject({ column: 'orders', compared: 3, largest: 7 })
  expect(orders?.examples).toEqual([
    { line: 3, ...where, served: '10', known: '3' },
    { line: 1, ...where, at: '2026-01-02T10:30:00.000000Z', served: '3', known: '2' },
    { line: 2, ...where, served: '2.5', known: '3' },
  ])
  expect(amount?.largest).toBe(0.004)
  expect(score?.largest).toBeCloseTo(1e-9, 15)
  expect(name?.examples.map(({ served, known }) => [served, known])).toEqual([
    ['"Bo"', '"Ada"'],
    ['null', '"Ada"'],
  ])
})

test('a value is missing where the table had no row: before the first refresh, after a delete, for a key that never was', async () => {
  const report = await skewOf(
    { ...key, ...at('09:59'), orders: 2 },
    { ...key, ...at('12:00'), orders: 3 },
    { ...key, id: 7, ...at('11:00'), orders: 1 },
  )
  expect(counts(report)).toEqual({ orders: [0, 0, 3] })
  expect(report.columns[0]?.examples[1]).toMatchObject({ line: 2, served: '3', known: null })
})

test('lines that cannot be compared are named, and nothing is compared', async () => {
  const good = { ...key, ...at('11:00'), orders: 3 }
  await expect(skewOf(good, '{"id": 1,', '', good, '[1]')).rejects.toThrow(
    'The log served.ndjson cannot be compared: line 2: it is no JSON; line 3: it is empty; line 5: it is no JSON object. Nothing was compared: correct the lines, or take them out.',
  )
  await expect(skewOf()).rejects.toThrow('line 1: the log is empty')
})

const BAD: readonly (readonly [object | string, string])[] = [
  [{ ...key, orders: 3 }, 'it has no time "at", such as "2026-01-31T10:00:00Z"'],
  [{ ...key, at: 1_767_351_600, orders: 3 }, 'it has no time "at", such as "2026-01-31T10:00:00Z"'],
  [{ ...key, at: 'infinity', orders: 3 }, 'it has no time "at", such as "2026-01-31T10:00:00Z"'],
  [{ id: 1, ...at('11:00'), orders: 3 }, 'it has no key shop'],
  [{ ...key, id: null, ...at('11:00'), orders: 3 }, 'it has no key id'],
  [{ ...key, id: 1.5, ...at('11:00'), orders: 3 }, 'its id is none of the key: 1.5'],
  [{ ...key, shop: 5, ...at('11:00'), orders: 3 }, 'its shop is no string: 5'],
  [{ ...key, ...at('11:00') }, 'it has no value of the feature'],
  [{ ...key, ...at('11:00'), order: 3 }, 'the feature has no column order'],
  [{ ...key, ...at('11:00'), orders: 'three' }, 'its orders is no long: "three"'],
  [{ ...key, ...at('11:00'), is_new: 1 }, 'its is_new is no boolean: 1'],
  [{ ...key, ...at('11:00'), name: ['Ada'] }, 'its name is no string: ["Ada"]'],
  ['{"id":1,"shop":"a/b","at":"2026-01-02T11:00:00Z","orders":3,"orders":4}', 'it has a name twice'],
]

test('each kind of bad line is named with what is wrong', async () => {
  const good = { ...key, ...at('11:00'), orders: 3 }
  for (let from = 0; from < BAD.length; from += 5) {
    const bad = BAD.slice(from, from + 5)
    const problems = bad.map(([, problem], index) => `line ${index + 2}: ${problem}`).join('; ')
    await expect(skewOf(good, ...bad.map(([line]) => line), good)).rejects.toThrow(
      `The log served.ndjson cannot be compared: ${problems}. Nothing was compared: correct the lines, or take them out.`,
    )
  }
})

test('of many bad lines the first are named and all counted', async () => {
  await expect(skewOf(...Array.from({ length: 9 }, () => '?'))).rejects.toThrow(
    'line 5: it is no JSON; and 4 more lines',
  )
})

test('a feature that keeps no history is refused with the way on', async () => {
  const bare = { ...feature, name: 'bare', keepsHistory: false }
  const problem =
    'The feature bare has no history, so nobody can tell what it held at an earlier time. Set keep_history: true in features/bare.yml and run `tributary feature refresh bare`: the history begins then.'
  const log = { name: 'served.ndjson', chunks: cut('{}\n') }
  await expect(featureSkew(lake, engine, bare, log)).rejects.toThrow(problem)
  await expect(featureHistory(engine, lake, bare, '1/a')).rejects.toThrow(problem)
})
