// A published dataset in the form that a training program takes, beside its Parquet files.
import { attachStore, type Engine, quoteName, quoteText, type StructField } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { exportRefused } from '../errors.ts'
import { isNumber } from './column-kind.ts'
import { folderOf, type Manifest } from './manifest.ts'
import { storedRows } from './stored.ts'

/** Programs that a dataset can be written for. */
export const EXPORT_TARGETS = ['sagemaker-xgboost', 'csv', 'jsonl'] as const

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

/**
 * Writes each part for a target, below `export/<target>/` in the dataset's folder. `drop` leaves columns out.
 * Throws `EXPORT_REFUSED` where the target cannot take the columns.
 */
export async function exportDataset(
  lake: Lake,
  engine: Engine,
  manifest: Manifest,
  { target, drop = [] }: { readonly target: ExportTarget; readonly drop?: readonly string[] },
): Promise<ExportSummary> {
  const fork = await engine.fork()
  try {
    await attachStore(fork, lake.root)
    const { fields } = await storedRows(lake, fork, manifest)
    const columns = target === 'sagemaker-xgboost' ? numbersOf(manifest, fields, drop) : withoutDropped(fields, drop)
    if (target === 'sagemaker-xgboost') await assertFinite(lake, fork, { manifest, columns })
    const folder = `${folderOf(manifest)}export/${target}/`
    const files: string[] = []
    for (const part of Object.keys(manifest.splits)) {
      const path = `${part}/00000.${target === 'jsonl' ? 'jsonl' : 'csv'}`
      const { sql } = await storedRows(lake, fork, manifest, part)
      await fork.run(
        `COPY (SELECT ${columns.map((field) => cellSql(field, target)).join(', ')} FROM (${sql})) TO ${quoteText(await lake.root.locate(folder + path))} (${FORMATS[target]})`,
      )
      await lake.root.sync(folder + path)
      files.push(folder + path)
      if (target === 'sagemaker-xgboost') {
        const listed = [{ prefix: `${lake.root.url}${folder}${part}/` }, '00000.csv']
        await lake.root.write(`${folder}${part}.manifest`, Buffer.from(`${JSON.stringify(listed)}\n`))
        files.push(`${folder}${part}.manifest`)
      }
    }
    return {
      schema: 'tributary.dataset-export/1',
      dataset: `${manifest.name}@${manifest.id}`,
      target,
      files,
      columns: columns.map(({ name }) => name),
      ...(target === 'sagemaker-xgboost' ? { input_data_config: inputDataConfig(lake, manifest, folder) } : {}),
    }
  } finally {
    await fork.close()
  }
}

const FORMATS: Readonly<Record<ExportTarget, string>> = {
  'sagemaker-xgboost': 'FORMAT csv, HEADER false',
  csv: 'FORMAT csv, HEADER true',
  jsonl: 'FORMAT json',
}

function cellSql(field: StructField, target: ExportTarget): string {
  const column = quoteName(field.name)
  if (target !== 'sagemaker-xgboost') return column
  if (field.type === 'boolean') return `CAST(${column} AS INTEGER) AS ${column}`
  // An empty field is what XGBoost takes for a missing value.
  return isFloating(field) ? `CASE WHEN NOT isnan(${column}) THEN ${column} END AS ${column}` : column
}

function isFloating({ type }: StructField): boolean {
  return type === 'double' || type === 'float'
}

async function assertFinite(
  lake: Lake,
  engine: Engine,
  { manifest, columns }: { readonly manifest: Manifest; readonly columns: readonly StructField[] },
): Promise<void> {
  const floating = columns.filter(isFloating)
  if (floating.length === 0) return
  const { sql } = await storedRows(lake, engine, manifest)
  const items = floating.map(({ name }, index) => `count_if(isinf(${quoteName(name)})) AS c${index}`)
  const [counts] = await engine.all(`SELECT ${items.join(', ')} FROM (${sql})`)
  const infinite = floating.flatMap(({ name }, index) => (Number(counts?.[`c${index}`]) > 0 ? [name] : []))
  if (infinite.length > 0)
    throw exportRefused(
      'sagemaker-xgboost',
      `${infinite.join(', ')} ${infinite.length === 1 ? 'has' : 'have'} infinite values, and it takes none`,
      `Leave them out with --drop ${infinite.join(',')}, or bound them in the spine`,
    )
}

function withoutDropped(fields: readonly StructField[], drop: readonly string[]): readonly StructField[] {
  return fields.filter(({ name }) => !drop.includes(name))
}

/** The label, the weight where there is one, and then the features: XGBoost of SageMaker knows columns by their places. */
function numbersOf(
  manifest: Manifest,
  fields: readonly StructField[],
  drop: readonly string[],
): readonly StructField[] {
  const refuse = (problem: string, remedy: string): never => {
    throw exportRefused('sagemaker-xgboost', problem, remedy)
  }
  const label = fields.find(({ name }) => name === manifest.label)
  if (label === undefined) return refuse('it has no label, which has to be the first column', 'Set spine.label')
  const weight = fields.filter(({ name }) => name === 'weight')
  // Key and time tell rows apart and are no features.
  const left = new Set([...manifest.key, manifest.at, label.name, 'weight', ...drop])
  const features = fields.filter(({ name }) => !left.has(name))
  const texts = [label, ...features].filter((field) => !isNumber(field)).map(({ name }) => name)
  if (texts.length > 0)
    return refuse(
      `${texts.join(', ')} ${texts.length === 1 ? 'is no number' : 'are no numbers'}, and it takes only those`,
      `Leave them out with --drop ${texts.join(',')}, or make numbers of them in the spine`,
    )
  return [label, ...weight, ...features]
}

function inputDataConfig(lake: Lake, manifest: Manifest, folder: string): readonly unknown[] {
  // SageMaker's own name of the second channel.
  const channels: Readonly<Record<string, string>> = { val: 'validation' }
  return Object.keys(manifest.splits).map((part) => ({
    ChannelName: channels[part] ?? part,
    ContentType: 'text/csv',
    CompressionType: 'None',
    InputMode: 'File',
    DataSource: {
      S3DataSource: {
        S3DataType: 'ManifestFile',
        S3Uri: `${lake.root.url}${folder}${part}.manifest`,
        S3DataDistributionType: 'FullyReplicated',
      },
    },
  }))
}
