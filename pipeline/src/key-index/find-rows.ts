import type { Liveness } from './coverage.ts'
import { type EntryOrder, entryBytes, fileOf, type KeyHashes, orderOf, positionOf } from './entry.ts'
import type { Run } from './read-run.ts'
import { BLOCK_HEAD } from './run-file.ts'

/** The live row of a key. */
export interface IndexedRow {
  /** Which key, by its place in the question. */
  readonly at: number
  readonly path: string
  readonly position: number
  /** What the row last took; undefined where the table has no sequence column. */
  readonly order: IndexedOrder | undefined
}

/** What a row last took. */
export interface IndexedOrder extends Omit<EntryOrder, 'landing'> {
  /** Key of the landing file, undefined when a rewrite by another engine dropped it. */
  readonly landingFile: string | undefined
}

/** The live rows of keys. Of each key the newest entry decides: when its row is dead the key has none. */
export async function findRows(
  runs: readonly Run[],
  keys: KeyHashes,
  liveness: Liveness,
): Promise<readonly IndexedRow[]> {
  const isFound = new Uint8Array(keys.count)
  const found: IndexedRow[] = []
  const paths = new Set<string>()
  for (const run of runs)
    run.find(
      keys,
      (at) => isFound[at] === 0,
      (at, bytes, offset) => {
        isFound[at] = 1
        const path = run.files[fileOf(bytes, offset)] ?? ''
        if (!liveness.hasFile(path)) return
        paths.add(path)
        const order = run.shape.sequenceBytes === undefined ? undefined : placedOrder(run, orderOf(bytes, offset))
        found.push({ at, path, position: positionOf(bytes, offset), order })
      },
    )
  await liveness.load(paths)
  return found.filter(({ path, position }) => liveness.isLive(path, position))
}

/** Whether a key of the newer runs, newest first, has a live row elsewhere. */
export async function haveLiveTwins(
  newer: readonly Run[],
  older: readonly Run[],
  liveness: Liveness,
): Promise<boolean> {
  for (const [at, run] of newer.entries())
    for (let number = 0; number < run.blocks; number++) {
      const rows = await findRows([...newer.slice(at + 1), ...older], keysOf(run, number), liveness)
      if (rows.some((row) => !isEntryOf(run, number, row))) return true
    }
  return false
}

/** Whether the entry of that key in a block is of the same row: a file that was read again. */
function isEntryOf(run: Run, number: number, { at, path, position }: IndexedRow): boolean {
  const { bytes } = run.block(number)
  const offset = BLOCK_HEAD + at * entryBytes(run.shape)
  return run.files[fileOf(bytes, offset)] === path && positionOf(bytes, offset) === position
}

function placedOrder(run: Run, { landing, ...order }: EntryOrder): IndexedOrder {
  return { ...order, landingFile: landing === undefined ? undefined : run.landings[landing] }
}

function keysOf(run: Run, number: number): KeyHashes {
  const { bytes, entries } = run.block(number)
  const size = entryBytes(run.shape)
  const words = new Uint32Array(entries * 4)
  for (let at = 0; at < entries; at++)
    for (let word = 0; word < 4; word++) words[at * 4 + word] = bytes.readUInt32BE(BLOCK_HEAD + at * size + word * 4)
  return { words, count: entries }
}
