import type { Clock, Engine, Snapshot } from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'
import type { Counts } from '../ledger/table-state.ts'
import type { PinPlace } from '../maintain/pins.ts'
import type { PreparedBatch } from './commit-batch.ts'
import type { Lake } from './lake.ts'
import type { BatchPlan, SeenFile } from './plan.ts'
import type { LargerEngine, Room } from './room.ts'
import type { TableSession } from './table-session.ts'

/** What an ingest tells while it runs. */
export type IngestEvent =
  | ({ readonly kind: 'committed'; readonly table: string } & CommitEvent)
  | { readonly kind: 'stopped'; readonly table: string; readonly code: string; readonly message: string }
  /** The key index of a table was built: from now on batches ask it instead of reading the table's keys. */
  | { readonly kind: 'indexed'; readonly table: string; readonly keys: number; readonly ms: number }
  /** Upkeep: small files were merged, or deleted rows left their files. */
  | {
      readonly kind: 'kept'
      readonly table: string
      readonly version: number
      readonly filesRemoved: number
      readonly filesAdded: number
      readonly bytesAdded: number
      readonly ms: number
    }
  | { readonly kind: 'warning'; readonly table: string; readonly message: string }
  | {
      readonly kind: 'progress'
      readonly table: string
      readonly files: number
      readonly filesTotal: number
      readonly rows: number
    }

/** One commit, with the counts of law 3. */
export interface CommitEvent extends Counts {
  readonly version: number
  readonly operation: string
  readonly files: number
  /** Of the data files that it added. */
  readonly bytesAdded: number
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** Duration in milliseconds, from opening the first file to the durable commit. */
  readonly ms: number
  /** From the commit at the source to the write of the file, for the newest change; where files carry the time at the source. */
  readonly dmsMs?: number
}

/** How to ingest; every part has a default. */
export interface IngestOptions {
  /** Only these tables; bare names are accepted when unique. */
  readonly tables?: readonly string[]
  /** Plan and say which files wait; write nothing. */
  readonly dryRun?: boolean
  /** Wait so long after the newest LOAD object before a load begins; 0 takes the load as listed. */
  readonly settleMs?: number
  readonly onEvent?: (event: IngestEvent) => void
  /** No batch is begun any more; one that is under way is finished. */
  readonly signal?: AbortSignal
  /** A batch under way is given up, unless its commit has begun. */
  readonly cut?: AbortSignal
  /** Where batches have to fit in; unset: there is no limit. */
  readonly room?: Room
  /** Takes batches that do not fit, of tables with `engine: auto`. */
  readonly larger?: LargerEngine
  /** Take columns that came and went as they are, not as a rename (`tributary resolve --accept-schema`). */
  readonly acceptSchema?: boolean
  /** So many live files of a table may carry deletion vectors before batches write small ones anew; 100 unless set. */
  readonly vectorFilesMax?: number
  /** Sessions kept by a caller that ingests again and again. */
  readonly sessions?: Map<string, TableSession>
  /** Where that caller's tables are kept in shape meanwhile. */
  readonly upkeep?: UpkeepLane
}

/** What has to know rows: all else of an ingest deals with files, ledgers and commits. */
export interface BatchWork {
  /** Reads the files of a batch and writes what its commit will name; undefined when they do not even tell columns. */
  readonly prepare: (run: TableRun, plan: BatchPlan, seen: readonly SeenFile[]) => Promise<PreparedBatch | undefined>
  /** The checkpoint after a commit that asks for one, and the cleanup of the log. */
  readonly keepLog: (engine: Engine, clock: Clock, snapshot: Snapshot, place: PinPlace) => Promise<void>
}

/** Where tables are kept in shape when they have nothing else to do. */
export interface UpkeepLane {
  /** A table is done for now; `bytesWritten` is what its batches wrote since it was last offered, undefined where there was none. */
  readonly offer: (run: TableRun, bytesWritten: number | undefined) => void
}

/** One table of one run. */
export interface TableRun {
  readonly lake: Lake
  readonly engine: Engine
  readonly table: TableConfig
  readonly session: TableSession
  readonly options: IngestOptions
  /** DuckDB's, unless a simulation brings its own. */
  readonly work?: BatchWork
}
