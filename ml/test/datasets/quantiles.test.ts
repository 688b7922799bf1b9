// The ranks that bins of equally many rows begin and end at.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantilesOf } from '../../src/datasets/quantiles.ts'
import { useEngine } from './lake.ts'

const engine = useEngine()

test('bounds of bins are what quantile_disc gives, of columns of any length and with missing values', async () => {
  const column = fc.array(fc.option(fc.integer({ min: -5, max: 5 })), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(column, fc.constantFrom(1, 4, 20), async (values, bins) => {
      await engine().run(
        `CREATE OR REPLACE TEMP TABLE ranked AS SELECT * FROM (VALUES ${values.map((each) => `(${each}::DOUBLE)`).join(', ')}) t(v)`,
      )
      const count = values.filter((each) => each !== null).length
      const shares = Array.from({ length: bins + 1 }, (_, index) => index / bins).join(', ')
      const [row] = await engine().all(`SELECT quantile_disc(v, [${shares}]) AS q FROM ranked`)
      const [bounds] = await quantilesOf(engine(), 'FROM ranked', { values: [{ sql: 'v', count }], bins })
      expect(bounds).toEqual(row?.['q'] ?? [])
    }),
    { numRuns: 40 },
  )
})
