// What the built-in XGBoost of SageMaker takes: numbers, without names.
import { type Engine, quoteName, type StructField } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { exportRefused } from '../errors.ts'
import { isNumber } from './column-kind.ts'
import type { Manifest } from './manifest.ts'
import { storedRows } from './stored.ts'

/** SQL for a value as a form has it. */
export function cellSql(field: StructField, isForXgboost: boolean): string {
  const column = quoteName(field.name)
  if (!isForXgboost) return column
  if (field.type === 'boolean') return `CAST(${column} AS INTEGER) AS ${column}`
  // An empty field is what XGBoost takes for a missing value.
  return isFloating(field) ? `CASE WHEN NOT isnan(${column}) THEN ${column} END AS ${column}` : column
}

function isFloating({ type }: StructField): boolean {
  return type === 'double' || type === 'float'
}

/** Says no to infinities. Throws `EXPORT_REFUSED`. */
export async function assertFinite(
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

/** The label, the weight where there is one, and then the features: XGBoost of SageMaker knows columns by their places. Throws `EXPORT_REFUSED`. */
export function numbersOf(
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
