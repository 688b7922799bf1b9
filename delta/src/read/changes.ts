// The change feed is derived: deletion vectors say which rows left, added files which came, and pairing both by key makes updates.
//
//   file before | file after | left                 | came
//   vector A    | vector B   | positions in B not A | positions in A not B
//   vector A    | gone       | all but A            |
//   not there   | vector B   |                      | all but B

import { readDeletionVector } from '../deletion-vectors/read.ts'
import type { Engine } from '../duckdb/engine.ts'
import { nameList, quoteName } from '../duckdb/sql.ts'
import { batchRows, type Row } from '../duckdb/values.ts'
import { commitInfoOf, readCommits } from '../log/read-commit.ts'
import { deletionVectorId } from '../log/replay.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { Action, AddCdcFile, AddFile, RemoveFile } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import type { StructField } from '../protocol/schema.ts'
import type { Store } from '../store/store.ts'
import { type ExtraColumn, type FileRows, fileRowsSql } from './file-rows.ts'
import { assertNamesFree } from './reserved-names.ts'
import { liveRows, pickFields } from './scan.ts'

/** Which changes are wanted, and how. */
export interface ChangesRequest {
  /** Both ends included: the commits whose changes are wanted. */
  readonly fromVersion: number
  readonly toVersion: number
  /** Columns that tell rows apart: a row that left and one that came with equal ones are an update. Without them, a delete and an insert. */
  readonly key?: readonly string[]
  /** Only what differs between the table before the first and after the last of the commits. */
  readonly net?: boolean
  /**
   * Parquet columns outside of the schema that tell where a row came from: a row that left and one that came with the same
   * key and origin were only moved from file to file.
   */
  readonly origin?: readonly ExtraColumn[]
  /** Commits that carry a change feed of their own are read from it, as the protocol demands of tables that write one. */
  readonly feed?: boolean
}

/** The columns that a change has besides the table's. */
export const CHANGE_FIELDS: readonly StructField[] = [
  { name: '_change_type', type: 'string', nullable: false, metadata: {} },
  { name: '_commit_version', type: 'long', nullable: false, metadata: {} },
  { name: '_commit_timestamp', type: 'timestamp', nullable: false, metadata: {} },
]

/**
 * A SELECT of the changes of a range of commits, by version, with the columns of the table at its end and `CHANGE_FIELDS`.
 * Puts temporary tables on the engine, as `scanSql` does. Throws what `readSnapshot`, `readCommits` and `scanSql` throw.
 */
export async function changesSql(
  engine: Engine,
  store: Store,
  request: ChangesRequest,
): Promise<{ readonly sql: string; readonly fields: readonly StructField[] }> {
  const end = await readSnapshot(store, { version: request.toVersion })
  const { fields } = end.schema
  assertNamesFree(fields, [...CHANGE_FIELDS.map(({ name }) => name), ...PAIRING_COLUMNS])
  const events = request.net === true ? await netEvents(end, request) : await commitEvents(end, request)
  const moved = await eventsSql(engine, end, events.moved, request.origin ?? [])
  const parts = [pairedSql(end, moved, { ...request, ...events })]
  if (events.recorded.length > 0) parts.push(await recordedSql(engine, end, events.recorded))
  const sql = `SELECT ${nameList([...fields, ...CHANGE_FIELDS])} FROM (${parts.join('\nUNION ALL ')}) ORDER BY "_commit_version", __group, __rank`
  return { sql, fields: [...fields, ...CHANGE_FIELDS] }
}

/** The changes of a range of commits as objects, in bounded memory. */
export async function* readChanges(engine: Engine, store: Store, request: ChangesRequest): AsyncGenerator<Row> {
  const fork = await engine.fork()
  try {
    for await (const batch of fork.stream((await changesSql(fork, store, request)).sql)) yield* batchRows(batch)
  } finally {
    await fork.close()
  }
}

/** Columns of the query that pairs rows, besides those that `fileRowsSql` checks itself. */
const PAIRING_COLUMNS = ['__turn', '__values', '__group', '__rank', '__count', '__dropped']

interface CommitTime {
  readonly version: number
  readonly timestampMs: number
}

/** Rows of one file that left or came with one commit. */
interface Move {
  readonly sign: -1 | 1
  readonly at: CommitTime
  readonly rows: FileRows
}

interface Events {
  readonly moved: readonly Move[]
  readonly recorded: readonly { readonly at: CommitTime; readonly cdc: AddCdcFile }[]
  /** Versions in which everything was written anew, so equal pairs are no change. */
  readonly reloads: readonly number[]
  /** Versions in which files were removed whole: their other rows came again in new files. */
  readonly rewrites: readonly number[]
}

async function commitEvents(end: Snapshot, request: ChangesRequest): Promise<Events> {
  const moved: Move[] = []
  const recorded: { readonly at: CommitTime; readonly cdc: AddCdcFile }[] = []
  const [reloads, rewrites]: [number[], number[]] = [[], []]
  for await (const { version, timestampMs, actions } of readCommits(end.store, request)) {
    const at = { version, timestampMs }
    const cdcs = request.feed === true ? actions.flatMap((action) => ('cdc' in action ? [action.cdc] : [])) : []
    if (cdcs.length > 0) recorded.push(...cdcs.map((cdc) => ({ at, cdc })))
    else {
      const pairs = await changedFiles(end, version, actions)
      moved.push(...(await movesOf(end.store, at, pairs)))
      if (pairs.some(({ before, after }) => before !== undefined && after === undefined)) rewrites.push(version)
    }
    if (commitInfoOf(actions)?.operation === 'RELOAD') reloads.push(version)
  }
  return { moved, recorded, reloads, rewrites }
}

async function netEvents(end: Snapshot, request: ChangesRequest): Promise<Events> {
  const start =
    request.fromVersion > 0 ? await readSnapshot(end.store, { version: request.fromVersion - 1 }) : undefined
  const pairs = pairByPath(start?.files ?? [], end.files)
  return { moved: await movesOf(end.store, end, pairs), recorded: [], reloads: [end.version], rewrites: [] }
}

/** One file before and after. */
interface FilePair {
  readonly before: FileVersion | undefined
  readonly after: FileVersion | undefined
}

type FileVersion = Pick<AddFile, 'path' | 'deletionVector'> & Partial<Pick<AddFile, 'partitionValues'>>

async function changedFiles(end: Snapshot, version: number, actions: readonly Action[]): Promise<readonly FilePair[]> {
  const adds = actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : []))
  const removes = actions.flatMap((action) => ('remove' in action && action.remove.dataChange ? [action.remove] : []))
  return pairByPath(await withPartitions(end, version, removes), adds)
}

// Old writers left partition values out of removes; the version before still knows them.
async function withPartitions(
  end: Snapshot,
  version: number,
  removes: readonly RemoveFile[],
): Promise<readonly FileVersion[]> {
  const isComplete =
    end.metadata.partitionColumns.length === 0 || removes.every((remove) => remove.partitionValues !== undefined)
  if (isComplete || version === 0) return removes
  const before = await readSnapshot(end.store, { version: version - 1 })
  const known = new Map(before.files.map((file) => [file.path, file.partitionValues]))
  return removes.map((remove) => ({
    ...remove,
    partitionValues: remove.partitionValues ?? known.get(remove.path) ?? {},
  }))
}

function pairByPath(before: readonly FileVersion[], after: readonly FileVersion[]): readonly FilePair[] {
  const [olds, news] = [
    new Map(before.map((file) => [file.path, file])),
    new Map(after.map((file) => [file.path, file])),
  ]
  const paths = [...new Set([...olds.keys(), ...news.keys()])].sort()
  return paths.map((path) => ({ before: olds.get(path), after: news.get(path) }))
}

async function movesOf(
  store: Store,
  { version, timestampMs }: CommitTime,
  pairs: readonly FilePair[],
): Promise<readonly Move[]> {
  const at = { version, timestampMs }
  const moves: Move[] = []
  for (const { before, after } of pairs) {
    if (before !== undefined && after !== undefined) moves.push(...(await vectorMoves(store, at, { before, after })))
    else if (before !== undefined) moves.push({ sign: -1, at, rows: await liveRows(store, before) })
    else if (after !== undefined) moves.push({ sign: 1, at, rows: await liveRows(store, after) })
  }
  return moves
}

async function vectorMoves(
  store: Store,
  at: CommitTime,
  { before, after }: { readonly before: FileVersion; readonly after: FileVersion },
): Promise<readonly Move[]> {
  if (vectorId(before) === vectorId(after)) return []
  const [olds, news] = [await positionsOf(store, before), await positionsOf(store, after)]
  const { path, partitionValues = {} } = after
  const left = [...news].filter((position) => !olds.has(position))
  const came = [...olds].filter((position) => !news.has(position))
  const move = (sign: -1 | 1, positions: readonly number[]): readonly Move[] =>
    positions.length === 0 ? [] : [{ sign, at, rows: { path, partitionValues, rows: { kind: 'only', positions } } }]
  return [...move(-1, left), ...move(1, came)]
}

function vectorId(file: FileVersion): string {
  return file.deletionVector === undefined ? '' : deletionVectorId(file.deletionVector)
}

async function positionsOf(store: Store, file: FileVersion): Promise<ReadonlySet<number>> {
  return new Set(file.deletionVector === undefined ? [] : await readDeletionVector(store, file.deletionVector))
}

const EVENT_COLUMNS = [
  { name: '__sign', type: 'TINYINT' },
  { name: '_commit_version', type: 'BIGINT' },
  { name: '_commit_timestamp', type: 'TIMESTAMP WITH TIME ZONE' },
]

function timeConstants({ version, timestampMs }: CommitTime): readonly string[] {
  return [String(version), `make_timestamptz(${Math.round(timestampMs * 1000)})`]
}

function eventsSql(
  engine: Engine,
  end: Snapshot,
  moved: readonly Move[],
  origin: readonly ExtraColumn[],
): Promise<string> {
  return fileRowsSql(engine, end.store, {
    files: moved.map(({ sign, at, rows }) => ({ ...rows, constants: [String(sign), ...timeConstants(at)] })),
    fields: end.schema.fields,
    partitionColumns: end.metadata.partitionColumns,
    mapping: columnMappingMode(end),
    constants: EVENT_COLUMNS,
    extraColumns: origin,
    withPlace: true,
  })
}

/** Pair what left with what came. Windows put NULLs of a key together, as a join would not. */
function pairedSql(
  end: Snapshot,
  moved: string,
  { key, net, origin = [], reloads, rewrites }: ChangesRequest & Pick<Events, 'reloads' | 'rewrites'>,
): string {
  const { fields } = end.schema
  const columns = nameList(fields)
  // Rows without a key are the same when all of their columns are: a net feed then leaves out those that only moved.
  const keyFields = key !== undefined ? pickFields(end.schema, key) : net === true ? fields : []
  if (keyFields.length === 0) {
    return `SELECT ${columns}, CASE WHEN __sign < 0 THEN 'delete' ELSE 'insert' END AS _change_type, _commit_version, _commit_timestamp,
      row_number() OVER (ORDER BY __sign, __path, __position) AS __group, 0 AS __rank FROM (${moved})`
  }
  const pair = ['_commit_version', ...keyFields.map(({ name }) => quoteName(name))].join(', ')
  const isEqual = `(first_value(__values) OVER whole) IS NOT DISTINCT FROM (last_value(__values) OVER whole)`
  const places = origin.map(({ name }) => quoteName(name))
  const isMoved = places.length === 0 ? 'false' : places.map(sameOnBothSides).join(' AND ')
  const isUnknown = places.length === 0 ? 'true' : places.map((place) => `count(${place}) OVER whole < 2`).join(' OR ')
  // A reload may bring other values from the place of the old ones. Where files were written anew and no place tells a row that was
  // carried over from one that was updated to what it was, the values do.
  const isDropped = `CASE WHEN ${isAmong(reloads)} THEN ${isEqual} WHEN ${isAmong(rewrites)} AND (${isUnknown}) THEN ${isEqual} ELSE ${isMoved} END`
  const row = reloads.length + rewrites.length === 0 ? ', NULL AS __values' : `, ROW(${columns}) AS __values`
  return `SELECT ${columns}, CASE WHEN __count = 2 THEN CASE WHEN __sign < 0 THEN 'update_preimage' ELSE 'update_postimage' END
      WHEN __sign < 0 THEN 'delete' ELSE 'insert' END AS _change_type, _commit_version, _commit_timestamp, __group, __sign AS __rank
    FROM (SELECT *, count(*) OVER whole AS __count, dense_rank() OVER (ORDER BY ${pair}, __turn) AS __group,
        count(*) OVER whole = 2 AND ${isDropped} AS __dropped
      FROM (SELECT *, row_number() OVER (PARTITION BY __sign, ${pair} ORDER BY __path, __position) AS __turn${row} FROM (${moved}))
      WINDOW whole AS (PARTITION BY ${pair}, __turn ORDER BY __sign ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
    WHERE NOT __dropped`
}

function isAmong(versions: readonly number[]): string {
  return versions.length === 0 ? 'false' : `_commit_version IN (${versions.join(', ')})`
}

/** True when both rows of a pair have the column, with one value. */
function sameOnBothSides(column: string): string {
  return `count(${column}) OVER whole = 2 AND min(${column}) OVER whole = max(${column}) OVER whole`
}

async function recordedSql(engine: Engine, end: Snapshot, recorded: Events['recorded']): Promise<string> {
  const rows = await fileRowsSql(engine, end.store, {
    files: recorded.map(({ at, cdc }) => ({
      path: cdc.path,
      partitionValues: cdc.partitionValues,
      rows: { kind: 'all' },
      constants: timeConstants(at),
    })),
    fields: end.schema.fields,
    partitionColumns: end.metadata.partitionColumns,
    mapping: columnMappingMode(end),
    extraColumns: [{ name: '_change_type', type: 'string' }],
    constants: EVENT_COLUMNS.slice(1),
    withPlace: true,
  })
  return `SELECT ${nameList(end.schema.fields)}, _change_type, _commit_version, _commit_timestamp,
    row_number() OVER (ORDER BY __path, __position) AS __group, 0 AS __rank FROM (${rows})`
}
