// `datasets/NAME.yml`: what a training set is made of.
import { definitionSchema, type FeatureSettings, type Settings } from './definition-schema.ts'
import { parseDefinitionText } from './yaml-text.ts'

type Named<T> = T & { readonly kind: string; readonly as: string; readonly columns: readonly string[] }
type Of<K extends string> = Extract<FeatureSettings, Record<K, unknown>>[K &
  keyof Extract<FeatureSettings, Record<K, unknown>>]

/** One entry of `features`, with the names of the columns that it gives. */
export type Feature =
  | (Named<Of<'asof'>> & { readonly kind: 'asof' })
  | (Named<Of<'window'>> & { readonly kind: 'window' })
  | (Named<Of<'feature'>> & { readonly kind: 'feature' })
  | (Named<Of<'current'>> & { readonly kind: 'current' })

/** How the rows are told apart. */
export type Split =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'time'
      readonly gapMs: number
      readonly parts: readonly { readonly name: string; readonly beforeMs: number }[]
    }
  | {
      readonly kind: 'hash'
      readonly key: readonly string[]
      readonly salt: string
      readonly stratify: string | undefined
      readonly parts: readonly { readonly name: string; readonly share: number }[]
    }

/** A definition, checked and complete. */
export interface Definition {
  readonly name: string
  /** The file as it was written. */
  readonly text: string
  readonly spine: {
    readonly sql: string
    readonly key: readonly string[]
    readonly at: string
    readonly label: string | undefined
  }
  readonly knownAt: {
    readonly clock: 'source' | 'lake' | 'greatest'
    readonly delayMs: number
    readonly trustsLoad: boolean
  }
  readonly features: readonly Feature[]
  readonly split: Split
  readonly sample: { readonly keep: number; readonly negatives: number }
  readonly guards: {
    readonly maxSingleFeatureAuc: number | undefined
    readonly groupOverlap: readonly string[]
    readonly duplicateRows: 'error' | 'warn' | 'off'
    readonly labelSource: 'error' | 'warn' | 'off'
    readonly minRows: Readonly<Record<string, number>>
  }
  readonly stats: {
    readonly bins: number
    readonly alpha: number
    /** A dataset that a build is compared with. */
    readonly reference: string | undefined
  }
  readonly shards: {
    readonly count: number | undefined
    readonly sizeMb: number
    readonly rowGroup: { readonly rows: number } | { readonly sizeMb: number }
  }
}

/** Reads the text of `datasets/NAME.yml`. Throws `DATASET_INVALID`, with the line and the remedy. */
export function parseDefinition(text: string, path: string): Definition {
  const { value, fail } = parseDefinitionText(definitionSchema, text, path)
  const features = (value.features ?? []).map(nameFeature)
  const taken = new Set<string>(['split', 'weight'])
  for (const [index, { columns }] of features.entries())
    for (const column of columns) {
      if (taken.has(column.toLowerCase()))
        fail(['features', index], `two features give the column ${column}, or it is reserved. Set another name with as`)
      taken.add(column.toLowerCase())
    }
  assertExport(value.export, fail)
  const sample = { keep: value.sample?.keep ?? 1, negatives: value.sample?.negatives ?? 1 }
  if (sample.negatives < 1 && value.spine.label === undefined)
    fail(['sample', 'negatives'], 'sample.negatives needs spine.label. Name the label column')
  const split = splitOf(value, fail)
  const parts = split.kind === 'none' ? ['all'] : split.parts.map((part) => part.name)
  for (const part of Object.keys(value.guards?.min_rows ?? {}))
    if (!parts.includes(part))
      fail(['guards', 'min_rows', part], `there is no part ${part}. There are ${parts.join(', ')}`)
  return {
    name: value.dataset,
    text,
    spine: { ...value.spine, label: value.spine.label },
    knownAt: {
      clock: value.known_at?.clock ?? 'source',
      delayMs: value.known_at?.delay ?? 0,
      trustsLoad: value.known_at?.trust_load ?? false,
    },
    features,
    split,
    sample,
    guards: {
      maxSingleFeatureAuc: value.guards?.max_single_feature_auc,
      groupOverlap: listOf(value.guards?.group_overlap),
      duplicateRows: value.guards?.duplicate_rows ?? 'warn',
      labelSource: value.guards?.label_source ?? 'warn',
      minRows: value.guards?.min_rows ?? {},
    },
    stats: {
      bins: value.stats?.bins ?? DRIFT_DEFAULTS.bins,
      alpha: value.stats?.alpha ?? DRIFT_DEFAULTS.alpha,
      reference: value.stats?.reference,
    },
    shards: {
      count: typeof value.export?.shards === 'number' ? value.export.shards : undefined,
      sizeMb: value.export?.shard_mb ?? 128,
      rowGroup:
        value.export?.row_group_mb === undefined
          ? { rows: value.export?.row_group_rows ?? 122_880 }
          : { sizeMb: value.export.row_group_mb },
    },
  }
}

/** Of statistics and comparisons, where a definition says nothing. */
export const DRIFT_DEFAULTS = { bins: 20, alpha: 0.01 } as const

function assertExport(
  settings: Settings['export'],
  fail: (where: readonly PropertyKey[], problem: string) => never,
): void {
  if (settings?.for !== undefined)
    fail(
      ['export', 'for'],
      'a dataset is written for a program once it is built. Leave out for, and run `tributary dataset export NAME --for sagemaker-xgboost`',
    )
  if (settings?.row_group_mb !== undefined && settings.row_group_rows !== undefined)
    fail(['export', 'row_group_mb'], 'row_group_rows and row_group_mb both say how large row groups are. Leave out one')
}

function nameFeature(feature: FeatureSettings): Feature {
  if ('asof' in feature) {
    const as = feature.asof.as ?? bareName(feature.asof.table)
    return { ...feature.asof, kind: 'asof', as, columns: feature.asof.select.map((column) => `${as}_${column}`) }
  }
  if ('window' in feature) {
    const as = feature.window.as ?? bareName(feature.window.table)
    return {
      ...feature.window,
      kind: 'window',
      as,
      columns: Object.keys(feature.window.agg).map((agg) => `${as}_${agg}`),
    }
  }
  if ('feature' in feature) {
    const as = feature.feature.as ?? feature.feature.name
    // Without a selection the columns are those of the table, which is not open yet.
    return {
      ...feature.feature,
      kind: 'feature',
      as,
      columns: (feature.feature.select ?? []).map((column) => `${as}_${column}`),
    }
  }
  const as = feature.current.as ?? bareName(feature.current.table)
  return { ...feature.current, kind: 'current', as, columns: feature.current.select.map((column) => `${as}_${column}`) }
}

function splitOf({ split, spine }: Settings, fail: (where: readonly PropertyKey[], problem: string) => never): Split {
  if (split === undefined) return { kind: 'none' }
  const entries = Object.entries(split).flatMap(([part, bound]): readonly (readonly [string, number])[] =>
    ['by', 'gap', 'key', 'salt', 'stratify'].includes(part) || typeof bound !== 'number' ? [] : [[part, bound]],
  )
  if (entries.length === 0) fail(['split'], 'split names no part. Write for example train, val and test')
  const bad = entries.find(([part]) => !/^[a-z][a-z0-9_]{0,30}$/.test(part))
  if (bad !== undefined) fail(['split', bad[0]], `${bad[0]} is no name of a split. Use small letters and digits`)
  if (split.by === 'time') {
    const parts = entries.map(([part, beforeMs]) => ({ name: part, beforeMs }))
    const wrong = parts.find(({ beforeMs }, index) => index > 0 && beforeMs <= (parts[index - 1]?.beforeMs ?? 0))
    if (wrong !== undefined)
      fail(['split', wrong.name], `split.${wrong.name} ends before the part above it. Put the parts in order of time`)
    return { kind: 'time', gapMs: split.gap ?? 0, parts }
  }
  const sum = entries.reduce((total, [, part]) => total + part, 0)
  if (Math.abs(sum - 1) > 1e-9) fail(['split'], `the shares of split add up to ${Number(sum.toFixed(9))}. Make it 1`)
  const key = split.key === undefined ? spine.key : listOf(split.key)
  return {
    kind: 'hash',
    key,
    salt: split.salt,
    stratify: split.stratify,
    parts: entries.map(([part, portion]) => ({ name: part, share: portion })),
  }
}

function listOf(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : names
}

function bareName(table: string): string {
  return table.slice(table.indexOf('.') + 1)
}
