// Which files of a table are worth rewriting now, and why. Pure: a snapshot in, plain data out. The costs behind it are in decision 19.
//
// Small files are merged in tiers. A file is in tier t when it has from BASE^t to BASE^(t+1) live rows, and a merge takes files only when
// what comes out is in a higher tier than each of them. So a row is rewritten log(rows) times at most, and the table's bulk never for
// the sake of small files.
//
// No file is rewritten to be sorted. What is rewritten anyway comes into the order of the table: small files of which more than a row
// group comes, and then these when their dead rows go, two files' worth at a time of which each has half of the range.

import {
  type Bin,
  isInOrder,
  isInOtherOrder,
  orderOfFiles,
  type RowOrder,
  type Snapshot,
  targetBytesOf,
} from '@tributary/delta'
import { type Costs, costsOf, type FileFacts, factsOf, vectorCost } from './file-facts.ts'

/** Files that are rewritten together. */
export interface UpkeepPiece extends Bin {
  /** They are many and small, or their deleted rows cost too much. */
  readonly why: 'small files' | 'dead rows'
  /** Their rows are `sorted`, are `kept` in the order of the table that they have, or lie as their writers wanted. */
  readonly rows: 'as they lie' | 'kept' | 'sorted'
  readonly liveRows: number
  readonly deadRows: number
}

/** Small files of about one size which are too few to be merged yet. */
export interface Tier {
  readonly files: number
  /** So many are merged. */
  readonly filesDue: number
  /** Live rows of the files of this tier: from so many, to fewer than so many. */
  readonly rows: readonly [from: number, below: number]
}

/** What upkeep would do, the cheapest first, and what it waits for. */
export interface UpkeepPlan {
  readonly pieces: readonly UpkeepPiece[]
  readonly tiers: readonly Tier[]
  /** The greatest share of deleted rows of a file that stays as it is; 0 where no row is deleted. */
  readonly deadShareMax: number
  /** What the deletion vectors of such a file have come to at most, in multiples of what it takes to rewrite it. */
  readonly vectorCostMax: number
  /** Files that would be worth it and are too large to be rewritten beside other work. */
  readonly filesTooLarge: number
}

/** So many files of a tier are merged. */
const BASE = 8
/** A file of which so much is deleted is rewritten: four rows at most for each that is gone. */
export const DEAD_SHARE_MAX = 0.2
/** A file is also rewritten when its deletion vectors, of which each commit that marks rows writes a new one, have cost so many times as much. */
export const VECTOR_COST_MAX = 1
/** Fewer deleted rows are not worth a commit. */
export const DEAD_ROWS_MIN = 1000
/** A file of so much of the target belongs to the bulk: 32 MiB. A load writes files of about 100. */
const BULK_SHARE = 1 / 8
const PIECE_TARGETS_MAX = 2
/** What is rewritten in spare time at once: some ten seconds of work. */
export const SPARE_BYTES_MAX = 512 * 1024 * 1024
/** DuckDB's row group: the statistics of a single one are the same in any order. */
const ROW_GROUP_ROWS = 122_880

/** What upkeep goes by. */
export interface UpkeepTerms {
  /** That of the table's rows, where it has one. */
  readonly order: RowOrder | undefined
  /** Files are not put together into pieces of more bytes: so much may be rewritten now. */
  readonly bytesMax: number
}

/** What is worth rewriting. */
export function planUpkeep(
  { files, metadata }: Pick<Snapshot, 'files' | 'metadata'>,
  { order, bytesMax }: UpkeepTerms,
): UpkeepPlan {
  const counted = files.flatMap((file) => factsOf(file) ?? [])
  const costs = costsOf(counted)
  const targetBytes = targetBytesOf(metadata, {})
  const pieces: UpkeepPiece[] = []
  const tiers: Tier[] = []
  let filesTooLarge = 0
  for (const group of Map.groupBy(counted, ({ partition }) => partition).values()) {
    const merges = planMerges(group, targetBytes, order)
    const merged = new Set(merges.pieces.flatMap((piece) => piece.files))
    const rest = group.filter(({ file }) => !merged.has(file))
    const purges = planPurges(rest, targetBytes, { order, bytesMax, costs })
    filesTooLarge += purges.filesTooLarge
    pieces.push(...merges.pieces, ...purges.pieces)
    tiers.push(...merges.tiers)
  }
  const taken = new Set(pieces.flatMap((piece) => piece.files))
  const kept = counted.filter(({ file }) => !taken.has(file))
  return {
    pieces: pieces.toSorted((left, right) => left.liveBytes - right.liveBytes),
    tiers,
    deadShareMax: kept.reduce((max, { dead, rows }) => Math.max(max, dead / rows), 0),
    vectorCostMax: kept.reduce((max, facts) => Math.max(max, vectorCost(facts, costs)), 0),
    filesTooLarge,
  }
}

/** The pieces, from the cheapest on, that fit into so many bytes. */
export function takePieces({ pieces }: UpkeepPlan, bytesMax: number): readonly UpkeepPiece[] {
  let bytes = 0
  return pieces.filter(({ liveBytes }) => {
    bytes += liveBytes
    return bytes <= bytesMax
  })
}

function tierOf(rows: number): number {
  // Not by Math.log, which may be a little off just where a tier begins.
  let tier = 0
  for (let from = BASE; from <= rows; from *= BASE) tier += 1
  return tier
}

function planMerges(
  files: readonly FileFacts[],
  targetBytes: number,
  order: RowOrder | undefined,
): Pick<UpkeepPlan, 'tiers'> & { readonly pieces: readonly UpkeepPiece[] } {
  const small = files.filter(({ liveBytes }) => liveBytes < BULK_SHARE * targetBytes)
  const members = Map.groupBy(small, ({ live }) => tierOf(live))
  const tiers: Tier[] = []
  const pieces: UpkeepPiece[] = []
  let due: FileFacts[] = []
  const close = (): void => {
    const bins = pack(due, targetBytes).filter(isWorthMerge(targetBytes))
    for (const bin of bins) {
      const isSorted =
        order !== undefined && liveRowsOf(bin) > ROW_GROUP_ROWS && !bin.some(({ file }) => isInOtherOrder(file, order))
      pieces.push(pieceOf({ why: 'small files', files: bin, rows: isSorted ? 'sorted' : 'as they lie' }))
    }
    due = []
  }
  for (const tier of [...members.keys()].sort((left, right) => left - right)) {
    const here = members.get(tier) ?? []
    const reached = due.length === 0 ? -1 : tierOf(liveRowsOf(due))
    if (reached < tier) close()
    // What is merged below becomes one file more up here: written once instead of twice.
    if (reached > tier || here.length + (due.length > 0 ? 1 : 0) >= BASE) due.push(...here)
    else {
      close()
      tiers.push({ files: here.length, filesDue: BASE, rows: [BASE ** tier, BASE ** (tier + 1)] })
    }
  }
  close()
  return { pieces, tiers }
}

/** A merge makes a file of the bulk, or one of a higher tier than each of its files. */
function isWorthMerge(targetBytes: number): (bin: readonly FileFacts[]) => boolean {
  return (bin) => {
    const tier = tierOf(liveRowsOf(bin))
    return liveBytesOf(bin) >= BULK_SHARE * targetBytes || bin.every(({ live }) => tierOf(live) < tier)
  }
}

function planPurges(
  files: readonly FileFacts[],
  targetBytes: number,
  { order, bytesMax, costs }: UpkeepTerms & { readonly costs: Costs },
): Pick<UpkeepPlan, 'pieces' | 'filesTooLarge'> {
  const worthIt = files.filter((facts) => isWorthPurge(facts, costs))
  const fitting = worthIt.filter(({ liveBytes }) => liveBytes <= PIECE_TARGETS_MAX * targetBytes)
  // How a load or another program laid out its rows may be meant.
  const ordered = fitting.filter(({ file }) => order !== undefined && isInOrder(file, order))
  const others = fitting.filter((facts) => !ordered.includes(facts))
  const bins = [
    ...pack(others, targetBytes).map((bin) => ({ files: bin, rows: 'as they lie' as const })),
    ...(order === undefined ? [] : packInOrder(ordered, { targetBytes, bytesMax, order })),
  ]
  return {
    pieces: bins
      .filter((bin) => deadRowsOf(bin.files) >= DEAD_ROWS_MIN)
      .map((bin) => pieceOf({ why: 'dead rows', ...bin })),
    filesTooLarge: worthIt.length - fitting.length,
  }
}

/** Files whose rows lie in the order of the table, beside those that are near them in it; twice as much of those that overlap. */
function packInOrder(
  files: readonly FileFacts[],
  {
    targetBytes,
    bytesMax,
    order,
  }: { readonly targetBytes: number; readonly bytesMax: number; readonly order: RowOrder },
): readonly { readonly files: readonly FileFacts[]; readonly rows: 'kept' | 'sorted' }[] {
  const { compare, overlap } = orderOfFiles(order)
  const bins: { files: FileFacts[]; bytes: number; rows: 'kept' | 'sorted' }[] = []
  for (const facts of files.toSorted((left, right) => compare(left.file, right.file) || inOrder(left, right))) {
    const bin = bins.at(-1)
    const overlaps = bin?.files.some(({ file }) => overlap(file, facts.file)) === true
    const most = Math.min(overlaps ? PIECE_TARGETS_MAX * targetBytes : targetBytes, bytesMax)
    if (bin === undefined || bin.bytes + facts.liveBytes > most)
      bins.push({ files: [facts], bytes: facts.liveBytes, rows: 'kept' })
    else {
      bin.files.push(facts)
      bin.bytes += facts.liveBytes
      if (overlaps) bin.rows = 'sorted'
    }
  }
  return bins
}

function isWorthPurge(facts: FileFacts, costs: Costs): boolean {
  const { rows, dead } = facts
  return dead / rows >= DEAD_SHARE_MAX || (dead > 0 && vectorCost(facts, costs) >= VECTOR_COST_MAX)
}

/** In the order in which they came: rows that came together are often read together. */
function pack(files: readonly FileFacts[], bytesMax: number): readonly (readonly FileFacts[])[] {
  const bins: FileFacts[][] = []
  let bytes = 0
  for (const facts of files.toSorted(inOrder)) {
    const bin = bins.at(-1)
    bytes += facts.liveBytes
    if (bin === undefined || bytes > bytesMax) {
      bins.push([facts])
      bytes = facts.liveBytes
    } else bin.push(facts)
  }
  return bins
}

function inOrder({ file: left }: FileFacts, { file: right }: FileFacts): number {
  return left.modificationTime - right.modificationTime || (left.path < right.path ? -1 : 1)
}

function pieceOf(piece: {
  readonly why: UpkeepPiece['why']
  readonly files: readonly FileFacts[]
  readonly rows: UpkeepPiece['rows']
}): UpkeepPiece {
  const { why, files, rows } = piece
  return {
    why,
    files: files.map(({ file }) => file),
    rows,
    liveBytes: liveBytesOf(files),
    liveRows: liveRowsOf(files),
    deadRows: deadRowsOf(files),
  }
}

function liveRowsOf(bin: readonly FileFacts[]): number {
  return bin.reduce((sum, { live }) => sum + live, 0)
}

function deadRowsOf(bin: readonly FileFacts[]): number {
  return bin.reduce((sum, { dead }) => sum + dead, 0)
}

function liveBytesOf(bin: readonly FileFacts[]): number {
  return bin.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
}
