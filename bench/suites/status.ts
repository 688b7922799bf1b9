import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { laterBatches } from '../batches.ts'
import { prepareDataset } from '../dataset.ts'
import { atMost, baseFigures, figureOf, valuesOf } from '../figures.ts'
import { ORDERS } from '../orders.ts'
import { copyFolder } from '../places.ts'
import { cacheOf, changesName, landingOf, makeBase } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import type { Outcome } from '../suite.ts'

const STATUS_MS_MAX = 400

/** `tributary status` with a file waiting: it looks, and so must not load what reads and writes rows. */
export async function status(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const [batch = ''] = await laterBatches(dataset, { changes: bench.options.changes, count: 1 })
  const runs = await runRounds(
    bench,
    'orders/status',
    bench.programs.map(
      ({ suffix, root }): Contender => ({
        name: `status${suffix}`,
        prepare: async (folder) => {
          await copyFolder(base.folder, folder)
          await link(batch, join(landingOf(folder, ORDERS.shape.table), changesName(2)))
        },
        command: (folder) => [join(root, 'bin', 'tributary'), 'status', '-C', folder],
        environment: cacheOf,
        check: async () => {},
      }),
    ),
  )
  const loads = runs.filter(({ measured }) => measured.hasDuckdb).length
  return {
    work: `status of a table of ${dataset.rows} rows while a file waits`,
    runs,
    figures: [
      figureOf('tributary status, whole process', 'ms', valuesOf(runs, 'status'), atMost(STATUS_MS_MAX)),
      figureOf('of these, with DuckDB loaded', 'runs', [loads], atMost(0)),
      ...baseFigures(runs),
    ],
  }
}
