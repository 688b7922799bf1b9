// The change feed is derived: deletion vectors say which rows left, added files which came, and pairing both by key makes updates.

import type { Engine } from '../duckdb/engine.ts'
import { nameList } from '../duckdb/sql.ts'
import { batchRows, type Row } from '../duckdb/values.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import type { StructField } from '../protocol/schema.ts'
import type { Store } from '../store/store.ts'
import { type CommitTime, commitEvents, type Events, type Move, netEvents } from './change-events.ts'
import { type ExtraColumn, fileRowsSql } from './file-rows.ts'
import { imagesSql, PAIRING_COLUMNS, type Pairing, pairsSql, recordOf, singlesSql } from './pair-changes.ts'
import { assertNamesFree } from './reserved-names.ts'
import { pickFields } from './scan.ts'

/** Which changes are wanted, and how. */
export interface ChangesRequest {
  /** Both ends included: the commits whose changes are wanted. */
  readonly fromVersion: number
  readonly toVersion: number
  /** The table at `toVersion`, where the caller has read it already. */
  readonly end?: Snapshot
  /** The table before `fromVersion`, where the caller has read it already; only net changes ask for it. */
  readonly start?: Snapshot
  /** Columns that tell rows apart: a row that left and one that came with equal ones are an update. Without them, a delete and an insert. */
  readonly key?: readonly string[]
  /** Only what differs between the table before the first and after the last of the commits. */
  readonly net?: boolean
  /** Only these columns and those of the key; an update that changed none of these is left out. */
  readonly columns?: readonly string[]
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

/** A SELECT of changes, and the columns of the table that it gives. */
export interface ChangesSelect {
  readonly sql: string
  readonly fields: readonly StructField[]
}

/**
 * A SELECT of the changes of a range of commits, by version, with the columns of the table at its end and `CHANGE_FIELDS`.
 * Puts temporary tables on the engine, as `scanSql` does. Throws what `readSnapshot`, `readCommits` and `scanSql` throw, and `COLUMN_NOT_FOUND`.
 */
export async function changesSql(engine: Engine, store: Store, request: ChangesRequest): Promise<ChangesSelect> {
  const feed = await readFeed(store, request)
  const { fields } = feed.pairing
  const parts = [imagesSql(await movedSql(engine, feed, feed.events.moved), feed.pairing)]
  if (feed.events.recorded.length > 0) parts.push(await recordedSql(engine, feed))
  const sql = `SELECT ${nameList([...fields, ...CHANGE_FIELDS])} FROM (${parts.join('\nUNION ALL ')}) ORDER BY "_commit_version", __group, __rank`
  return { sql, fields: [...fields, ...CHANGE_FIELDS] }
}

/**
 * A SELECT of the same changes with one row for each, in no order: `_change_type` is insert, update or delete, the table's columns are those
 * after it (of a delete: before it), and the STRUCT `__before` has what they were before an update. It is NULL where nobody knows that: in
 * a change feed that the table's own writer wrote. Rows of one commit that belong together sort by `__group`. `fields` are the table's columns.
 * Throws what `changesSql` throws.
 */
export async function changePairsSql(engine: Engine, store: Store, request: ChangesRequest): Promise<ChangesSelect> {
  const feed = await readFeed(store, request)
  const { moved, recorded } = feed.events
  // Where rows only came, or only left, nothing can be paired: a first load is not sorted for it.
  const signs = Map.groupBy(moved, ({ at }) => at.version)
  const isMixed = ({ at }: Move): boolean => new Set(signs.get(at.version)?.map(({ sign }) => sign)).size > 1
  const [mixed, single] = [moved.filter(isMixed), moved.filter((move) => !isMixed(move))]
  const parts = [pairsSql(await movedSql(engine, feed, mixed), feed.pairing)]
  if (single.length > 0) parts.push(singlesSql(await movedSql(engine, feed, single), feed.pairing))
  if (recorded.length > 0) {
    const { fields } = feed.pairing
    parts.push(`SELECT ${nameList(fields)}, CASE WHEN _change_type = 'update_postimage' THEN 'update' ELSE _change_type END AS _change_type,
      _commit_version, _commit_timestamp, CASE WHEN false THEN ${recordOf(fields)} END AS __before, __group
      FROM (${await recordedSql(engine, feed)}) WHERE _change_type <> 'update_preimage'`)
  }
  return { sql: parts.join('\nUNION ALL '), fields: feed.pairing.fields }
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

/** All that the log and the vectors tell of the changes. */
interface Feed {
  readonly end: Snapshot
  readonly events: Events
  readonly pairing: Pairing
  readonly origin: readonly ExtraColumn[]
}

async function readFeed(store: Store, request: ChangesRequest): Promise<Feed> {
  const { key, net, columns, origin = [] } = request
  const end = request.end ?? (await readSnapshot(store, { version: request.toVersion }))
  const all = end.schema.fields
  assertNamesFree(all, [...CHANGE_FIELDS.map(({ name }) => name), ...PAIRING_COLUMNS])
  const events = net === true ? await netEvents(end, request) : await commitEvents(end, request)
  const watched = columns === undefined ? undefined : pickFields(end.schema, columns)
  // Rows without a key are the same when all of their columns are: a net feed then leaves out those that only moved.
  const keyFields = key !== undefined ? pickFields(end.schema, key) : net === true ? all : []
  const fields = watched === undefined ? all : all.filter((field) => [...keyFields, ...watched].includes(field))
  const places = origin.map(({ name }) => name)
  return { end, events, pairing: { ...events, fields, key: keyFields, watched, places }, origin }
}

const EVENT_COLUMNS = [
  { name: '__sign', type: 'TINYINT' },
  { name: '_commit_version', type: 'BIGINT' },
  { name: '_commit_timestamp', type: 'TIMESTAMP WITH TIME ZONE' },
]

function timeConstants({ version, timestampMs }: CommitTime): readonly string[] {
  return [String(version), `make_timestamptz(${Math.round(timestampMs * 1000)})`]
}

function movedSql(engine: Engine, { end, pairing, origin }: Feed, moved: readonly Move[]): Promise<string> {
  return fileRowsSql(engine, end.store, {
    files: moved.map(({ sign, at, rows }) => ({ ...rows, constants: [String(sign), ...timeConstants(at)] })),
    fields: pairing.fields,
    partitionColumns: end.metadata.partitionColumns,
    mapping: columnMappingMode(end),
    constants: EVENT_COLUMNS,
    extraColumns: origin,
    withPlace: true,
  })
}

async function recordedSql(engine: Engine, { end, pairing, events }: Feed): Promise<string> {
  const rows = await fileRowsSql(engine, end.store, {
    files: events.recorded.map(({ at, cdc }) => ({
      path: cdc.path,
      partitionValues: cdc.partitionValues,
      rows: { kind: 'all' },
      constants: timeConstants(at),
    })),
    fields: pairing.fields,
    partitionColumns: end.metadata.partitionColumns,
    mapping: columnMappingMode(end),
    extraColumns: [{ name: '_change_type', type: 'string' }],
    constants: EVENT_COLUMNS.slice(1),
    withPlace: true,
  })
  return `SELECT ${nameList(pairing.fields)}, _change_type, _commit_version, _commit_timestamp,
    row_number() OVER (ORDER BY __path, __position) AS __group, 0 AS __rank FROM (${rows})`
}
