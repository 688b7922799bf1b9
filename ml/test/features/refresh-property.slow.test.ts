// The same histories from end to end: Delta tables, their change feeds and time travel, refreshes with commits. Slow because each step is
// a handful of commits.

import { type Engine, openEngine, openTable, TributaryError } from '@tributary/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { times } from '../../../delta/test/soak.ts'
import { checkFeature } from '../../src/features/check-feature.ts'
import { defineFeature } from '../../src/features/definition.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'
import { type History, historiesOf } from './incremental.ts'
import { hoursMs, type TestRow } from './random-feature.ts'

let engine: Engine
beforeAll(async () => {
  engine = await openEngine({ threads: 2 })
})
afterAll(() => engine.close())

const TYPES = {
  id: 'integer',
  k: 'integer',
  j: 'integer',
  v: 'integer',
  m: 'decimal(9,2)',
  d: 'double',
  t: 'timestamp',
  s: 'string',
} as const

test('a feature over live Delta tables holds after each refresh what its SQL gives at that cut', async () => {
  let refreshes = 0
  await fc.assert(
    fc.asyncProperty(historiesOf({ minLength: 2, maxLength: 4 }), async (history) => {
      const place = await featureLake(engine)
      try {
        refreshes += await follow(place, history)
      } finally {
        await place.close()
      }
    }),
    { numRuns: times(15, 400) },
  )
  expect(refreshes).toBeGreaterThan(20)
})

/** How many refreshes were incremental. */
async function follow(place: FeatureLake, { sql, entity, states }: History): Promise<number> {
  const named = sql.replaceAll(/\bt([012])\b(?= [abc]\b)/g, 'shop.t$1')
  const feature = defineFeature({
    name: 'random',
    entity: [...entity],
    sql: named,
    refresh: { mode: 'incremental' },
  })
  let incremental = 0
  for (const [index, { tables, hour }] of states.entries()) {
    for (const [table, rows] of tables.entries()) {
      const name = `shop.t${table}`
      if (index === 0) await place.create(name, TYPES, rows.map(cellsOf))
      else await change(place, name, { from: states[index - 1]?.tables[table] ?? [], to: rows })
    }
    const outcome = await refreshFeature(place.lake, engine, feature, { asOfMs: hoursMs(hour) }).catch(refusalOf)
    if (outcome === 'refused') return incremental
    if (outcome.mode === 'incremental') incremental += 1
    const { examples } = await checkFeature(place.lake, engine, feature)
    expect(examples).toEqual([])
  }
  return incremental
}

function refusalOf(error: unknown): 'refused' {
  if (error instanceof TributaryError && error.code === 'FEATURE_SQL_REFUSED') return 'refused'
  throw error
}

function cellsOf({ t, m, ...row }: TestRow): Readonly<Record<string, number | string | null>> {
  return { ...row, m: m === null ? null : m.toFixed(2), t: t === null ? null : new Date(hoursMs(t)).toISOString() }
}

async function change(
  place: FeatureLake,
  name: string,
  { from, to }: { readonly from: readonly TestRow[]; readonly to: readonly TestRow[] },
): Promise<void> {
  if (from === to) return
  for (const { id } of from) if (!to.some((row) => row.id === id)) await place.remove(name, 'id', id)
  if (to.length > 0) await place.upsert(name, 'id', to.map(cellsOf))
  // Rows that only move to other files are no change.
  await using table = await openTable(place.pathOf(name), { engine, clock: place.clock })
  await table.optimize()
}
