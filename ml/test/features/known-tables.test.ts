import { rm } from 'node:fs/promises'
import { type Engine, openEngine } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineFeature, refreshFeature, refreshMemory } from '../../src/index.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

test('a table that is made anew is another one, also to a process that knows the old one', async () => {
  const memory = refreshMemory()
  const feature = defineFeature({ name: 'anew', entity: ['id'], sql: 'SELECT id, n FROM shop.anew' })
  const rows = (...ns: readonly bigint[]) => ns.map((n, index) => ({ id: BigInt(index), n }))
  await place.create('shop.anew', { id: 'long', n: 'long' }, rows(1n, 2n))
  await refreshFeature(place.lake, engine, feature, { memory })
  await rm(place.pathOf('shop.anew'), { recursive: true })
  // As many commits as before.
  await place.create('shop.anew', { id: 'long', n: 'long' }, rows(7n))
  const { kind, mode } = await refreshFeature(place.lake, engine, feature, { memory })
  expect([kind, mode, await place.rowsOf('features.anew')]).toEqual(['refreshed', 'full', ['0 7']])
})
