import { isAtHand } from '../key-index/index-folder.ts'
import type { TableShape } from '../upsert/batch.ts'
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
  /** Begins, with the first file: a SELECT of its rows. */
  readonly begin: (relation: string, shape: TableShape) => void
  /** What it comes to; undefined when nothing was begun. */
  readonly prefetched: () => Promise<PrefetchedKeys | undefined> | undefined
  /** Settles when it is over, whatever came of it. */
  readonly settle: () => Promise<void>
}

// A batch of more takes its time for other things, and the hashes of all its keys their memory.
const BYTES_MAX = 16 * 1024 * 1024

/** Looks ahead for a batch when it is let to. */
export function lookingAhead({ engine, lake, session }: TableRun, { files, guard }: ChangesPlan): LookingAhead {
  const { snapshot, index } = session
  // Of several files each is another part of the batch.
  const isSmall = files.length === 1 && (files[0]?.sizeBytes ?? 0) <= BYTES_MAX
  const isNear = isSmall && index !== undefined && snapshot !== undefined && isAtHand(index, snapshot.version)
  let ahead: Promise<PrefetchedKeys | undefined> | undefined
  const settle = async (): Promise<void> => {
    await Promise.allSettled([ahead?.then((begun) => begun?.answer)])
  }
  const begin = (relation: string, shape: TableShape): void => {
    if (snapshot === undefined || ahead !== undefined) return
    const table = { snapshot, shape, guard, relation: isNear ? relation : undefined }
    ahead = lookAhead({ engine, clock: lake.clock, index }, table)
    // Whoever asks for it hears what went wrong.
    void settle()
  }
  return { begin, prefetched: () => ahead, settle }
}
