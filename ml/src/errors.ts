// Errors of features and datasets. One function a code.
import { TributaryError } from '@tributary/delta'

// --- Features ---

/** A fault in a feature's file, by line, with the remedy. */
export function featureInvalid(
  path: string,
  line: number,
  problem: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError('invalid', 'FEATURE_INVALID', `${path}, line ${line}: ${problem}`, options)
}

/** SQL of a feature that cannot be kept up to date key by key. */
export function featureSqlRefused(name: string, clause: string, remedy: string): TributaryError {
  return new TributaryError(
    'refused',
    'FEATURE_SQL_REFUSED',
    `The feature ${name} cannot be kept up to date key by key: its SQL has ${clause}. ${remedy}.`,
  )
}

/** DuckDB cannot compute the SQL of a feature. */
export function featureSqlFailed(name: string, why: string, cause: unknown): TributaryError {
  return new TributaryError(
    'invalid',
    'FEATURE_SQL_FAILED',
    `The SQL of the feature ${name} cannot be computed: ${why}. Nothing was written: correct it.`,
    { cause },
  )
}

/** No file defines the feature. */
export function featureUnknown(name: string, known: readonly string[]): TributaryError {
  const others = known.length === 0 ? 'there are none yet' : `there are ${known.join(', ')}`
  return new TributaryError(
    'not-found',
    'FEATURE_UNKNOWN',
    `No file features/${name}.yml defines the feature ${name}: ${others}. Write one, or correct the name.`,
  )
}

/** Features that read each other. */
export function featureCycle(names: readonly string[]): TributaryError {
  return new TributaryError(
    'invalid',
    'FEATURE_CYCLE',
    `The features ${names.join(' → ')} read each other: none of them can be first. Let one of them read the live tables instead.`,
  )
}

/** `mode: incremental` and no way to be incremental. */
export function featureNotIncremental(name: string, reason: string): TributaryError {
  return new TributaryError(
    'refused',
    'FEATURE_NOT_INCREMENTAL',
    `The feature ${name} could only be computed in full, and its mode is incremental: ${reason}. Run \`tributary feature refresh ${name} --full\` once, or set mode: auto.`,
  )
}

/** Two rows of one key came out of the SQL. */
export function featureKeyRepeated(name: string, key: string): TributaryError {
  return new TributaryError(
    'invalid',
    'FEATURE_KEY_REPEATED',
    `The SQL of the feature ${name} gives several rows for ${key}, and a feature has one row a key. Nothing was written. Group by the entity alone, or add columns to the entity.`,
  )
}

/** The feature has no table yet. */
export function featureNotRefreshed(name: string): TributaryError {
  return new TributaryError(
    'not-found',
    'FEATURE_NOT_REFRESHED',
    `The feature ${name} has no table yet. Run \`tributary feature refresh ${name}\`.`,
  )
}

/** Others wrote the feature's table each time. */
export function featureContended(name: string, attempts: number): TributaryError {
  return new TributaryError(
    'conflict',
    'FEATURE_CONTENDED',
    `Others wrote the table of the feature ${name} while it was refreshed, ${attempts} times. Nothing was written by this run: run again.`,
  )
}

/** What the feature's table says about itself cannot be read. */
export function featureStateCorrupt(url: string, why: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'FEATURE_STATE_CORRUPT',
    `What ${url} says about its refreshes cannot be read (${why}). Refresh the feature with --full.`,
  )
}

/** What was served cannot be told without a history. */
export function featureHistoryMissing(name: string): TributaryError {
  return new TributaryError(
    'not-found',
    'FEATURE_HISTORY_MISSING',
    `The feature ${name} has no history, so nobody can tell what it held at an earlier time. Set keep_history: true in features/${name}.yml and run \`tributary feature refresh ${name}\`: the history begins then.`,
  )
}

/** A line of a service's log that cannot be compared, and why. */
export interface LogFault {
  readonly line: number
  readonly problem: string
}

/** Lines of a service's log that cannot be compared; `count` may be more than are shown. */
export function servedLogInvalid(log: string, faults: readonly LogFault[], count: number): TributaryError {
  const lines = faults.map(({ line, problem }) => `line ${line}: ${problem}`).join('; ')
  const more = count > faults.length ? `; and ${count - faults.length} more lines` : ''
  return new TributaryError(
    'invalid',
    'SERVED_LOG_INVALID',
    `The log ${log} cannot be compared: ${lines}${more}. Nothing was compared: correct the lines, or take them out.`,
  )
}

// --- Datasets ---

/** A fault in `datasets/NAME.yml`, by line, with the remedy. */
export function datasetInvalid(
  path: string,
  line: number,
  problem: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError('invalid', 'DATASET_INVALID', `${path}, line ${line}: ${problem}.`, options)
}

/** There is no definition of that name. */
export function datasetUnknown(name: string, known: readonly string[]): TributaryError {
  const others = known.length === 0 ? 'there are none yet' : `there are ${known.join(', ')}`
  return new TributaryError(
    'not-found',
    'DATASET_UNKNOWN',
    `There is no datasets/${name}.yml beside tributary.yaml: ${others}. Write one, or correct the name.`,
  )
}

/** No dataset was published under that id. */
export function datasetNotFound(id: string): TributaryError {
  return new TributaryError(
    'not-found',
    'DATASET_NOT_FOUND',
    `No dataset ${id} is published in this lake. See \`tributary dataset list\` for those that are.`,
  )
}

/** The SQL of the spine cannot be used. */
export function spineInvalid(
  dataset: string,
  problem: string,
  remedy: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError(
    'invalid',
    'SPINE_INVALID',
    `The spine of ${dataset} cannot be used: ${problem}. ${remedy}.`,
    options,
  )
}

/** A feature of a dataset does not fit its table or the spine. */
export function datasetFeatureInvalid(feature: string, problem: string, remedy: string): TributaryError {
  return new TributaryError(
    'invalid',
    'DATASET_FEATURE_INVALID',
    `The feature ${feature} cannot be joined: ${problem}. ${remedy}.`,
  )
}

/** Values as known at a time need all changes, and the table keeps none. */
export function historyMissing(table: string): TributaryError {
  return new TributaryError(
    'not-found',
    'HISTORY_MISSING',
    `${table} has no history, so nobody can tell what was known of it at an earlier time. Set history: true for it in tributary.yaml and ingest, or use current: where time does not matter.`,
  )
}

/** Rows ask for what the sources do not know yet. */
export function spineTooNew(
  dataset: string,
  found: { readonly at: string; readonly known: string; readonly rows: number },
): TributaryError {
  return new TributaryError(
    'invalid',
    'SPINE_TOO_NEW',
    `The spine of ${dataset} has ${found.rows} rows whose time is later than the data, up to ${found.at}: the sources are known until ${found.known}. Ask for fewer with --until ${found.known}, or ingest first.`,
  )
}

/** `--at-versions` names a table that the dataset does not read. */
export function versionUnread(dataset: string, table: string, read: readonly string[]): TributaryError {
  return new TributaryError(
    'invalid',
    'DATASET_VERSION_UNREAD',
    `A version is given for ${table}, and ${dataset} does not read that table. It reads ${read.join(', ')}: correct the name.`,
  )
}

/** The manifest of a dataset cannot be read. */
export function manifestCorrupt(path: string, cause: unknown): TributaryError {
  return new TributaryError(
    'corrupt',
    'DATASET_MANIFEST_CORRUPT',
    `The manifest ${path} cannot be read. Delete the folder it lies in and build the dataset again.`,
    { cause },
  )
}

/** A row of a dataset that is not there. */
export function datasetRowNotFound(id: string, key: string): TributaryError {
  return new TributaryError(
    'not-found',
    'DATASET_ROW_NOT_FOUND',
    `The dataset ${id} has no row with the key ${key}. Give the values of the key's columns in order, with commas between.`,
  )
}

/** A feature has no row for a key. */
export function featureRowNotFound(name: string, key: string, version: number): TributaryError {
  return new TributaryError(
    'not-found',
    'FEATURE_ROW_NOT_FOUND',
    `The feature ${name} has no row with the key ${JSON.stringify(key)} at v${version}. Check the spelling and the order of the parts, or refresh the feature.`,
  )
}

/** A dataset cannot be written for the program that was named. */
export function exportRefused(target: string, problem: string, remedy: string): TributaryError {
  return new TributaryError(
    'refused',
    'EXPORT_REFUSED',
    `The dataset is not written for ${target}: ${problem}. ${remedy}.`,
  )
}

/** SageMaker reads from S3 only. */
export function notInS3(url: string): TributaryError {
  return new TributaryError(
    'invalid',
    'NOT_IN_S3',
    `SageMaker reads training data from S3, and this dataset lies in ${url}. Build it in a lake in S3, or take --for csv for a program on this machine.`,
  )
}

/** Others took rows out of the same dataset, again and again. */
export function datasetContended(id: string, attempts: number): TributaryError {
  return new TributaryError(
    'conflict',
    'DATASET_CONTENDED',
    `The rows are still in ${id}: others took rows out of it at each of ${attempts} attempts. Try again.`,
  )
}
