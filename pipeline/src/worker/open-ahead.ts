import type { OpenedFile } from '../dms/open-file.ts'
import type { LandingFile } from './plan.ts'
import { openFile } from './read-file.ts'
import type { TableRun } from './run.ts'

/** Files of a list, each opened while those before it are read. */
export interface FilesAhead {
  /** The file with that place in the list, which the caller disposes of. Throws what `openFile` throws. */
  readonly take: (at: number) => Promise<OpenedFile>
  /** Disposes of what was opened and nobody took. */
  readonly end: () => Promise<void>
}

/**
 * Opening a file hashes it and counts its records, on one core, while others are written: so the next one is opened as soon as one is taken,
 * one after another and no more than that ahead.
 */
export function openAhead(run: TableRun, files: readonly LandingFile[]): FilesAhead {
  const opening = new Map<number, Promise<OpenedFile>>()
  let next = 0
  let before: Promise<unknown> = Promise.resolve()
  const openUntil = (last: number): void => {
    for (; next <= last && next < files.length; next++) {
      const file = files[next]
      if (file === undefined) continue
      const opened = before.then(() => openFile(run, run.engine, file))
      // Whoever takes the file hears of it.
      before = opened.catch(() => undefined)
      opening.set(next, opened)
    }
  }
  return {
    take: async (at) => {
      openUntil(at + 1)
      const opened = opening.get(at)
      if (opened === undefined) throw new RangeError(`file ${at} was taken already, or there is none`)
      opening.delete(at)
      return opened
    },
    end: async () => {
      next = files.length
      for (const opened of opening.values()) await opened.then((file) => file.dispose()).catch(() => undefined)
    },
  }
}
