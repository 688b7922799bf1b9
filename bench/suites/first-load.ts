import { join } from 'node:path'
import { prepareDataset } from '../dataset.ts'
import { assertSame, digestParquet } from '../digest.ts'
import { anonMib, atMost, baseFigures, figureOf, ratiosOf, valuesOf } from '../figures.ts'
import { ORDERS } from '../orders.ts'
import { scriptOf } from '../places.ts'
import { cacheOf, checkLake, loadFiles, makeProject } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import { csvColumns } from '../shape.ts'
import type { Outcome } from '../suite.ts'

/** A full load of CSV files: every record counted and checked, keys proved unique. The peer only copies. */
export async function firstLoad(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const files = await loadFiles(dataset)
  const contenders = bench.programs.map(
    ({ suffix, root }): Contender => ({
      name: `tributary${suffix}`,
      prepare: (folder) => makeProject(folder, dataset, files),
      command: (folder) => [join(root, 'bin', 'tributary'), 'ingest', '-C', folder],
      environment: cacheOf,
      check: (folder) => checkLake(bench, { dataset, batches: [] }, { folder, more: [] }),
    }),
  )
  const runs = await runRounds(bench, 'orders/first-load', [
    ...contenders,
    {
      name: 'duckdb copy',
      prepare: async () => {},
      command: (folder) => [
        process.execPath,
        scriptOf('copy.ts'),
        csvColumns(ORDERS.shape, { withOp: false }),
        '1',
        join(Object.values(files)[0] ?? '', '..', '*.csv'),
        join(folder, 'out.parquet'),
      ],
      check: async (folder) =>
        assertSame(
          'duckdb copy',
          await digestParquet(bench.duck, ORDERS.shape, join(folder, 'out.parquet')),
          await dataset.expected([]),
        ),
    },
  ])
  return {
    work: `first load of ${dataset.rows} rows of CSV in ${Object.keys(files).length} files`,
    runs,
    figures: [
      figureOf(
        'Tributary takes, of the time of DuckDB’s COPY',
        'times',
        ratiosOf(runs, 'tributary', 'duckdb copy'),
        atMost(1.5),
      ),
      figureOf('Tributary’s peak RssAnon', 'MiB', valuesOf(runs, 'tributary', anonMib)),
      ...baseFigures(runs),
    ],
  }
}
