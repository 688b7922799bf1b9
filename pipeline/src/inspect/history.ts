import {
  type Action,
  commitInfoOf,
  encodeSchema,
  listCommitTimes,
  parseSchema,
  readCommits,
  readSnapshot,
  type Store,
  TributaryError,
} from '@tributary/delta'
import { parseCommitTimes } from '../ledger/commit-times.ts'

/** One commit of a table, for people. */
export interface HistoryEntry extends CommitSummary {
  /** Whether its schema is another than before: names, types, or what is noted of columns. A commit that sets properties has the same. */
  readonly schemaChanged: boolean
}

/** What a commit tells by itself. */
export interface CommitSummary {
  readonly version: number
  readonly timestamp: string
  readonly operation: string | null
  /** The program that wrote it, as it calls itself. */
  readonly engine: string | null
  readonly metrics: Readonly<Record<string, string>>
  /** Data files and bytes that came and went. */
  readonly filesAdded: number
  readonly filesRemoved: number
  readonly bytesAdded: number
  readonly bytesRemoved: number
  /** Of our own commits: batch, generation, landing files (the first twenty) and how many they were. */
  readonly batch: number | null
  readonly generation: number | null
  readonly sourceFiles: readonly string[]
  readonly sourceFileCount: number
  readonly sourceAt: string | null
}

/** The newest commits, newest first; only as far back as the log's files reach. Throws `TABLE_NOT_FOUND`, `LOG_GAP`. */
export async function readHistory(
  store: Store,
  options: { readonly limit?: number } = {},
): Promise<readonly HistoryEntry[]> {
  const commits = await listCommitTimes(store)
  const last = commits.at(-1)
  // Says that there is no table, unless log cleanup left a checkpoint and no commit.
  if (last === undefined) await readSnapshot(store)
  const wanted = options.limit === undefined ? commits : commits.slice(-options.limit)
  const first = wanted.at(0)
  if (first === undefined || last === undefined) return []
  const entries: HistoryEntry[] = []
  const schemas = schemaTrail(store)
  for await (const commit of readCommits(store, { fromVersion: first.version, toVersion: last.version })) {
    entries.push({ ...describeCommit(commit), schemaChanged: await schemas.changes(commit) })
  }
  return entries.reverse()
}

type Commit = Pick<CommitSummary, 'version'> & { readonly actions: readonly Action[] }

/** Tells of commits, the oldest first, whether their metadata has another schema than the metadata before. */
function schemaTrail(store: Store): { readonly changes: (commit: Commit) => Promise<boolean> } {
  let known: string | undefined
  const changes = async ({ version, actions }: Commit): Promise<boolean> => {
    const text = actions.findLast((action) => 'metaData' in action)?.metaData.schemaString
    if (text === undefined) return false
    const schema = plainSchema(text)
    const isOld = version === 0 || isRewrite(actions) || (known ?? (await schemaAt(store, version - 1))) === schema
    known = schema
    return !isOld
  }
  return { changes }
}

/** As we write it: writers differ in how they write the same schema. */
function plainSchema(text: string): string {
  try {
    return encodeSchema(parseSchema(text))
  } catch (error) {
    // It has what we do not read, and is told as it stands.
    if (error instanceof TributaryError) return text
    throw error
  }
}

/** Undefined where the log no longer reaches so far back, or the table cannot be read there. */
async function schemaAt(store: Store, version: number): Promise<string | undefined> {
  try {
    return plainSchema((await readSnapshot(store, { version })).metadata.schemaString)
  } catch (error) {
    if (error instanceof TributaryError && error.kind !== 'unavailable') return undefined
    throw error
  }
}

// It repeats the metadata as it is.
function isRewrite(actions: readonly Action[]): boolean {
  return commitInfoOf(actions)?.operation === 'OPTIMIZE'
}

/** One commit in words and sums. */
export function describeCommit(commit: {
  readonly version: number
  readonly timestampMs: number
  readonly actions: readonly Action[]
}): CommitSummary {
  const info = commitInfoOf(commit.actions)
  const parameters = info?.operationParameters ?? {}
  const sums = { filesAdded: 0, filesRemoved: 0, bytesAdded: 0, bytesRemoved: 0 }
  const removed = new Set(commit.actions.flatMap((action) => ('remove' in action ? [action.remove.path] : [])))
  const added = new Set(commit.actions.flatMap((action) => ('add' in action ? [action.add.path] : [])))
  for (const action of commit.actions) {
    // A file that is removed and added again only got a new deletion vector.
    if ('add' in action && !removed.has(action.add.path)) {
      sums.filesAdded += 1
      sums.bytesAdded += action.add.size
    } else if ('remove' in action && !added.has(action.remove.path)) {
      sums.filesRemoved += 1
      sums.bytesRemoved += action.remove.size ?? 0
    }
  }
  const sourceFiles = parseNames(parameters['files'])
  return {
    version: commit.version,
    timestamp: new Date(commit.timestampMs).toISOString(),
    operation: info?.operation ?? null,
    engine: info?.engineInfo ?? null,
    metrics: info?.operationMetrics ?? {},
    ...sums,
    batch: parseCount(parameters['batch']),
    generation: parseCount(parameters['generation']),
    sourceFiles,
    sourceFileCount: parseCount(parameters['fileCount']) ?? sourceFiles.length,
    sourceAt: parseCommitTimes(info?.userMetadata).sourceAt ?? null,
  }
}

function parseCount(value: unknown): number | null {
  const count = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  return Number.isSafeInteger(count) && value !== '' ? count : null
}

function parseNames(value: unknown): readonly string[] {
  if (typeof value !== 'string' || !value.startsWith('[')) return []
  try {
    const names: unknown = JSON.parse(value)
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
  } catch {
    // Another engine may use the same parameter for something else.
    return []
  }
}
