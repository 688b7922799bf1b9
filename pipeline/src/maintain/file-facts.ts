// What upkeep goes by of each file: its live and its dead rows, and what its deletion vectors have come to.

import { type AddFile, parseStats, vectorBytesSpent } from '@tributary/delta'

/** A file whose rows are counted, some of them live. */
export interface FileFacts {
  readonly file: AddFile
  readonly partition: string
  readonly rows: number
  readonly dead: number
  readonly live: number
  readonly liveBytes: number
}

// A snapshot shares its files with those before it, and statistics take a while to parse.
const known = new WeakMap<AddFile, FileFacts>()

/** Undefined for a file whose rows nobody counted, or of which none is left. */
export function factsOf(file: AddFile): FileFacts | undefined {
  const before = known.get(file)
  if (before !== undefined) return before
  const rows = parseStats(file.stats)?.numRecords ?? 0
  const dead = file.deletionVector?.cardinality ?? 0
  const live = rows - dead
  if (live <= 0) return undefined
  const partition = JSON.stringify(Object.entries(file.partitionValues).sort())
  const facts = { file, partition, rows, dead, live, liveBytes: (file.size * live) / rows }
  known.set(file, facts)
  return facts
}

/** A file of so many rows shows what a row of the table takes. */
const TELLING_ROWS = 32_768

/** What rewriting costs. */
export interface Costs {
  /** Bytes of a row, by partition, in the newest file that tells. */
  readonly rowBytes: ReadonlyMap<string, number>
}

/** From all files of a table. */
export function costsOf(files: readonly FileFacts[]): Costs {
  const telling = files
    .filter(({ rows }) => rows >= TELLING_ROWS)
    .sort((one, other) => one.file.modificationTime - other.file.modificationTime)
  return { rowBytes: new Map(telling.map(({ partition, file, rows }) => [partition, file.size / rows])) }
}

/**
 * What the vectors of a file have come to, in multiples of what it is expected to take without its dead rows. Another program's files may
 * be packed with another codec: what their rows will take is seen in the newest that were written. It is taken for half of what they take now
 * at the least, and for no more, since rows differ too.
 */
export function vectorCost({ file, partition, live, liveBytes }: FileFacts, { rowBytes }: Costs): number {
  const expected = live * (rowBytes.get(partition) ?? Number.POSITIVE_INFINITY)
  return vectorBytesSpent(file) / Math.min(liveBytes, Math.max(expected, liveBytes / 2))
}
