// What a commit cost and why, and what upkeep would do to the table now: from the log alone, no data file is opened.
import {
  type Commit,
  listCommitTimes,
  orderColumns,
  parseStats,
  readCommits,
  readSnapshot,
  type Snapshot,
} from '@tributary/delta'
import { DEAD_ROWS_MIN, DEAD_SHARE_MAX, planUpkeep, SPARE_BYTES_MAX, VECTOR_COST_MAX } from '../maintain/plan-upkeep.ts'
import { stateOf } from '../maintain/sidecars.ts'
import { tableOrder } from '../maintain/table-order.ts'
import { describeCommit } from './history.ts'

/** A commit in numbers, null where its writer did not tell them, and the outlook of the table. */
export interface Explanation {
  readonly schema: 'tributary.explain/1'
  readonly table: string
  readonly version: number
  readonly timestamp: string
  readonly operation: string | null
  readonly sourceFiles: number
  readonly changes: { readonly inserted: number; readonly updated: number; readonly deleted: number } | null
  /** Milliseconds from the first file to the last before the commit. */
  readonly took: { readonly readMs: number; readonly findMs: number; readonly writeMs: number } | null
  readonly find: {
    readonly filesLive: number
    /** Statistics rule the batch's keys out of all others. */
    readonly filesLeft: number
    readonly by: 'statistics' | 'key index' | 'scan'
  } | null
  readonly write: CommitWrites
  /** Files that lost rows and stay, the hardest hit first; ten at most. */
  readonly touched: readonly TouchedFile[]
  /** Of the up to fifty batches before it that tell their times, the share that was faster. */
  readonly slowerThan: { readonly share: number; readonly of: number } | null
  readonly upkeep: UpkeepOutlook
}

/** What a commit wrote. A file that only got a new vector is neither added nor removed. */
export interface CommitWrites {
  readonly filesAdded: number
  readonly rowsAdded: number | null
  readonly rowBytes: number
  readonly filesRemoved: number
  readonly removedBytes: number
  readonly vectors: number
  readonly vectorBytes: number
  readonly logBytes: number
}

/** A file that a commit took rows out of. */
export interface TouchedFile {
  readonly path: string
  readonly rows: number | null
  readonly newlyDead: number
  readonly dead: number
}

/** What upkeep would do to the newest version. */
export interface UpkeepOutlook {
  readonly version: number
  /** `foreign`: Tributary does not feed the table, so it is not ours to rearrange. */
  readonly by: 'ingest' | 'off' | 'foreign'
  /** The columns in whose order rows come when their files are rewritten: those of the table's clustering, else its key. */
  readonly orderBy: readonly string[]
  readonly pieces: readonly {
    readonly why: string
    /** `sorted` by these columns; `kept` in that order, or `as they lie`. */
    readonly rows: string
    readonly files: number
    readonly bytes: number
    readonly deadRows: number
  }[]
  /** Small files of one size, too few as yet. */
  readonly tiers: readonly {
    readonly files: number
    readonly filesDue: number
    readonly rowsFrom: number
    readonly rowsBelow: number
  }[]
  readonly deadShareMax: number
  readonly deadShareDue: number
  /** What deletion vectors have come to, in multiples of what it takes to rewrite their file, and when it is rewritten for it. */
  readonly vectorCostMax: number
  readonly vectorCostDue: number
  /** Files that are rewritten for either lose so many deleted rows together, or stay. */
  readonly deadRowsDue: number
  readonly filesTooLarge: number
}

const PEERS_MAX = 50
const TOUCHED_MAX = 10

/** Explains a commit, the newest unless a version is given. Throws `TABLE_NOT_FOUND`, `VERSION_NOT_FOUND`, `LOG_GAP` when it was cleaned up. */
export async function explainCommit(
  { name, store, upkeep }: { readonly name: string; readonly store: Snapshot['store']; readonly upkeep: boolean },
  options: { readonly version?: number } = {},
): Promise<Explanation> {
  const newest = await readSnapshot(store)
  const { version = newest.version } = options
  if (version > newest.version) await readSnapshot(store, { version })
  const peers: Commit[] = []
  let commit: Commit | undefined
  for await (const each of readCommits(store, { fromVersion: await firstPeer(store, version), toVersion: version })) {
    if (commit !== undefined) peers.push(commit)
    commit = each
  }
  if (commit === undefined) throw new RangeError(`readCommits gave nothing for version ${version}`)
  const { timestamp, operation, sourceFileCount, metrics } = describeCommit(commit)
  const numbers = numbersIn(metrics)
  const [inserted, updated, deleted] = [numbers('inserted'), numbers('updated'), numbers('deleted')]
  const isCounted = inserted !== undefined && updated !== undefined && deleted !== undefined
  return {
    schema: 'tributary.explain/1',
    table: name,
    version,
    timestamp,
    operation,
    sourceFiles: sourceFileCount,
    changes: isCounted ? { inserted, updated, deleted } : null,
    took: tookOf(commit),
    find: findOf(numbers),
    write: await writesOf(store, commit),
    touched: touchedBy(commit),
    slowerThan: compare(commit, peers),
    upkeep: outlookOf(newest, upkeep),
  }
}

/** As far back as the log goes without a gap, and no further than there are peers to compare with. */
async function firstPeer(store: Snapshot['store'], version: number): Promise<number> {
  const there = new Set((await listCommitTimes(store)).map((commit) => commit.version))
  let first = version
  while (version - first < PEERS_MAX && there.has(first - 1)) first -= 1
  return first
}

type Numbers = (name: string) => number | undefined

function numbersIn(metrics: Readonly<Record<string, string>>): Numbers {
  return (name) => {
    const number = Number(metrics[name] ?? Number.NaN)
    return Number.isFinite(number) ? number : undefined
  }
}

function tookOf(commit: Commit): Explanation['took'] {
  const numbers = numbersIn(describeCommit(commit).metrics)
  const [readMs, findMs, writeMs] = [numbers('readMs'), numbers('findMs'), numbers('writeMs')]
  return readMs === undefined || findMs === undefined || writeMs === undefined ? null : { readMs, findMs, writeMs }
}

function findOf(numbers: Numbers): Explanation['find'] {
  const [filesLive, filesLeft, scanned] = [numbers('filesLive'), numbers('filesLeft'), numbers('filesScanned')]
  if (filesLive === undefined || filesLeft === undefined || scanned === undefined) return null
  return { filesLive, filesLeft, by: filesLeft === 0 ? 'statistics' : scanned === 0 ? 'key index' : 'scan' }
}

async function writesOf(store: Snapshot['store'], commit: Commit): Promise<CommitWrites> {
  const { filesAdded, filesRemoved, bytesAdded, bytesRemoved, version } = describeCommit(commit)
  const removed = new Set(commit.actions.flatMap((action) => ('remove' in action ? [action.remove.path] : [])))
  const adds = commit.actions.flatMap((action) => ('add' in action ? [action.add] : []))
  const counts = adds.filter(({ path }) => !removed.has(path)).map(({ stats }) => parseStats(stats)?.numRecords)
  const marked = adds.filter(({ path }) => removed.has(path)).flatMap(({ deletionVector }) => deletionVector ?? [])
  const file = await store.stat(`_delta_log/${String(version).padStart(20, '0')}.json`)
  return {
    filesAdded,
    rowsAdded: counts.includes(undefined) ? null : counts.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    rowBytes: bytesAdded,
    filesRemoved,
    removedBytes: bytesRemoved,
    vectors: marked.length,
    vectorBytes: marked.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0),
    logBytes: file?.sizeBytes ?? 0,
  }
}

function touchedBy({ actions }: Commit): readonly TouchedFile[] {
  const before = new Map(
    actions.flatMap((action) =>
      'remove' in action ? [[action.remove.path, action.remove.deletionVector?.cardinality ?? 0]] : [],
    ),
  )
  return actions
    .flatMap((action): readonly TouchedFile[] => {
      const dead = 'add' in action ? (action.add.deletionVector?.cardinality ?? 0) : 0
      const deadBefore = 'add' in action ? before.get(action.add.path) : undefined
      if (!('add' in action) || deadBefore === undefined) return []
      const rows = parseStats(action.add.stats)?.numRecords ?? null
      return [{ path: action.add.path, rows, newlyDead: dead - deadBefore, dead }]
    })
    .toSorted((left, right) => right.newlyDead - left.newlyDead)
    .slice(0, TOUCHED_MAX)
}

function compare(commit: Commit, peers: readonly Commit[]): Explanation['slowerThan'] {
  const own = tookOf(commit)
  const others = peers.flatMap((peer) => tookOf(peer) ?? []).map(wholeMs)
  if (own === null || others.length === 0) return null
  return { share: others.filter((ms) => ms < wholeMs(own)).length / others.length, of: others.length }
}

function wholeMs({ readMs, findMs, writeMs }: NonNullable<Explanation['took']>): number {
  return readMs + findMs + writeMs
}

function outlookOf(snapshot: Snapshot, isOn: boolean): UpkeepOutlook {
  const order = tableOrder(snapshot)
  const { pieces, tiers, deadShareMax, vectorCostMax, filesTooLarge } = planUpkeep(snapshot, {
    order,
    bytesMax: SPARE_BYTES_MAX,
  })
  return {
    version: snapshot.version,
    by: stateOf(snapshot) === undefined ? 'foreign' : isOn ? 'ingest' : 'off',
    orderBy: order === undefined ? [] : orderColumns(order),
    pieces: pieces.map(({ why, rows, files, liveBytes, deadRows }) => ({
      why,
      rows,
      files: files.length,
      bytes: Math.round(liveBytes),
      deadRows,
    })),
    tiers: tiers.map(({ files, filesDue, rows: [rowsFrom, rowsBelow] }) => ({ files, filesDue, rowsFrom, rowsBelow })),
    deadShareMax,
    deadShareDue: DEAD_SHARE_MAX,
    vectorCostMax,
    vectorCostDue: VECTOR_COST_MAX,
    deadRowsDue: DEAD_ROWS_MIN,
    filesTooLarge,
  }
}
