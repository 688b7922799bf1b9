import { laterBatches } from '../batches.ts'
import { prepareDataset } from '../dataset.ts'
import { anonMib, atLeast, atMost, baseFigures, type Figure, figureOf, ownMs, ratiosOf, valuesOf } from '../figures.ts'
import { ORDERS } from '../orders.ts'
import { deltaRsMerge, floorCopy, sparkMerge } from '../peers.ts'
import { type Base, makeBase } from '../project.ts'
import { type Bench, type Run, runRounds } from '../rounds.ts'
import type { Outcome } from '../suite.ts'
import { warmWorker, wholeProcess } from '../tributary.ts'

const MEMORY_MIB_MAX = 300
/** Spark's and delta-rs's runs take minutes. */
const SLOW_ROUNDS_MAX = 3

/** Changes to random keys of a table, by everybody. */
export async function upsert(bench: Bench): Promise<Outcome> {
  const { changes } = bench.options
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const [batches, recent] = [
    await laterBatches(dataset, { changes }),
    await laterBatches(dataset, { changes, keys: 'recent' }),
  ]
  const [[warmUp = ''], [batch = '']] = [base.batches, batches]
  const runs = await runRounds(bench, 'orders/upsert', [
    ...bench.programs.flatMap((program) => [
      wholeProcess(bench, program, { base, batch, index: 'kept' }),
      wholeProcess(bench, program, { base, batch, index: 'none' }),
      warmWorker(bench, program, { base, batches, name: 'tributary warm' }),
      warmWorker(bench, program, { base, batches: recent, name: 'tributary warm, recent keys' }),
    ]),
    deltaRsMerge(bench, { dataset, batch, roundsMax: SLOW_ROUNDS_MAX }),
    deltaRsMerge(bench, {
      dataset,
      batch: recent[0] ?? '',
      name: 'delta-rs, recent keys',
      roundsMax: SLOW_ROUNDS_MAX,
    }),
    ...(['rewrite', 'vectors'] as const).map((mode) =>
      sparkMerge(bench, { dataset, batch, warmUp, mode, roundsMax: SLOW_ROUNDS_MAX }),
    ),
    floorCopy({ dataset, batch }),
  ])
  return { work: workText(base, changes), runs, figures: [...figures(runs), ...baseFigures(runs)] }
}

function workText({ dataset }: Base, changes: number): string {
  return `${changes} changes to ${dataset.rows} rows, random keys unless it says recent: 80 % updates, 15 % inserts, 5 % deletes`
}

function figures(runs: readonly Run[]): readonly Figure[] {
  const warm = (peer: string): readonly number[] => ratiosOf(runs, peer, 'tributary warm', ownMs)
  const spark = 'Spark’s MERGE takes, of the time of a warm batch of ours'
  return [
    figureOf('delta-rs’s MERGE takes, of the time of a warm batch of ours', 'times', warm('delta-rs'), atLeast(40)),
    figureOf(spark, 'times', warm('spark'), atLeast(150)),
    figureOf(`${spark}, with deletion vectors`, 'times', warm('spark, deletion vectors'), atLeast(80)),
    figureOf(
      'delta-rs’s MERGE takes, of the time of a warm batch of ours, recent keys',
      'times',
      ratiosOf(runs, 'delta-rs, recent keys', 'tributary warm, recent keys', ownMs),
    ),
    figureOf(
      'a warm batch of ours takes, of the time of the floor in a warm process',
      'times',
      ratiosOf(runs, 'tributary warm', 'floor', ownMs),
      atMost(2),
    ),
    figureOf(
      'delta-rs takes, of the time of tributary ingest, whole processes',
      'times',
      ratiosOf(runs, 'delta-rs', 'tributary'),
      atLeast(15),
    ),
    figureOf(
      'delta-rs takes, of the time of tributary ingest without an index, whole processes',
      'times',
      ratiosOf(runs, 'delta-rs', 'tributary, no index'),
    ),
    figureOf(
      'tributary ingest takes, of the time of the floor, whole processes',
      'times',
      ratiosOf(runs, 'tributary', 'floor'),
    ),
    figureOf('peak RssAnon of tributary ingest', 'MiB', valuesOf(runs, 'tributary', anonMib), atMost(MEMORY_MIB_MAX)),
    figureOf('peak RssAnon of delta-rs', 'MiB', valuesOf(runs, 'delta-rs', anonMib)),
  ]
}
