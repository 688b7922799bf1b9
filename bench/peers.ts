// The other contenders of an upsert: what people use today, and the floor that nobody gets below.

import { join } from 'node:path'
import type { Dataset } from './dataset.ts'
import { assertSame, digestDelta } from './digest.ts'
import { copyFolder, DELTA_JARS, PYTHON, scriptOf } from './places.ts'
import type { Bench, Contender } from './rounds.ts'
import { csvColumns } from './shape.ts'

/** delta-rs's MERGE of one batch. */
export function deltaRsMerge(
  bench: Bench,
  { dataset, batch, name = 'delta-rs', roundsMax }: PeerWork & { readonly name?: string },
): Contender {
  const { key } = dataset.source.shape
  return {
    name,
    ...(roundsMax === undefined ? {} : { roundsMax }),
    prepare: (folder) => copyFolder(dataset.table, join(folder, 'table')),
    command: (folder) => [PYTHON, scriptOf('delta-rs.py'), 'merge', join(folder, 'table'), key.join(','), batch],
    check: (folder) => checkTable(bench, name, { dataset, folder, batches: [batch] }),
  }
}

/** What a peer is to apply. */
export interface PeerWork {
  readonly dataset: Dataset
  readonly batch: string
  readonly roundsMax?: number
}

/** Spark's MERGE of one batch after another one that warms it up; `vectors`: with deletion vectors. */
export function sparkMerge(
  bench: Bench,
  {
    dataset,
    batch,
    warmUp,
    mode,
    roundsMax,
  }: PeerWork & { readonly warmUp: string; readonly mode: 'rewrite' | 'vectors' },
): Contender {
  const name = mode === 'vectors' ? 'spark, deletion vectors' : 'spark'
  return {
    name,
    ...(roundsMax === undefined ? {} : { roundsMax }),
    prepare: (folder) => copyFolder(dataset.table, join(folder, 'table')),
    command: (folder) => [
      PYTHON,
      scriptOf('spark.py'),
      DELTA_JARS,
      folder,
      join(folder, 'table'),
      dataset.source.shape.key.join(','),
      mode,
      warmUp,
      batch,
    ],
    check: (folder) => checkTable(bench, name, { dataset, folder, batches: [warmUp, batch] }),
  }
}

/** The floor of an upsert: the batch is parsed and written as one Parquet file, again and again in one process. */
export function floorCopy({ dataset, batch }: PeerWork): Contender {
  return {
    name: 'floor',
    prepare: async () => {},
    command: (folder) => [
      process.execPath,
      scriptOf('copy.ts'),
      csvColumns(dataset.source.shape, { withOp: true }),
      '7',
      batch,
      join(folder, 'out.parquet'),
    ],
    check: async () => {},
  }
}

async function checkTable(
  { duck }: Bench,
  who: string,
  {
    dataset,
    folder,
    batches,
  }: { readonly dataset: Dataset; readonly folder: string; readonly batches: readonly string[] },
): Promise<void> {
  const digest = await digestDelta(duck, dataset.source.shape, join(folder, 'table'))
  assertSame(who, digest, await dataset.expected(batches))
}
