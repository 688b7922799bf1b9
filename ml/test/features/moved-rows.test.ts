import { type Engine, openEngine, openTable } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineFeature } from '../../src/features/definition.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeEach(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
})
afterEach(async () => {
  await place.close()
  await engine.close()
})

// No changed row, so no key query: where there is nothing to look for, the types of the key are still those of the SQL.
test.each([
  ['one column of text', ['name'], 'SELECT name, count(*) AS n FROM shop.moved GROUP BY name'],
  ['columns of two types', ['name', 'id'], 'SELECT name, id, count(*) AS n FROM shop.moved GROUP BY name, id'],
  [
    'columns of two tables',
    ['name', 'id'],
    'SELECT a.name, b.id, count(*) AS n FROM shop.moved a JOIN shop.moved b ON a.id = b.id GROUP BY a.name, b.id',
  ],
])('rows that only move to other files change nothing, also for a key of %s', async (_, entity, sql) => {
  await place.create('shop.moved', { id: 'long', name: 'string' }, [{ id: 1n, name: 'Ada' }])
  await place.upsert('shop.moved', 'id', [{ id: 7n, name: '' }])
  const moved = defineFeature({ name: 'moved', entity, sql, refresh: { mode: 'incremental' } })
  await refreshFeature(place.lake, engine, moved)
  await using table = await openTable(place.pathOf('shop.moved'), { engine, clock: place.clock })
  expect(await table.optimize()).toMatchObject({ filesRemoved: 2 })
  expect(await refreshFeature(place.lake, engine, moved)).toMatchObject({
    kind: 'refreshed',
    mode: 'incremental',
    affected: 0,
    updated: 0,
    deleted: 0,
  })
})
