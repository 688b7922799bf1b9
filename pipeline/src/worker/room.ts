// Whether a batch fits into the place where we run: a function has little memory, a small disk and an end that comes whatever is under
// way. What does not fit is told before it is begun (design §8): waiting for the end of the time would fail again and again.
import type { LandingFile, TablePlan } from './plan.ts'

/** The place where batches run. */
export interface Room {
  readonly memoryBytes: number
  /** Disk for downloads and for what DuckDB spills. */
  readonly diskBytes: number
  /** Time until whatever runs is cut off. */
  readonly remainingMs: () => number
  /** All the time that there ever is. */
  readonly wholeMs: number
  /** How fast batches went so far. */
  readonly pace: Pace
}

/** What a batch will need, as far as the names and sizes of its files tell. */
export interface BatchNeeds {
  readonly files: number
  readonly storedBytes: number
  /** Memory and disk together: copies of files, and rows on their way. */
  readonly scratchBytes: number
  readonly expectedMs: number
}

/** A batch of one table. */
export interface BatchToHand {
  readonly table: string
  readonly plan: WorkPlan
  readonly needs: BatchNeeds
}

type WorkPlan = Exclude<TablePlan, { readonly kind: 'idle' | 'settling' }>

/**
 * An engine for batches that do not fit here. It applies the batch by the same rules and commits it to the same table, or fails; our own
 * next look at the table finds the files in its ledger. Until then their messages come again.
 */
export interface LargerEngine {
  readonly take: (batch: BatchToHand) => Promise<void>
}

/** Kept free so that a commit that has begun can end. */
export const COMMIT_MS = 10_000

/** Estimates what a batch needs. Names tell what is compressed; a wrong guess costs time, never rows. */
export function estimateNeeds(plan: WorkPlan, pace: Pace): BatchNeeds {
  if (plan.kind === 'superseded') {
    // They are hashed and counted, one after the other.
    const [largest = 0] = largestFirst(plan.files.map(({ sizeBytes }) => sizeBytes))
    const storedBytes = sum(plan.files.map(({ sizeBytes }) => sizeBytes))
    return { files: plan.files.length, storedBytes, scratchBytes: largest, expectedMs: pace.expectedMs(storedBytes) }
  }
  const plain = plan.files.map(plainBytesOf)
  const plainBytes = sum(plain)
  const copies = sum(
    largestFirst(plan.files.map((file) => file.sizeBytes + plainBytesOf(file))).slice(0, FILES_AT_ONCE),
  )
  // Changes are staged as rows before they are folded; a load streams, and only its keys are kept.
  const rows = plan.kind === 'changes' ? plainBytes * 2 : plainBytes / 2
  return {
    files: plan.files.length,
    storedBytes: sum(plan.files.map(({ sizeBytes }) => sizeBytes)),
    scratchBytes: copies + rows,
    expectedMs: pace.expectedMs(plainBytes),
  }
}

/** `later`: it fits, but not into the time that is left. */
export function judgeFit({ scratchBytes, expectedMs }: BatchNeeds, room: Room): 'fits' | 'later' | 'too-large' {
  if (scratchBytes > room.memoryBytes + room.diskBytes || expectedMs + COMMIT_MS > room.wholeMs) return 'too-large'
  return expectedMs + COMMIT_MS > room.remainingMs() ? 'later' : 'fits'
}

/** What is known of the speed of this machine. */
export interface Pace {
  readonly expectedMs: (plainBytes: number) => number
  readonly note: (plainBytes: number, ms: number) => void
}

const START_MS = 3_000
const BYTES_PER_MS_AT_FIRST = 4 * 1024
/** Small batches tell nothing of the speed of large ones. */
const TELLING_BYTES = 1024 * 1024

/** Begins with a careful guess and learns; the slower of the last two counts, and twice its time. */
export function batchPace(): Pace {
  let speeds: readonly number[] = []
  return {
    expectedMs: (plainBytes) =>
      START_MS + plainBytes / (speeds.length === 0 ? BYTES_PER_MS_AT_FIRST : Math.min(...speeds) / 2),
    note: (plainBytes, ms) => {
      if (plainBytes >= TELLING_BYTES) speeds = [...speeds.slice(-1), plainBytes / Math.max(1, ms)]
    },
  }
}

/** Bytes of the files of a batch when they are not compressed, as `estimateNeeds` guesses them. */
export function guessPlainBytes(plan: WorkPlan): number {
  return sum(plan.files.map(plainBytesOf))
}

const FILES_AT_ONCE = 3

function plainBytesOf({ key, sizeBytes }: Pick<LandingFile, 'key' | 'sizeBytes'>): number {
  if (/\.gz$/i.test(key)) return sizeBytes * 10
  return /\.parquet$/i.test(key) ? sizeBytes * 5 : sizeBytes
}

function largestFirst(sizes: readonly number[]): readonly number[] {
  return sizes.toSorted((a, b) => b - a)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
