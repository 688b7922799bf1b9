import type { Duck } from './engine.ts'
import type { TableShape } from './shape.ts'

/** What decides the changes of one batch. */
export interface BatchSpec {
  readonly changes: number
  /** 1, 2, …: batches of one table take different keys and give different values. */
  readonly number: number
  /** Random over the whole table, or over its newest hundredth. */
  readonly keys: 'random' | 'recent'
  /** Inserts and updates too, unless it says otherwise. */
  readonly only?: 'deletes'
}

/** Where one part of a table is to be written. */
export interface PartSpec {
  readonly rows: number
  readonly seed: number
  readonly part: number
  readonly parts: number
  readonly path: string
}

/** Where a batch takes its keys from. */
export interface KnownTable {
  readonly rows: number
  readonly seed: number
  /** Glob of the table's Parquet files. */
  readonly parquet: string
}

/** A generator of a table and of changes to it: the same seed gives the same rows. */
export interface Source {
  readonly name: string
  /** Change it with the generator: old files are then not taken again. */
  readonly generation: number
  readonly shape: TableShape
  /** Writes one Parquet file of the table. */
  readonly writePart: (duck: Duck, part: PartSpec) => Promise<void>
  /** SELECT of one batch: `Op` and the columns. Keys are distinct within a batch: MERGE refuses a row that matches twice. */
  readonly batchSql: (table: KnownTable, batch: BatchSpec) => string
}

/** How many changes of a batch insert and delete; the rest updates. */
export function sharesOf({ changes, only }: BatchSpec): { readonly inserts: number; readonly deletes: number } {
  return only === 'deletes'
    ? { inserts: 0, deletes: changes }
    : { inserts: Math.round(changes * INSERT_SHARE), deletes: Math.round(changes * DELETE_SHARE) }
}

const INSERT_SHARE = 0.15
const DELETE_SHARE = 0.05
/** The newest part of a table, where recent keys are. */
export const RECENT_SHARE = 0.01
