// Nothing half published: a refresh is one commit, and the table of served rows is brought up to it by whoever comes next.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, openEngine, readSnapshot, writeCheckpoint } from '@tributary/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

const feature = defineFeature({ name: 'f', entity: ['id'], sql: 'SELECT id, n FROM s.rows', keep_history: true })

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

describe('where the history cannot follow version by version', () => {
  const define = (feature: string) =>
    defineFeature({ name: feature, entity: ['id'], sql: `SELECT id, n FROM shop.${feature}`, keep_history: true })
  const served = async (feature: string): Promise<readonly string[]> =>
    (await place.rowsOf(`features.${feature}__history`)).map((row) => row.replaceAll(/ ?2026\S+/g, ''))
  const begin = async (feature: string): Promise<void> => {
    const rows = [1n, 2n, 3n].map((id) => ({ id, n: 1n }))
    await place.create(`shop.${feature}`, { id: 'long', n: 'long' }, rows)
    await refreshFeature(place.lake, engine, define(feature))
    await place.remove(`shop.${feature}`, 'id', 2n)
  }

  test('keys that went in versions that are gone have an end in it', async () => {
    await begin('cleaned')
    // As if two runs had died before they wrote the history, and the log had been cleaned up since.
    const without = { ...define('cleaned'), keepsHistory: false }
    await refreshFeature(place.lake, engine, without)
    await place.upsert('shop.cleaned', 'id', [{ id: 3n, n: 3n }])
    await refreshFeature(place.lake, engine, without)
    const feature = await readSnapshot(place.lake.tableStore('features.cleaned'))
    await writeCheckpoint(engine, place.clock, feature)
    for (const version of [0, 1])
      await rm(join(place.pathOf('features.cleaned'), '_delta_log', `${String(version).padStart(20, '0')}.json`))
    await refreshFeature(place.lake, engine, define('cleaned'), { dryRun: true })
    expect(await served('cleaned')).toEqual(['1 1 0 I', '2 1 0 I', '3 1 0 I', 'null null 0 R'])
    await refreshFeature(place.lake, engine, define('cleaned'))
    expect(await served('cleaned')).toEqual([
      '1 1 0 I',
      '1 1 2 I',
      '2 1 0 I',
      '2 null 2 D',
      '3 1 0 I',
      '3 3 2 I',
      'null null 0 R',
      'null null 2 R',
    ])
  })

  test('a table that was made anew goes on in it', async () => {
    await begin('anew')
    await rm(place.pathOf('features.anew'), { recursive: true })
    place.clock.set(place.clock.now() + 1000)
    await refreshFeature(place.lake, engine, define('anew'))
    expect(await served('anew')).toEqual([
      '1 1 0 I',
      '1 1 0 I',
      '2 1 0 I',
      '2 null 0 D',
      '3 1 0 I',
      '3 1 0 I',
      'null null 0 R',
      'null null 0 R',
    ])
  })
})
