// RESTORE makes the table what it was: one commit that adds the old files and removes the new ones. History stays, and so does all that
// must never go back: the protocol, row ids, in-commit times, column ids.

import type { Clock } from '../clock.ts'
import { restoreFilesMissing } from '../errors.ts'
import { fileKey } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { Action, AddFile, Metadata } from '../protocol/actions.ts'
import { featuresOf } from '../protocol/features.ts'
import { encodeSchema, parseSchema } from '../protocol/parse-schema.ts'
import { raiseProtocol } from '../protocol/raise-protocol.ts'
import { removeOf } from '../write/deletion-vector-actions.ts'
import { parseIdentity } from '../write/row-rules.ts'
import { commitTransaction, type TransactionOutcome } from '../write/transaction.ts'
import { findMissing } from './missing-files.ts'

/** What a restore changes. */
export interface RestorePlan {
  readonly fromVersion: number
  readonly toVersion: number
  /** Files that come back; one with another deletion vector is among the added and the removed. */
  readonly added: readonly AddFile[]
  readonly removed: readonly AddFile[]
  /** Whether schema or properties change too. */
  readonly metadataChanges: boolean
  readonly actions: readonly Action[]
}

/**
 * Plan to make the table what `target` was. All files of it must still be there.
 * Throws `RESTORE_FILES_MISSING` with their names, and `STORE_FAILED`.
 */
export async function planRestore(clock: Clock, current: Snapshot, target: Snapshot): Promise<RestorePlan> {
  const [now, then] = [keyed(current.files), keyed(target.files)]
  const added = target.files.filter((file) => !now.has(fileKey(file)))
  const removed = current.files.filter((file) => !then.has(fileKey(file)))
  const missing = await findMissing(current.store, added)
  if (missing.length > 0) throw restoreFilesMissing(target.version, missing)
  const nowMs = clock.now()
  const metadata = restoredMetadata(current.metadata, target.metadata)
  const protocol = raiseProtocol(current.protocol, featuresOf(target.protocol))
  return {
    fromVersion: current.version,
    toVersion: target.version,
    added,
    removed,
    metadataChanges: metadata !== undefined,
    actions: [
      ...(protocol === current.protocol ? [] : [{ protocol }]),
      ...(metadata === undefined ? [] : [{ metaData: metadata }]),
      ...domainActions(current.domains, target.domains),
      ...removed.map((file) => ({ remove: removeOf(file, nowMs) })),
      ...added.map((file) => ({ add: { ...file, dataChange: true } })),
    ],
  }
}

/**
 * Commit a restore. `actions` take the place of the plan's for the same domain, and come on top otherwise.
 * Throws what `commitTransaction` throws; a concurrent change of rows is a conflict.
 */
export function restore(
  clock: Clock,
  current: Snapshot,
  plan: RestorePlan,
  actions: readonly Action[] = [],
): Promise<TransactionOutcome> {
  const domains = new Set(
    actions.flatMap((action) => ('domainMetadata' in action ? [action.domainMetadata.domain] : [])),
  )
  const kept = plan.actions.filter(
    (action) => !('domainMetadata' in action && domains.has(action.domainMetadata.domain)),
  )
  return commitTransaction(clock, {
    snapshot: current,
    actions: [...kept, ...actions],
    reads: { kind: 'table' },
    info: {
      operation: 'RESTORE',
      operationParameters: { version: String(plan.toVersion) },
      operationMetrics: {
        numRestoredFiles: String(plan.added.length),
        numRemovedFiles: String(plan.removed.length),
        restoredFilesSize: String(sizeOf(plan.added)),
        removedFilesSize: String(sizeOf(plan.removed)),
      },
    },
  })
}

function keyed(files: readonly AddFile[]): ReadonlySet<string> {
  return new Set(files.map(fileKey))
}

function sizeOf(files: readonly AddFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0)
}

// What says where times, row ids and column ids come from goes on: a version in between may have used them.
const LASTING =
  /^delta\.(enableInCommitTimestamps|inCommitTimestampEnablement\w+|enableRowTracking|rowTracking\w*|rowTracking\..+|requireCheckpointProtectionBeforeVersion)$/
const MAX_COLUMN_ID = 'delta.columnMapping.maxColumnId'

function restoredMetadata(current: Metadata, target: Metadata): Metadata | undefined {
  const lasting = Object.entries(current.configuration).filter(([name]) => LASTING.test(name))
  const gone = Object.entries(target.configuration).filter(([name]) => !LASTING.test(name))
  const highest = Math.max(...[current, target].map(({ configuration }) => Number(configuration[MAX_COLUMN_ID] ?? -1)))
  const configuration = {
    ...Object.fromEntries([...gone, ...lasting]),
    ...(highest >= 0 ? { [MAX_COLUMN_ID]: String(highest) } : {}),
  }
  const metadata: Metadata = { ...target, id: current.id, configuration, schemaString: countedSchema(current, target) }
  return sameMetadata(metadata, current) ? undefined : metadata
}

// PROTOCOL.md, "Identity Columns": numbers beyond the old mark were given out, and none is given twice.
function countedSchema(current: Metadata, target: Metadata): string {
  if (!target.schemaString.includes('delta.identity.')) return target.schemaString
  const marks = new Map(parseSchema(current.schemaString).fields.map((field) => [field.name, parseIdentity(field)]))
  const fields = parseSchema(target.schemaString).fields.map((field) => {
    const [then, now] = [parseIdentity(field), marks.get(field.name)]
    if (then === undefined || now?.highWaterMark === undefined) return field
    const isAhead = (now.highWaterMark - (then.highWaterMark ?? then.start - then.step)) * then.step > 0n
    if (!isAhead) return field
    return { ...field, metadata: { ...field.metadata, 'delta.identity.highWaterMark': Number(now.highWaterMark) } }
  })
  return encodeSchema({ type: 'struct', fields })
}

function sameMetadata(left: Metadata, right: Metadata): boolean {
  const plain = ({ configuration, schemaString, partitionColumns, name, description }: Metadata): string =>
    JSON.stringify([Object.entries(configuration).sort(), schemaString, partitionColumns, name, description])
  return plain(left) === plain(right)
}

// Domains of the protocol itself only ever go on, all but the one that says how files are clustered.
function domainActions(current: ReadonlyMap<string, string>, target: ReadonlyMap<string, string>): readonly Action[] {
  const names = [...new Set([...current.keys(), ...target.keys()])]
  return names.flatMap((domain) => {
    const [now, then] = [current.get(domain), target.get(domain)]
    if (now === then || (domain.startsWith('delta.') && domain !== 'delta.clustering')) return []
    return [{ domainMetadata: { domain, configuration: then ?? now ?? '', removed: then === undefined } }]
  })
}
