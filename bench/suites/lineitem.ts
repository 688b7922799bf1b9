import { laterBatches } from '../batches.ts'
import { prepareDataset } from '../dataset.ts'
import { baseFigures, type Figure, figureOf, ownMs, ratiosOf } from '../figures.ts'
import { LINEITEM } from '../lineitem.ts'
import { deltaRsMerge } from '../peers.ts'
import { makeBase } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import type { BatchSpec } from '../source.ts'
import type { Outcome } from '../suite.ts'
import { warmWorker } from '../tributary.ts'

const ROUNDS_MAX = 3
const KINDS = ['random', 'recent'] as const

/** TPC-H's line items, whose key has two columns: changes to random keys, and to keys of the newest hundredth. */
export async function lineitem(bench: Bench): Promise<Outcome> {
  const { changes } = bench.options
  const dataset = await prepareDataset(bench, LINEITEM, bench.options)
  const base = await makeBase(bench, dataset)
  const contenders: Contender[] = []
  for (const keys of KINDS) {
    const batches = await laterBatches(dataset, { changes, keys })
    const [batch = ''] = batches
    for (const program of bench.programs)
      contenders.push(warmWorker(bench, program, { base, batches, name: nameOf('tributary warm', keys) }))
    contenders.push(deltaRsMerge(bench, { dataset, batch, name: nameOf('delta-rs', keys), roundsMax: ROUNDS_MAX }))
  }
  const runs = await runRounds(bench, 'lineitem/upsert', contenders)
  const figures = KINDS.map((keys): Figure => {
    const [theirs, ours] = [nameOf('delta-rs', keys), nameOf('tributary warm', keys)]
    return figureOf(
      `delta-rs’s MERGE takes, of the time of a warm batch of ours, ${keys} keys`,
      'times',
      ratiosOf(runs, theirs, ours, ownMs),
    )
  })
  return {
    work: `${changes} changes to ${dataset.rows} line items of TPC-H, key of two columns`,
    runs,
    figures: [...figures, ...baseFigures(runs)],
  }
}

function nameOf(name: string, keys: BatchSpec['keys']): string {
  return `${name}, ${keys} keys`
}
