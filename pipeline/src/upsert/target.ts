// What an upsert is given: its tools, and the table as it stands.
import type { Clock, Engine, FileSettings, Snapshot, Store } from '@tributary/delta'
import type { KeyHashes } from '../key-index/entry.ts'
import type { IndexedRow } from '../key-index/find-rows.ts'
import type { IndexHolder } from '../key-index/index-folder.ts'
import type { Horizon, Segment } from '../ledger/table-state.ts'
import type { TableShape } from './batch.ts'
import type { BatchOutcome } from './decide.ts'

/** The things an upsert works with. */
export interface UpsertParts {
  readonly engine: Engine
  readonly store: Store
  readonly clock: Clock
  /** Where the table's key index is kept; undefined: scan. */
  readonly index?: IndexHolder | undefined
  /** What the index was asked while the batch was staged. */
  readonly prefetched?: Promise<PrefetchedKeys | undefined> | undefined
  /** Told what the batch does as soon as that is known, before its files are written. */
  readonly onOutcome?: (outcome: BatchOutcome) => void
}

/** The keys of a file, by their hashes ascending, and what the key index is asked about them while the file's rows are staged. */
export interface PrefetchedKeys {
  readonly snapshot: Snapshot
  /** Of the index that is asked. */
  readonly salt: string
  readonly hashes: KeyHashes
  /** As `FoundKeys`, for a file in which no key comes twice. */
  readonly tags: BigUint64Array
  /** `changeSumOf` the file's changes. */
  readonly changeSum: bigint
  /** The live rows of the keys, in any order; undefined when the index could not tell, something failed, or nobody waits any more. */
  readonly rows: Promise<readonly IndexedRow[] | undefined>
}

/** The same when the rows have come. */
export interface PrefetchedRows extends Pick<PrefetchedKeys, 'hashes' | 'tags'> {
  readonly rows: readonly IndexedRow[]
}

/** How long tombstones are kept, in the time of file names. */
export interface TombstoneAge {
  readonly keepMs: number
  readonly newestPlace: string
}

/** The table as it is before the batch; `snapshot` is undefined when the batch creates it. */
export interface UpsertTarget {
  readonly snapshot: Snapshot | undefined
  readonly shape: TableShape
  readonly partitionColumns: readonly string[]
  readonly write: 'merge-on-read' | 'copy-on-write'
  /** How files are written. */
  readonly settings: FileSettings
  /** So many live files may carry deletion vectors, 100 unless set; from then on batches write small ones anew. */
  readonly vectorFilesMax: number | undefined
  readonly tombstones: readonly Segment[]
  readonly horizon: Horizon | undefined
  /** How long tombstones are kept, and the place of the newest file, from which that is counted; undefined: for ever. */
  readonly tombstoneAge: TombstoneAge | undefined
  readonly sequenceLength: number | undefined
  /** Column with the commit time at the source (`TimestampColumnName`). */
  readonly timestampColumn: string | undefined
  /** Compare each change with what the stored row last took: always with a sequence, else for late rows only. */
  readonly guard: boolean
}

/** Which keys are looked for, and what of their rows is wanted. */
export interface KeyQuestion {
  /** The order that each row last took, too. */
  readonly guard: boolean
  /** The relation that has the keys; `__n` and `__sub` tell its rows apart. */
  readonly keysFrom: string
  /** What the key index alone can do. */
  readonly byIndex?: {
    /** Called, once at least, where DuckDB would be idle for a while. */
    readonly meanwhile: () => void
    /** Table `located` is not needed; instead this SQL on a row `k`, a whole number, comes back with what was found of it. */
    readonly tag: string
    /** The keys are all of that one file, each once. */
    readonly only?: { readonly file: number; readonly rows: number; readonly changeSum: bigint } | undefined
  }
}

/** Some of the keys that were asked for, column by column. */
export interface FoundKeys {
  /** Of the batch: its file's number and its row in it, `__n`. */
  readonly rows: BigUint64Array
  readonly tags: BigUint64Array
  /** 1 where the table holds the key. */
  readonly isFound: Uint8Array
}
