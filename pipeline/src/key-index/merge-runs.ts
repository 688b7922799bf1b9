import type { Clock } from '@tributary/delta'
import { compareEntries, copyEntry, type EntryShape, entryBytes, fileOf } from './entry.ts'
import type { Run } from './read-run.ts'
import { BLOCK_HEAD } from './run-file.ts'
import { writeRun } from './write-run.ts'

const ENTRIES_A_STRETCH = 50_000

/**
 * Merges runs, newest first, into a new file: of a key the newest entry stays, unless its data file has left the table. Other work
 * has its turn in between. Tells how many older entries gave way to a newer one of their key.
 */
export async function mergeRuns(
  runs: readonly Run[],
  target: { readonly path: string; readonly clock: Pick<Clock, 'sleep'>; readonly isLive: (file: string) => boolean },
): Promise<number> {
  const shape = widestShape(runs)
  const files = numberAll(runs.map((run) => run.files))
  const landings = numberAll(runs.map((run) => run.landings))
  const isLive = runs.map((run) => run.files.map(target.isLive))
  const writer = writeRun(target.path, shape)
  let twins = 0
  try {
    const cursors = runs.map(openCursor)
    for (let stretch = 0; ; stretch++) {
      const first = smallest(cursors)
      if (first === undefined) break
      const winner = cursors[first]
      if (winner === undefined) break
      if (isLive[first]?.[fileOf(winner.bytes, winner.offset)] === true)
        copyEntry(
          { ...winner, shape: runs[first]?.shape ?? shape },
          { ...writer.next(), shape },
          { files: files.numbers[first] ?? [], landings: landings.numbers[first] ?? [] },
        )
      // The same key in older runs is older.
      for (const [at, cursor] of cursors.entries())
        if (
          at > first &&
          !cursor.isDone &&
          compareEntries(cursor.bytes, cursor.offset, winner.bytes, winner.offset) === 0
        ) {
          twins += 1
          cursor.advance()
        }
      winner.advance()
      if (stretch % ENTRIES_A_STRETCH === ENTRIES_A_STRETCH - 1) await target.clock.sleep(0)
    }
    writer.finish({ files: files.list, landings: landings.list })
    return twins
  } catch (error) {
    writer.abandon()
    throw error
  }
}

/** Which runs, of so many entries each and newest first, to merge into one: that many from the newest on, or none. */
export function planMerge(entries: readonly number[]): number {
  let [newer, chosen] = [0, 0]
  for (const [at, size] of entries.entries()) {
    if (at >= FAN_IN - 1 && newer * 2 >= size) chosen = at + 1
    newer += size
  }
  return chosen
}

// Fewer runs answer faster, more are written more seldom.
const FAN_IN = 4

interface Cursor {
  bytes: Buffer
  offset: number
  isDone: boolean
  readonly advance: () => void
}

function openCursor(run: Run): Cursor {
  const size = entryBytes(run.shape)
  let [number, entry, entries] = [-1, 0, 0]
  const cursor: Cursor = {
    bytes: Buffer.alloc(0),
    offset: 0,
    isDone: false,
    advance: () => {
      entry += 1
      if (entry < entries) {
        cursor.offset += size
        return
      }
      number += 1
      cursor.isDone = number >= run.blocks
      if (cursor.isDone) return
      const block = run.block(number)
      entries = block.entries
      entry = 0
      cursor.bytes = block.bytes
      cursor.offset = BLOCK_HEAD
    },
  }
  cursor.advance()
  return cursor
}

function smallest(cursors: readonly Cursor[]): number | undefined {
  let found: number | undefined
  for (const [at, cursor] of cursors.entries()) {
    if (cursor.isDone) continue
    const best = found === undefined ? undefined : cursors[found]
    if (best === undefined || compareEntries(cursor.bytes, cursor.offset, best.bytes, best.offset) < 0) found = at
  }
  return found
}

function widestShape(runs: readonly Run[]): EntryShape {
  const widths = runs.flatMap(({ shape }) => shape.sequenceBytes ?? [])
  return { sequenceBytes: widths.length === 0 ? undefined : Math.max(...widths) }
}

/** One list of all names, and where each run's own numbers are in it. */
function numberAll(lists: readonly (readonly string[])[]): {
  readonly list: readonly string[]
  readonly numbers: readonly (readonly number[])[]
} {
  const byName = new Map<string, number>()
  const numbers = lists.map((names) =>
    names.map((name) => {
      const number = byName.get(name) ?? byName.size
      byName.set(name, number)
      return number
    }),
  )
  return { list: [...byName.keys()], numbers }
}
