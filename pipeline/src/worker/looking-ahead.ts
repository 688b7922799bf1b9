import { isAtHand } from '../key-index/index-folder.ts'
import type { StagedFile, TableShape } from '../upsert/batch.ts'
import { lookAhead } from '../upsert/look-ahead.ts'
import type { PrefetchedKeys } from '../upsert/target.ts'
import type { LandingFile } from './plan.ts'
import type { TableRun } from './run.ts'

/** The files of a batch, and whether each change is compared with what its row last took. */
export interface ChangesPlan {
  readonly files: readonly LandingFile[]
  readonly guard: boolean
}

/** What is found out of the table while DuckDB reads the files of a batch. */
export interface LookingAhead {
  /** Begins, with the first file: its rows. */
  readonly begin: (staged: StagedFile, shape: TableShape) => void
  /** What it comes to; undefined when nothing was begun. */
  readonly prefetched: () => Promise<PrefetchedKeys | undefined> | undefined
  /** Ends it: settles when nothing is read any more. */
  readonly end: () => Promise<void>
}

// Some hundred bytes a key. A batch of more takes its time for other things.
const ROWS_MAX = 200_000

/** Looks ahead for a batch when it is let to. */
export function lookingAhead({ engine, lake, session }: TableRun, { files, guard }: ChangesPlan): LookingAhead {
  const { snapshot, index } = session
  let isOver = false
  let ahead: Promise<PrefetchedKeys | undefined> | undefined
  const settle = async (): Promise<void> => {
    await Promise.allSettled([ahead?.then((begun) => begun?.rows)])
  }
  // Of several files each is another part of the batch; and where statistics ruled all files out for the batch before, they will again.
  const isWorthIt =
    files.length === 1 && snapshot !== undefined && index?.wasAsked === true && isAtHand(index, snapshot.version)
  const begin = ({ relation, rows }: StagedFile, shape: TableShape): void => {
    if (snapshot === undefined || ahead !== undefined) return
    const keysOf = isWorthIt && rows <= ROWS_MAX ? relation : undefined
    const table = { snapshot, shape, guard, relation: keysOf, isOver: () => isOver }
    ahead = lookAhead({ engine, clock: lake.clock, index }, table)
    // Whoever asks for it hears what went wrong.
    void settle()
  }
  const end = async (): Promise<void> => {
    isOver = true
    await settle()
  }
  return { begin, prefetched: () => ahead, end }
}
