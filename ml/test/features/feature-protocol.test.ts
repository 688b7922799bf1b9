import { type Engine, openEngine, readSnapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineFeature } from '../../src/features/definition.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
  await place.create('shop.customers', { id: 'long', name: 'string' }, [{ id: 1n, name: 'Ada' }])
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

test('columns of a type that needs a feature of the table bring it along, and so where what was served is kept', async () => {
  const sql = 'SELECT id AS customer, name FROM shop.customers'
  const named = defineFeature({ name: 'named', entity: ['customer'], sql, keep_history: true })
  await refreshFeature(place.lake, engine, named)
  await refreshFeature(place.lake, engine, {
    ...named,
    sql: sql.replace('name', "name, TIMESTAMP '2026-01-01 10:00:00' AS since"),
  })
  for (const table of ['features.named', 'features.named__history']) {
    const { protocol, version } = await readSnapshot(place.lake.tableStore(table))
    expect(version).toBe(1)
    expect(protocol.readerFeatures).toContain('timestampNtz')
    expect(protocol.writerFeatures).toContain('timestampNtz')
  }
})
