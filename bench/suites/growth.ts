import { laterBatches } from '../batches.ts'
import { prepareDataset } from '../dataset.ts'
import { anonMib, atLeast, atMost, figureOf, ownMs, ratiosOf, valuesOf } from '../figures.ts'
import type { BenchOptions } from '../options.ts'
import { ORDERS } from '../orders.ts'
import { deltaRsMerge } from '../peers.ts'
import { makeBase } from '../project.ts'
import { type Bench, type Contender, type Program, runRounds } from '../rounds.ts'
import type { Outcome } from '../suite.ts'
import { warmWorker } from '../tributary.ts'

const ROUNDS_MAX = 3
const MEMORY_MIB_MAX = 400

/** The same batches into a tenth of the table, the table, and ten times the table. */
export async function growth(bench: Bench): Promise<Outcome> {
  const { changes, rows, seed } = bench.options
  const sizes = sizesOf(bench.options)
  const contenders: Contender[] = []
  for (const size of sizes) contenders.push(...(await contendersAt(bench, { rows: size, seed })))
  const runs = await runRounds(bench, 'orders/upsert-100m', contenders)
  const [, middle = rows, large = rows] = sizes
  const [ours, before, theirs] = [
    nameAt('tributary warm', large),
    nameAt('tributary warm', middle),
    nameAt('delta-rs', large),
  ]
  return {
    work: `${changes} changes to random keys of ${sizes.join(', ')} rows`,
    runs,
    figures: [
      figureOf(
        `a warm batch into ${large} rows takes, of the time into ${middle}`,
        'times',
        ratiosOf(runs, ours, before, ownMs),
        atMost(1.3),
      ),
      ...sizes.map((size) =>
        figureOf(
          `delta-rs’s MERGE takes, of the time of a warm batch of ours, ${size} rows`,
          'times',
          ratiosOf(runs, nameAt('delta-rs', size), nameAt('tributary warm', size), ownMs),
          size === large ? atLeast(300) : undefined,
        ),
      ),
      figureOf('peak RssAnon of the warm worker', 'MiB', valuesOf(runs, ours, anonMib), atMost(MEMORY_MIB_MAX)),
      figureOf('peak RssAnon of delta-rs', 'MiB', valuesOf(runs, theirs, anonMib)),
    ],
  }
}

/** The tables that take part. */
export function sizesOf({ rows }: Pick<BenchOptions, 'rows'>): readonly number[] {
  return [rows / 10, rows, rows * 10].map(Math.round)
}

function nameAt(name: string, rows: number): string {
  return `${name}, ${rows} rows`
}

async function contendersAt(
  bench: Bench,
  { rows, seed }: { readonly rows: number; readonly seed: number },
): Promise<readonly Contender[]> {
  const { changes } = bench.options
  const dataset = await prepareDataset(bench, ORDERS, { rows, seed })
  const base = await makeBase(bench, dataset)
  const batches = await laterBatches(dataset, { changes })
  const program: Program = { suffix: '', root: bench.programs[0]?.root ?? '' }
  const warm = warmWorker(bench, program, { base, batches, name: nameAt('tributary warm', rows) })
  return [
    { ...warm, roundsMax: ROUNDS_MAX },
    deltaRsMerge(bench, { dataset, batch: batches[0] ?? '', name: nameAt('delta-rs', rows), roundsMax: ROUNDS_MAX }),
  ]
}
