// What a batch adds to the ledger is known when its outcome is. It is written while the batch's rows and deletion vectors are: in a bucket that
// is one request fewer to wait for before the commit.
import { countMismatch } from '../errors.ts'
import { appendLedger, type LedgerEntry, type LedgerParts } from '../ledger/ledger.ts'
import { isConserved, type Segment, type TableState } from '../ledger/table-state.ts'

/** An entry before the batch has its number. */
export type NewEntry = Omit<LedgerEntry, 'batch'>

/** A ledger that was written for the next commit. */
export interface WrittenLedger {
  /** The state that it goes on from: after any other it is not the table's. */
  readonly after: TableState | undefined
  readonly segments: readonly Segment[]
}

/** The number of the batch that follows a state. */
export function nextBatch(state: TableState | undefined): number {
  return (state?.batch ?? 0) + 1
}

/** The entries of the batch that follows a state. Throws `COUNT_MISMATCH` when rows of one are missing (law 3). */
export function numberEntries(state: TableState | undefined, entries: readonly NewEntry[]): readonly LedgerEntry[] {
  for (const entry of entries) if (!isConserved(entry)) throw countMismatch(entry.key, entry)
  return entries.map((entry) => ({ ...entry, batch: nextBatch(state) }))
}

/** Writes a ledger ahead of its commit. */
export interface EarlyLedger {
  /** Begins, once. */
  readonly begin: (entries: readonly NewEntry[]) => void
  /** What was written; undefined where nothing was begun. Throws what the store and `numberEntries` throw. */
  readonly written: () => Promise<WrittenLedger | undefined>
  /** Settles when nothing is being written any more, whatever came of it. */
  readonly settle: () => Promise<void>
}

/** The early ledger of the batch that follows a state. */
export function earlyLedger(parts: LedgerParts, state: TableState | undefined): EarlyLedger {
  let writing: Promise<WrittenLedger> | undefined
  const write = async (entries: readonly NewEntry[]): Promise<WrittenLedger> => ({
    after: state,
    segments: await appendLedger(parts, state?.ledger ?? [], numberEntries(state, entries)),
  })
  const settle = async (): Promise<void> => {
    await Promise.allSettled([writing])
  }
  return {
    begin: (entries) => {
      writing ??= write(entries)
      // Whoever asks for it hears what went wrong.
      void settle()
    },
    written: async () => writing,
    settle,
  }
}
