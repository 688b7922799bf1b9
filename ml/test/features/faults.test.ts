// Nothing half published: a refresh is one commit, and the table of served rows is brought up to it by whoever comes next.
import { type Engine, openEngine } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkFeature } from '../../src/features/check-feature.ts'
import { defineFeature } from '../../src/features/definition.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { failAt } from '../failing-store.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
  await place.create('s.rows', { id: 'long', n: 'long' }, [{ id: 1n, n: 1n }])
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

const feature = defineFeature({ feature: 'f', entity: ['id'], sql: 'SELECT id, n FROM s.rows', keep_history: true })

test.each(['before', 'after'] as const)(
  'a refresh that fails %s any of its writes did nothing or all, and no served row is lost or doubled',
  async (moment) => {
    let isDone = false
    for (let write = 0; !isDone; write += 1) {
      await place.upsert('s.rows', 'id', [{ id: 1n, n: BigInt(write) + (moment === 'after' ? 1000n : 100n) }])
      const { wrap, hasFailed } = failAt({ write, moment })
      const lake = { ...place.lake, tableStore: (name: string) => wrap(place.lake.tableStore(name)) }
      const outcome = await refreshFeature(lake, engine, feature).catch((error: unknown) => error)
      expect(outcome instanceof Error).toBe(hasFailed())
      isDone = !hasFailed()
      await refreshFeature(place.lake, engine, feature)
      expect((await checkFeature(place.lake, engine, feature)).examples).toEqual([])
    }
    const served = (await place.rowsOf('features.f__history')).map((row) => Number(row.split(' ')[1]))
    expect(served.filter((n) => (moment === 'after' ? n >= 1000 : n >= 100 && n < 1000))).toEqual(
      (await valuesWritten(moment)).map(Number),
    )
  },
)

/** Each value was served once: the table went from one to the next in order. */
async function valuesWritten(moment: 'before' | 'after'): Promise<readonly string[]> {
  const [row = ''] = await place.rowsOf('s.rows')
  const newest = Number(row.split(' ')[1])
  const first = moment === 'after' ? 1000 : 100
  return Array.from({ length: newest - first + 1 }, (_, index) => String(first + index))
}
