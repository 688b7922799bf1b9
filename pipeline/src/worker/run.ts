import type { Engine } from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'
import type { Counts } from '../ledger/table-state.ts'
import type { Lake } from './lake.ts'
import type { LargerEngine, Room } from './room.ts'
import type { TableSession } from './table-session.ts'

/** What an ingest tells while it runs. */
export type IngestEvent =
  | ({ readonly kind: 'committed'; readonly table: string } & CommitEvent)
  | { readonly kind: 'stopped'; readonly table: string; readonly code: string; readonly message: string }
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
}

/** One table of one run. */
export interface TableRun {
  readonly lake: Lake
  readonly engine: Engine
  readonly table: TableConfig
  readonly session: TableSession
  readonly options: IngestOptions
}
