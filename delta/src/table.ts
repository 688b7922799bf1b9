// The door for people who use the library alone: a table by its URL, with reading and writing as methods. Everything here is a few
// calls of functions below.

import { type Clock, systemClock } from './clock.ts'
import { type Engine, openEngine } from './duckdb/engine.ts'
import { nameList } from './duckdb/sql.ts'
import type { Batch, Row } from './duckdb/values.ts'
import { commitInfoOf, listCommitTimes, readActions } from './log/read-commit.ts'
import { readSnapshot, refreshSnapshot, type Snapshot } from './log/snapshot.ts'
import { type CheckpointOptions, writeCheckpoint } from './maintain/checkpoint.ts'
import { type CleanLogOptions, cleanLog } from './maintain/clean-log.ts'
import { type OptimizeOptions, type OptimizeSummary, optimize } from './maintain/optimize.ts'
import { planRestore, restore } from './maintain/restore.ts'
import { planVacuum, type VacuumOptions, type VacuumPlan, vacuum } from './maintain/vacuum.ts'
import type { CommitInfo } from './protocol/actions.ts'
import type { DataType, StructField } from './protocol/schema.ts'
import { readChanges } from './read/changes.ts'
import { type Filter, filterColumns, filterSql } from './read/filter.ts'
import { filterFiles } from './read/filter-files.ts'
import { pickFields, scanSql } from './read/scan.ts'
import { storeAt } from './store/store-at.ts'
import { alterTableColumns, alterTableProperties } from './write/alter-table.ts'
import { createNewTable } from './write/create-new-table.ts'
import type { TableDefinition } from './write/create-table.ts'
import { deleteRows } from './write/delete-rows.ts'
import type { NewRows } from './write/stage-rows.ts'
import type { TransactionOutcome } from './write/transaction.ts'
import { type UpsertRequest, upsertRows } from './write/upsert-rows.ts'
import { appendRows, startAnew, type WriteOutcome, type WriteWork } from './write/write-rows.ts'

/** Parts that a table is opened with; each has a default. */
export interface TableParts {
  /** DuckDB. Without one the table opens its own (512 MiB, two to four threads) and closes it with `close`. */
  readonly engine?: Engine
  readonly clock?: Clock
}

/** What of a table is to be read. */
export interface ScanRequest {
  /** Only these columns, in this order. */
  readonly columns?: readonly string[]
  /** Only rows for which this is true. Files whose partition values or statistics rule it out are not opened. */
  readonly filter?: Filter
}

/** A table at one version, to be read as often as you like: it never changes. */
export interface TableSnapshot extends Snapshot {
  /**
   * The live rows, in batches stored by column and in bounded memory. 64-bit integers are bigint, decimals text, dates `2026-01-31`,
   * timestamps `2026-01-31T23:59:59.123456Z`, binary bytes, records objects, maps lists of `{ key, value }`.
   * Throws `COLUMN_NOT_FOUND`, `DATA_FILE_MISSING`, `DELETION_VECTOR_CORRUPT`, `COLUMN_TYPE_UNSUPPORTED`.
   */
  readonly scan: (request?: ScanRequest) => AsyncGenerator<Batch>
}

/** One commit of a table's history. */
export interface HistoryEntry {
  readonly version: number
  /** When it was committed, in milliseconds since the epoch: the in-commit timestamp where there is one, else the time of its file. */
  readonly timestampMs: number
  /** What its writer said about it; undefined when it said nothing. PROTOCOL.md, "Commit Provenance Information". */
  readonly info: CommitInfo | undefined
}

/**
 * Open the Delta table at a path, a `file://` URL or `s3://bucket/prefix`. Reads its newest version.
 * Throws `TABLE_NOT_FOUND`, `UNSUPPORTED_READER_FEATURE` (the names of what we do not know), `LOG_GAP`, `COMMIT_CORRUPT`, `CHECKPOINT_CORRUPT`.
 */
export async function openTable(url: string, parts: TableParts = {}): Promise<Table> {
  return new Table(await readSnapshot(storeAt(url)), parts)
}

/**
 * Make a Delta table at a path, a `file://` URL or `s3://bucket/prefix` and open it. The protocol is the lowest that tells the truth about the definition.
 * Throws `TABLE_EXISTS`, `TABLE_DEFINITION_INVALID`, `EXPRESSION_UNSUPPORTED`, `UNSUPPORTED_WRITER_FEATURE`.
 */
export async function createTable(url: string, definition: TableDefinition, parts: TableParts = {}): Promise<Table> {
  return new Table(await createNewTable(storeAt(url), parts.clock ?? systemClock, definition), parts)
}

/** A Delta table that is open for reading and writing. Close it, or declare it with `await using`. */
export class Table {
  #latest: Snapshot
  #engine: Promise<Engine> | undefined
  readonly #parts: TableParts
  readonly #clock: Clock

  /** Use `openTable` or `createTable`. */
  constructor(snapshot: Snapshot, parts: TableParts) {
    this.#latest = snapshot
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
  }

  /**
   * The table at its newest version, at a version, or as it was at a time (milliseconds since the epoch).
   * Throws `VERSION_NOT_FOUND`, `VERSION_EXPIRED`, `TIMESTAMP_TOO_EARLY`.
   */
  async snapshot(at: { readonly version?: number; readonly timestampMs?: number } = {}): Promise<TableSnapshot> {
    const isLatest = at.version === undefined && at.timestampMs === undefined
    const snapshot = isLatest ? await this.#refresh() : await readSnapshot(this.#latest.store, at)
    return { ...snapshot, scan: (request = {}) => this.#scan(snapshot, request) }
  }

  /**
   * What changed in a range of versions, both ends included: the columns of the last of them with `_change_type` (insert, update_preimage,
   * update_postimage, delete), `_commit_version` and `_commit_timestamp`. Commits with change data files are read from these; of others
   * the changes are derived, with updates told by `key`; rows that are what they were in a commit that wrote files anew are left out then. PROTOCOL.md, "Change Data Files". Throws `LOG_GAP`, `VERSION_NOT_FOUND`, `DATA_FILE_MISSING`.
   */
  async *changes(range: {
    readonly fromVersion: number
    readonly toVersion?: number
    readonly key?: readonly string[]
  }): AsyncGenerator<Row> {
    const toVersion = range.toVersion ?? (await this.#refresh()).version
    yield* readChanges(await this.#open(), this.#latest.store, { ...range, toVersion, feed: true })
  }

  /** Add rows. Concurrent appends never conflict. Throws `ROW_INVALID`, `COLUMN_NOT_FOUND`, `CONSTRAINT_VIOLATED`, `EXPRESSION_UNSUPPORTED`, `DISK_FULL`. */
  append(rows: NewRows): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => appendRows(work, snapshot, rows))
  }

  /** Replace rows of the same key, add the others. Throws what `append` throws, and `ROW_INVALID` for a NULL or a repeated key. */
  upsert(request: UpsertRequest): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => upsertRows(work, snapshot, request))
  }

  /** Delete the rows for which a filter is true. Throws `TABLE_APPEND_ONLY`, `COLUMN_NOT_FOUND`. */
  delete(filter: Filter): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => deleteRows(work, snapshot, filter))
  }

  /**
   * Add columns at the end, or fields at the end of the record `within`; rows that are there have NULL in them. A column is named as Spark
   * does: `home.city` is a field of a record, `points.element` what an array holds, and a name with a dot of its own stands in backticks.
   * Throws `ALTERATION_INVALID`, `COLUMN_NOT_FOUND`.
   */
  addColumns(fields: readonly StructField[], options: { readonly within?: string } = {}): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => alterTableColumns(work, snapshot, { kind: 'add', fields, ...options }))
  }

  /** Give a column, a field or what an array or a map holds a wider type without rewriting files; needs `delta.enableTypeWidening`. PROTOCOL.md, "Type Widening". Throws `ALTERATION_INVALID`. */
  widenColumn(column: string, type: DataType): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => alterTableColumns(work, snapshot, { kind: 'widen', column, type }))
  }

  /** Rename a column or a field; needs column mapping (`delta.columnMapping.mode` = name). `to` is the new last name alone. Throws `ALTERATION_INVALID`. */
  renameColumn(column: string, to: string): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => alterTableColumns(work, snapshot, { kind: 'rename', column, to }))
  }

  /** Drop a column or a field; needs column mapping. Files keep its values until they are rewritten. Throws `ALTERATION_INVALID`. */
  dropColumn(column: string): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => alterTableColumns(work, snapshot, { kind: 'drop', column }))
  }

  /**
   * Set table properties, or take them away with null. The protocol is raised to what they need, never lowered; a new `delta.constraints.<name>`
   * is checked against all rows. Throws `ALTERATION_INVALID`, `CONSTRAINT_VIOLATED`, `EXPRESSION_UNSUPPORTED`.
   */
  setProperties(properties: Readonly<Record<string, string | null>>): Promise<WriteOutcome> {
    return this.#write((work, snapshot) => alterTableProperties(work, snapshot, properties))
  }

  /** The commits that are still in the log, newest first. Throws `COMMIT_CORRUPT`. */
  async *history(options: { readonly limit?: number } = {}): AsyncGenerator<HistoryEntry> {
    const { store } = this.#latest
    const commits = [...(await listCommitTimes(store))].reverse()
    for (const { version, timestampMs } of commits.slice(0, options.limit)) {
      const info = commitInfoOf(await readActions(store, version))
      yield { version, timestampMs: info?.inCommitTimestamp ?? timestampMs, info }
    }
  }

  /**
   * Write the rows again in better files: small ones together, without deleted rows, sorted by `columns` where they are given or the table
   * is clustered. No row changes, and concurrent writers win too. Throws `CLUSTER_COLUMN_INVALID`, `UNSUPPORTED_WRITER_FEATURE`, `DISK_FULL`.
   */
  async optimize(options: OptimizeOptions = {}): Promise<OptimizeSummary> {
    return optimize(await this.#open(), this.#clock, await this.#refresh(), options)
  }

  /**
   * Delete the files that no version of the last `retainMs` milliseconds needs (7 days, or what the table says); with `dryRun` only find
   * them. Throws `RETENTION_TOO_SHORT` unless a shorter one is allowed, `PIN_UNREADABLE`, `UNSUPPORTED_WRITER_FEATURE`.
   */
  async vacuum(options: VacuumOptions & { readonly dryRun?: boolean } = {}): Promise<VacuumPlan> {
    const snapshot = await this.#refresh()
    const plan = await planVacuum(this.#clock, snapshot, options)
    if (options.dryRun !== true) await vacuum(snapshot, plan)
    return plan
  }

  /**
   * Make the table what it was at a version or a time, in a new version. Throws `RESTORE_FILES_MISSING` with the names of files that are
   * gone, and what `snapshot` throws.
   */
  async restore(to: { readonly version: number } | { readonly timestampMs: number }): Promise<TransactionOutcome> {
    const current = await this.#refresh()
    const target = await readSnapshot(current.store, to)
    return restore(this.#clock, current, await planRestore(this.#clock, current, target))
  }

  /** Write a checkpoint of the newest version, and clean up the log by `delta.logRetentionDuration`. Throws `ENGINE_FAILED`, `STORE_FAILED`. */
  async checkpoint(options: CheckpointOptions & CleanLogOptions = {}): Promise<void> {
    const snapshot = await this.#refresh()
    await writeCheckpoint(await this.#open(), this.#clock, snapshot, options)
    await cleanLog(this.#clock, snapshot, options)
  }

  /** Stops what runs and frees the engine, if the table opened it. */
  async close(): Promise<void> {
    if (this.#engine !== undefined && this.#parts.engine === undefined) await (await this.#engine).close()
    this.#engine = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #refresh(): Promise<Snapshot> {
    this.#latest = await refreshSnapshot(this.#latest)
    return this.#latest
  }

  #open(): Promise<Engine> {
    this.#engine ??= this.#parts.engine === undefined ? openEngine() : Promise.resolve(this.#parts.engine)
    return this.#engine
  }

  async #write(work: (work: WriteWork, snapshot: Snapshot) => Promise<WriteOutcome>): Promise<WriteOutcome> {
    return startAnew({ engine: await this.#open(), clock: this.#clock }, await this.#refresh(), work)
  }

  async *#scan(snapshot: Snapshot, { columns, filter }: ScanRequest): AsyncGenerator<Batch> {
    const fork = await (await this.#open()).fork()
    try {
      yield* fork.stream(await filteredSql(fork, snapshot, { ...(columns && { columns }), ...(filter && { filter }) }))
    } finally {
      await fork.close()
    }
  }
}

async function filteredSql(engine: Engine, snapshot: Snapshot, { columns, filter }: ScanRequest): Promise<string> {
  if (filter === undefined) return scanSql(engine, snapshot, columns === undefined ? {} : { columns })
  const wanted = columns ?? snapshot.schema.fields.map(({ name }) => name)
  const read = [...new Set([...wanted, ...filterColumns(filter, snapshot.schema)])]
  const rows = await scanSql(engine, snapshot, { columns: read, files: filterFiles(snapshot, filter) })
  return `SELECT ${nameList(pickFields(snapshot.schema, wanted))} FROM (${rows}) t WHERE ${filterSql(filter, snapshot.schema)}`
}
