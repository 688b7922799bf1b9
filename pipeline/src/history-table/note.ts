// What the live table's log says of its history table. The live commit of a batch names the history's data files, which were written
// before it: that commit alone decides (law 1), and the history's own commit follows from it, whoever makes it (decision 20).
import type { AddFile } from '@tributary/delta'
import { z } from 'zod'
import { historyNoteCorrupt } from '../errors.ts'

/** The metadata domain of the live table that holds its `HistoryNote`. */
export const HISTORY_DOMAIN = 'tributary.history'

const addFile = z
  .object({
    path: z.string(),
    partitionValues: z.record(z.string(), z.string().nullable()),
    size: z.number(),
    modificationTime: z.number(),
    dataChange: z.boolean(),
    stats: z.string(),
  })
  .readonly()

const note = z
  .object({
    format: z.literal(1),
    /** The newest batch of the live table that wrote its history; where the table is further on, the history has a gap. */
    through: z.number().int().nonnegative(),
    /** The newest batch that has rows in the history, and the one before it; 0: none. */
    batch: z.number().int().nonnegative(),
    previous: z.number().int().nonnegative(),
    /** The data files of `batch`, to be committed to the history. */
    files: z.array(addFile).readonly(),
    /** Rows of the history, these files included. */
    rows: z.number().int().nonnegative(),
    /** Schema of the live table at `batch`, as in the log. */
    schema: z.string(),
    /** Counts what sets the table anew: loads, truncates, and beginnings of the history. */
    generation: z.number().int().positive(),
    /** When this generation began, in microseconds: none of its changes is older in the history. */
    startedAtUs: z.number().int().nonnegative(),
    /** The newest `__source_at` so far, in microseconds. */
    newestAtUs: z.number().int().nonnegative(),
  })
  .readonly()

/** How far the history of a table is, and what its next commit is. */
export type HistoryNote = z.infer<typeof note>

/** History rows that were written as files and wait for the commit of their batch. */
export interface PreparedHistory {
  /** The newest batch in the history when these files were written, and how many rows it had then. */
  readonly follows: number
  readonly rowsBefore: number
  readonly files: readonly AddFile[]
  readonly rows: number
  readonly generation: number
  readonly startedAtUs: number
  readonly newestAtUs: number
}

/** The note in a table's log; undefined where no history was ever kept. Throws `HISTORY_NOTE_CORRUPT`. */
export function parseHistoryNote(domains: ReadonlyMap<string, string> | undefined): HistoryNote | undefined {
  const text = domains?.get(HISTORY_DOMAIN)
  if (text === undefined) return undefined
  const parsed = note.safeParse(parseJson(text))
  if (!parsed.success) throw historyNoteCorrupt(parsed.error.message)
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw historyNoteCorrupt(cause instanceof Error ? cause.message : String(cause))
  }
}

/** Whether batches of the table were committed without their history: it was off, or the table was restored. */
export function hasGap(known: HistoryNote | undefined, batch: number): boolean {
  return batch > 0 && known?.through !== batch
}

/**
 * The note that a batch commits; undefined where the old one stays: a batch without rows does not close a gap, it would hide it.
 */
export function nextNote(
  known: HistoryNote | undefined,
  batch: { readonly number: number; readonly schema: string; readonly history: PreparedHistory | undefined },
): HistoryNote | undefined {
  const { number, history, schema } = batch
  if (history === undefined) {
    if (known === undefined || hasGap(known, number - 1)) return undefined
    return { ...known, through: number }
  }
  const { generation, startedAtUs, newestAtUs, follows, rowsBefore } = history
  const clock = { generation, startedAtUs, newestAtUs: Math.max(newestAtUs, known?.newestAtUs ?? 0) }
  if (history.files.length === 0) {
    const none = { batch: follows, previous: follows, files: [], rows: rowsBefore, schema: known?.schema ?? schema }
    return { format: 1, through: number, ...none, ...clock }
  }
  const files = history.files.map(({ path, partitionValues, size, modificationTime, dataChange, stats = '' }) => ({
    path,
    partitionValues,
    size,
    modificationTime,
    dataChange,
    stats,
  }))
  const rows = rowsBefore + history.rows
  return { format: 1, through: number, batch: number, previous: follows, files, rows, schema, ...clock }
}
