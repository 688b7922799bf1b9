import { link, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { laterBatches } from '../batches.ts'
import { prepareDataset } from '../dataset.ts'
import { anonMib, atLeast, figureOf, valuesOf } from '../figures.ts'
import { ORDERS } from '../orders.ts'
import { copyFolder, scriptIn } from '../places.ts'
import { changesName, checkLake, indexFolderOf, landingOf, makeBase } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import type { Outcome } from '../suite.ts'

const KEYS_A_SECOND_MIN = 500_000

/** The key index of a table that has none. */
export async function indexBuild(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const [batch = ''] = await laterBatches(dataset, { changes: bench.options.changes, count: 1 })
  const runs = await runRounds(
    bench,
    'orders/index-build',
    bench.programs.map(
      ({ suffix, root }): Contender => ({
        name: `tributary${suffix}`,
        prepare: async (folder) => {
          await copyFolder(base.folder, folder)
          await rm(indexFolderOf(folder), { recursive: true })
          await link(batch, join(landingOf(folder, ORDERS.shape.table), changesName(2)))
        },
        command: (folder) => [process.execPath, scriptIn(root, 'build-index.ts'), folder, indexFolderOf(folder)],
        check: (folder) => checkLake(bench, base, { folder, more: [batch] }),
      }),
    ),
  )
  return {
    work: `the key index of ${dataset.rows} rows, after the first batch that missed it`,
    runs,
    figures: [
      figureOf(
        'keys',
        'a second',
        valuesOf(runs, 'tributary', ({ own }) => ((own.keys ?? 0) / (own.ms ?? Number.NaN)) * 1000),
        atLeast(KEYS_A_SECOND_MIN),
      ),
      figureOf('peak RssAnon of the worker', 'MiB', valuesOf(runs, 'tributary', anonMib)),
    ],
  }
}
