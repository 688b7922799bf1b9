// A published dataset in the form that a training program takes, beside its Parquet files.
import { attachStore, type Engine, quoteText, type StructField } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { exportRefused } from '../errors.ts'
import { folderOf, type Manifest } from './manifest.ts'
import { assertChannels, type ChannelFiles, writeChannels } from './sagemaker.ts'
import { filesSql, storedRows } from './stored.ts'
import { assertFinite, cellSql, numbersOf } from './xgboost-columns.ts'

/** Programs that a dataset can be written for. `sagemaker` reads the Parquet files that are there. */
export const EXPORT_TARGETS = ['sagemaker', 'sagemaker-xgboost', 'csv', 'jsonl'] as const

/** One of `EXPORT_TARGETS`. */
export type ExportTarget = (typeof EXPORT_TARGETS)[number]

/** What was written. */
export interface ExportSummary {
  readonly schema: 'tributary.dataset-export/1'
  readonly dataset: string
  readonly target: ExportTarget
  readonly files: readonly string[]
  /** The columns, in order. */
  readonly columns: readonly string[]
  /** For SageMaker: `InputDataConfig` of CreateTrainingJob. */
  readonly input_data_config?: readonly unknown[]
}

/** How to write it. */
export interface ExportOptions {
  /** One of `EXPORT_TARGETS`. */
  readonly target: string
  /** Columns to leave out. */
  readonly drop?: readonly string[]
  /** How many instances of a training job share the files; each gets all of them when it is left out. */
  readonly instances?: number
}

/**
 * Writes each part for a target, below `export/<target>/` in the dataset's folder: a file for each of its Parquet files, with the same rows.
 * Throws `EXPORT_REFUSED` where the target cannot take the columns, and for SageMaker `NOT_IN_S3`.
 */
export async function exportDataset(
  lake: Lake,
  engine: Engine,
  manifest: Manifest,
  { target: name, drop = [], instances }: ExportOptions,
): Promise<ExportSummary> {
  const target = parseTarget(name)
  if (instances !== undefined && !isForSageMaker(target))
    throw exportRefused(target, 'instances are those of a training job of SageMaker', 'Leave out --instances')
  const folder = target === 'sagemaker' ? folderOf(manifest) : `${folderOf(manifest)}export/${target}/`
  const contentType = target === 'sagemaker' ? 'application/x-parquet' : 'text/csv'
  const options = { target, folder, contentType, instances }
  if (isForSageMaker(target)) assertChannels(lake, partsOf(manifest), options)
  const done = await (target === 'sagemaker'
    ? asPublished(manifest, drop)
    : writeParts({ lake, engine, manifest }, { target, folder, drop }))
  const facts = { schema: 'tributary.dataset-export/1', dataset: `${manifest.name}@${manifest.id}`, target } as const
  const files = done.parts.flatMap((part) => part.files.map(({ path }) => folder + path))
  if (!isForSageMaker(target)) return { ...facts, files, columns: done.columns }
  const { lists, channels } = await writeChannels(lake, done.parts, options)
  const written = target === 'sagemaker' ? lists : [...files, ...lists]
  return { ...facts, files: written, columns: done.columns, input_data_config: channels }
}

interface Exported {
  readonly parts: readonly ChannelFiles[]
  readonly columns: readonly string[]
}

/** Forms that people ask for and that would serve them worse than one that is there, with the reason and the way on. */
export const NOT_WRITTEN: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  tfrecord: [
    'its records have no types for times, decimals and missing values',
    'Feed tf.data from batches() of tributary-data, which reads the Parquet files, or take --for csv',
  ],
  recordio: [
    'only old built-in algorithms of SageMaker read it, and XGBoost is none of them',
    'Take --for sagemaker or --for sagemaker-xgboost',
  ],
}

function parseTarget(name: string): ExportTarget {
  const target = EXPORT_TARGETS.find((known) => known === name)
  if (target !== undefined) return target
  const [problem, remedy] = NOT_WRITTEN[name] ?? ['there is no such form', `Take one of ${EXPORT_TARGETS.join(', ')}`]
  throw exportRefused(name, problem, remedy)
}

function isForSageMaker(target: ExportTarget): boolean {
  return target === 'sagemaker' || target === 'sagemaker-xgboost'
}

function partsOf({ splits }: Manifest): readonly ChannelFiles[] {
  return Object.entries(splits).map(([part, { files }]) => ({ part, files }))
}

/** The Parquet files as they are: what is proved of them holds. */
function asPublished(manifest: Manifest, drop: readonly string[]): Exported {
  if (drop.length > 0)
    throw exportRefused(
      'sagemaker',
      'a job reads the Parquet files as they were published, and these have all columns',
      'Leave out --drop and choose columns in the job',
    )
  return { parts: partsOf(manifest), columns: manifest.columns.map(({ name }) => name) }
}

interface Source {
  readonly lake: Lake
  readonly engine: Engine
  readonly manifest: Manifest
}

interface Form {
  readonly target: Exclude<ExportTarget, 'sagemaker'>
  readonly folder: string
  readonly drop: readonly string[]
}

async function writeParts({ lake, engine, manifest }: Source, { target, folder, drop }: Form): Promise<Exported> {
  const fork = await engine.fork()
  try {
    await attachStore(fork, lake.root)
    const { fields } = await storedRows(lake, fork, manifest)
    const isForXgboost = target === 'sagemaker-xgboost'
    const columns = isForXgboost ? numbersOf(manifest, fields, drop) : withoutDropped(fields, drop)
    if (isForXgboost) await assertFinite(lake, fork, { manifest, columns })
    const cells = columns.map((field) => cellSql(field, isForXgboost)).join(', ')
    const parts: ChannelFiles[] = []
    for (const [part, { files }] of Object.entries(manifest.splits)) {
      const written: { readonly path: string; readonly bytes: number }[] = []
      for (const file of files) {
        const path = file.path.replace(/\.parquet$/, target === 'jsonl' ? '.jsonl' : '.csv')
        const rows = await filesSql(lake, manifest, [file])
        const place = quoteText(await lake.root.locate(folder + path))
        await fork.run(`COPY (SELECT ${cells} FROM (${rows})) TO ${place} (${FORMATS[target]})`)
        const { sizeBytes } = await lake.root.sync(folder + path)
        written.push({ path, bytes: sizeBytes })
      }
      parts.push({ part, files: written })
    }
    return { parts, columns: columns.map(({ name }) => name) }
  } finally {
    await fork.close()
  }
}

const FORMATS: Readonly<Record<Form['target'], string>> = {
  'sagemaker-xgboost': 'FORMAT csv, HEADER false',
  csv: 'FORMAT csv, HEADER true',
  jsonl: 'FORMAT json',
}

function withoutDropped(fields: readonly StructField[], drop: readonly string[]): readonly StructField[] {
  return fields.filter(({ name }) => !drop.includes(name))
}
