// The rules by which a commit that came second may still come next. Pure: commits in, reasons out.
// PROTOCOL.md leaves conflicts to the writers; these are the reference implementation's, made finer where rows tell more than files.

import { isDeepStrictEqual } from 'node:util'
import type { Action, AddFile, CommitInfo, Metadata, Protocol, RemoveFile } from '../protocol/actions.ts'
import { featuresOf } from '../protocol/features.ts'
import { decodePath } from '../protocol/paths.ts'

/** Why a transaction cannot follow a winner. */
export type ConflictReason =
  /** The winner changed the protocol in a way that binds us, or both did. */
  | 'protocol-changed'
  /** The winner changed schema or properties in a way that binds us, or both did. */
  | 'metadata-changed'
  /** Both set one metadata domain. */
  | 'same-domain'
  /** The winner set a transaction identifier that we read or set. */
  | 'same-application'
  /** The winner added rows that we would have read. */
  | 'rows-added'
  /** The winner took away what we read. */
  | 'rows-removed'
  /** Both took away the same rows. */
  | 'same-rows'
  /** The winner rewrote a file that we change, and nobody could tell where its rows went. */
  | 'file-rewritten'
  /** Log cleanup took commits that came meanwhile, so nobody can tell what they did. */
  | 'log-cleaned'
  /** Others were faster every time. */
  | 'contended'

/** What one commit does to one path: both ends are there when its deletion vector changes. */
export interface FileChange {
  /** Decoded once. */
  readonly path: string
  readonly before: RemoveFile | undefined
  readonly after: AddFile | undefined
  /** False when rows were only rearranged. */
  readonly dataChange: boolean
}

/** A commit, sorted by what the rules ask of it. */
export interface CommitSummary {
  readonly protocol: Protocol | undefined
  readonly metadata: Metadata | undefined
  readonly domains: readonly string[]
  readonly appIds: readonly string[]
  readonly files: ReadonlyMap<string, FileChange>
  /** Its author read nothing of the table and only added files. */
  readonly isBlindAppend: boolean
}

/** Sort the actions of a commit. */
export function summarizeCommit(actions: readonly Action[]): CommitSummary {
  let protocol: Protocol | undefined
  let metadata: Metadata | undefined
  let info: CommitInfo | undefined
  const domains: string[] = []
  const appIds: string[] = []
  const files = new Map<string, FileChange>()
  for (const action of actions) {
    if ('protocol' in action) protocol = action.protocol
    else if ('metaData' in action) metadata = action.metaData
    else if ('commitInfo' in action) info = action.commitInfo
    else if ('domainMetadata' in action) domains.push(action.domainMetadata.domain)
    else if ('txn' in action) appIds.push(action.txn.appId)
    else if ('add' in action) noteFile(files, action.add, { after: action.add })
    else if ('remove' in action) noteFile(files, action.remove, { before: action.remove })
  }
  return { protocol, metadata, domains, appIds, files, isBlindAppend: info?.isBlindAppend === true }
}

/** The path of a file as all spellings of it have in common. */
export function plainPath(logPath: string): string {
  const place = decodePath(logPath)
  return place.kind === 'relative' ? place.path : place.url
}

function noteFile(
  files: Map<string, FileChange>,
  file: AddFile | RemoveFile,
  end: { readonly before: RemoveFile } | { readonly after: AddFile },
): void {
  const path = plainPath(file.path)
  const known = files.get(path) ?? { path, before: undefined, after: undefined, dataChange: false }
  files.set(path, { ...known, ...end, dataChange: known.dataChange || file.dataChange })
}

/** A reason with what it is about: a path, a domain, an application. */
export interface Conflict {
  readonly because: ConflictReason
  readonly subject: string
}

/** The conflicts that need no look at rows: protocol, metadata, domains, transaction identifiers. */
export function findStateConflict(
  ours: CommitSummary,
  theirs: CommitSummary,
  read: { readonly protocol: Protocol; readonly metadata: Metadata; readonly appIds: readonly string[] },
): Conflict | undefined {
  if (theirs.protocol !== undefined) {
    const isOurs = ours.protocol !== undefined || ours.metadata !== undefined
    const binding = bindingFeatures(read.protocol, theirs.protocol)
    if (isOurs || binding.length > 0)
      return { because: 'protocol-changed', subject: binding.length > 0 ? binding.join(', ') : 'protocol' }
  }
  // A rewrite repeats the metadata as it is.
  if (theirs.metadata !== undefined && !isDeepStrictEqual(theirs.metadata, read.metadata)) {
    const changed = bindingMetadata(read.metadata, theirs.metadata)
    if (ours.metadata !== undefined || ours.protocol !== undefined || changed !== undefined)
      return { because: 'metadata-changed', subject: changed ?? 'metaData' }
  }
  // The high water mark of row ids is not set by anyone's intent: it is computed anew on top of the winner's.
  const domain = ours.domains.find((name) => name !== 'delta.rowTracking' && theirs.domains.includes(name))
  if (domain !== undefined) return { because: 'same-domain', subject: domain }
  const appId = [...read.appIds, ...ours.appIds].find((id) => theirs.appIds.includes(id))
  return appId === undefined ? undefined : { because: 'same-application', subject: appId }
}

// Features whose arrival alone binds no writer in flight: they act through properties or columns, and those are metadata.
const UNBINDING_FEATURES = new Set([
  'allowColumnDefaults',
  'appendOnly',
  'changeDataFeed',
  'checkConstraints',
  'checkpointProtection',
  'columnMapping',
  'deletionVectors',
  'domainMetadata',
  'generatedColumns',
  'identityColumns',
  'inCommitTimestamp',
  'invariants',
  'timestampNtz',
  'typeWidening',
  'v2Checkpoint',
  'vacuumProtocolCheck',
])

function bindingFeatures(before: Protocol, after: Protocol): readonly string[] {
  const [old, now] = [new Set(featuresOf(before)), new Set(featuresOf(after))]
  const dropped = [...old].filter((name) => !now.has(name))
  return [...dropped, ...[...now].filter((name) => !old.has(name) && !UNBINDING_FEATURES.has(name))]
}

// Properties that speak of upkeep only: rows written without knowing of them are right all the same.
const UNBINDING_PROPERTIES = new Set([
  'delta.checkpointInterval',
  'delta.checkpointPolicy',
  'delta.dataSkippingNumIndexedCols',
  'delta.dataSkippingStatsColumns',
  'delta.deletedFileRetentionDuration',
  'delta.enableExpiredLogCleanup',
  'delta.enableTypeWidening',
  'delta.logRetentionDuration',
  'delta.parquet.compression.codec',
  'delta.parquet.format.version',
  'delta.targetFileSize',
])

/** The first thing in the metadata that binds writers in flight and changed. */
function bindingMetadata(before: Metadata, after: Metadata): string | undefined {
  if (before.schemaString !== after.schemaString) return 'schema'
  if (before.id !== after.id) return 'id'
  if (before.partitionColumns.join('\n') !== after.partitionColumns.join('\n')) return 'partitionColumns'
  const names = new Set([...Object.keys(before.configuration), ...Object.keys(after.configuration)])
  return [...names].find(
    (name) => !UNBINDING_PROPERTIES.has(name) && before.configuration[name] !== after.configuration[name],
  )
}
