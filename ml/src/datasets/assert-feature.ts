// What is known to be wrong with a feature before a row is read: columns that its table has not, or that do not fit what is done with them.
import { duckdbType } from '@tributary/delta'
import { datasetFeatureInvalid } from '../errors.ts'
import { type Aggregate, isRunning } from './aggregate.ts'
import { kindOf } from './column-kind.ts'
import type { Feature } from './definition.ts'
import { columnsRead, typeOf } from './extract-features.ts'
import type { GuardFinding } from './manifest.ts'
import { columnOf, liveName, type Source } from './sources.ts'
import type { QueryColumn } from './spine.ts'

/** Refuses a feature that its table cannot give. Throws `DATASET_FEATURE_INVALID`. */
export function assertFeature(feature: Feature, source: Source): void {
  const missing = columnsRead(feature).find((column) => columnOf(source, column) !== column)
  if (missing !== undefined) {
    const names = source.snapshot.schema.fields.map(({ name }) => name).filter((name) => !name.startsWith('__'))
    throw datasetFeatureInvalid(
      feature.as,
      `${source.name} has no column ${missing}`,
      `It has ${names.join(', ')}. Correct the name`,
    )
  }
  if (feature.kind === 'window') assertWindow(feature, source)
  if (feature.kind === 'feature') assertEntity(feature, source)
}

const TIMES: readonly unknown[] = ['timestamp', 'timestamp_ntz', 'date']

function assertWindow(feature: Feature & { readonly kind: 'window' }, source: Source): void {
  const { as, time, agg } = feature
  if (!TIMES.includes(typeOf(source, time)))
    throw datasetFeatureInvalid(as, `its time ${time} is no time`, 'Name a column of type timestamp or date')
  for (const of of Object.values(agg)) {
    if (of.column === undefined || !needsNumbers(of)) continue
    const kind = kindOf(duckdbType(typeOf(source, of.column)))
    if (kind !== 'number' && kind !== 'BOOLEAN')
      throw datasetFeatureInvalid(
        as,
        `${of.column} is ${duckdbType(typeOf(source, of.column))}, and ${of.kind} needs numbers`,
        'Use count, min, max or last, or a column of numbers',
      )
  }
}

function needsNumbers(of: Aggregate): boolean {
  return of.kind === 'quantile' || (isRunning(of) && of.kind !== 'count')
}

/** Says of a window's time that names no moment how it is read: its column is the source's, and cannot be cast here. */
export function zoneFindings(feature: Feature, source: Source): readonly GuardFinding[] {
  if (feature.kind !== 'window' || typeOf(source, feature.time) === 'timestamp') return []
  return [
    {
      guard: 'time_zone',
      outcome: 'warned',
      message: `${feature.time} of ${liveName(source.name)} names no moment: ${feature.as} takes it for UTC`,
    },
  ]
}

/** Joined by a part of its entity, a stored feature would give the row of whichever entity was served last. */
function assertEntity({ as, on }: Feature, { name, key }: Source): void {
  const joined = new Set(on.map(({ theirs }) => theirs))
  if (key.length === 0 || (joined.size === key.length && key.every((column) => joined.has(column)))) return
  throw datasetFeatureInvalid(
    as,
    `${name} has a row for each ${key.join(', ')}, and it is joined by ${[...joined].join(', ')}`,
    'Join by all columns of its entity and no others',
  )
}

/** Refuses joins of columns whose values are never equal, or only after a conversion that may fail. Throws `DATASET_FEATURE_INVALID`. */
export function assertJoin(feature: Feature, source: Source, spine: readonly QueryColumn[]): void {
  for (const { ours, theirs } of feature.on) {
    const [left, right] = [spine.find(({ name }) => name === ours)?.type ?? '', duckdbType(typeOf(source, theirs))]
    if (kindOf(left) !== kindOf(right))
      throw datasetFeatureInvalid(
        feature.as,
        `${ours} of the spine is ${left}, and ${theirs} of ${source.name} is ${right}`,
        'Cast it in the spine',
      )
  }
}
