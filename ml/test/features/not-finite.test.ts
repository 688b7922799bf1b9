import { type Engine, openEngine } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkFeature } from '../../src/features/check-feature.ts'
import { defineFeature } from '../../src/features/definition.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
  await place.create('s.rows', { id: 'long', grp: 'string', value: 'double' }, [
    { id: 1n, grp: 'a', value: Number.NaN },
    { id: 2n, grp: 'a', value: 1 },
    { id: 3n, grp: 'b', value: Number.POSITIVE_INFINITY },
    { id: 4n, grp: 'b', value: Number.NEGATIVE_INFINITY },
    { id: 5n, grp: 'c', value: Number.POSITIVE_INFINITY },
  ])
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

const feature = defineFeature({
  name: 'odd',
  entity: ['grp'],
  sql: 'SELECT grp, sum(value) AS total, max(value) AS most, avg(value) AS mean FROM s.rows GROUP BY grp',
  refresh: { mode: 'incremental' },
})

test('a value that is no number is equal to itself: it is no change, and a full computation agrees', async () => {
  await refreshFeature(place.lake, engine, feature)
  // The exact sums of DuckDB that take the place of its others make NaN of a mean with an infinity.
  const rows = ['a NaN NaN NaN', 'b NaN Infinity NaN', 'c Infinity Infinity NaN']
  expect(await place.rowsOf('features.odd')).toEqual(rows)
  await place.upsert('s.rows', 'id', [{ id: 2n, grp: 'a', value: 2 }])
  expect(await refreshFeature(place.lake, engine, feature)).toMatchObject({
    affected: 1,
    inserted: 0,
    updated: 0,
    deleted: 0,
  })
  await place.upsert('s.rows', 'id', [{ id: 1n, grp: 'a', value: 5 }])
  expect(await refreshFeature(place.lake, engine, feature)).toMatchObject({ affected: 1, updated: 1 })
  expect(await place.rowsOf('features.odd')).toEqual(['a 7 5 3.5', ...rows.slice(1)])
  expect((await checkFeature(place.lake, engine, feature)).examples).toEqual([])
})
