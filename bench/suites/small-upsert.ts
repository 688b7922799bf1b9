import { laterBatches } from '../batches.ts'
import { prepareDataset } from '../dataset.ts'
import { atMost, baseFigures, figureOf, ownMs, valuesOf } from '../figures.ts'
import { ORDERS } from '../orders.ts'
import { makeBase } from '../project.ts'
import { type Bench, runRounds } from '../rounds.ts'
import type { Outcome } from '../suite.ts'
import { warmWorker } from '../tributary.ts'

const CHANGES = 100
const MS_MAX = 150

/** A few changes into a large table: how long until they are durable. */
export async function smallUpsert(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const batches = await laterBatches(dataset, { changes: CHANGES })
  const runs = await runRounds(
    bench,
    'orders/small-upsert',
    bench.programs.map((program) => warmWorker(bench, program, { base, batches, name: 'tributary warm' })),
  )
  return {
    work: `${CHANGES} changes to random keys of ${dataset.rows} rows`,
    runs,
    figures: [
      figureOf(
        'from the file to the durable commit, warm',
        'ms',
        valuesOf(runs, 'tributary warm', ownMs),
        atMost(MS_MAX),
      ),
      ...baseFigures(runs),
    ],
  }
}
