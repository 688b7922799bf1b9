import type { Clock } from '../clock.ts'
import { TributaryError } from '../errors.ts'
import { readActions } from '../log/read-commit.ts'
import { followSnapshot, latestVersion, type Snapshot } from '../log/snapshot.ts'
import type { Action, AddFile, CommitInfo } from '../protocol/actions.ts'
import { allowsDeletionVectors, assertWritable } from '../protocol/features.ts'
import type { Store } from '../store/store.ts'
import { assertAppendOnly, commit } from './commit.ts'
import { type Conflict, type ConflictReason, findStateConflict, plainPath, summarizeCommit } from './conflicts.ts'
import { planRebase, type Reads } from './plan-rebase.ts'
import { type Rebased, type RowMoves, rebaseActions } from './rebase.ts'
import { sealCommit } from './seal-commit.ts'

/** Work on one version of a table, to become the next one or, if others come first and nothing speaks against it, a later one. */
export interface Transaction {
  /** The table as it was when the work began. */
  readonly snapshot: Snapshot
  /** Without commitInfo; row ids and times are given when the commit is written. */
  readonly actions: readonly Action[]
  readonly info: CommitInfo
  readonly reads: Reads
  /** Applications whose `txn` the work depends on; those that it sets count by themselves. */
  readonly appIds?: readonly string[]
  /** How rows are followed into rewritten files. */
  readonly moves?: RowMoves
  /** Awaited before the first attempt, when all that others committed by then was followed: so that little is left to follow after it. */
  readonly beforeCommit?: () => Promise<void>
}

/** What became of a transaction. A conflict is no error: read the table again and decide anew. */
export type TransactionOutcome =
  | { readonly kind: 'committed'; readonly version: number }
  | {
      readonly kind: 'conflicted'
      /** The version that stands in the way. */
      readonly winner: number
      readonly because: ConflictReason
      /** The path, domain, application or property that it is about. */
      readonly subject: string
    }

const ATTEMPTS_MAX = 50

/**
 * Commit a transaction. When others committed first, each of their commits is checked by the rules of conflicts, rows that both sides
 * touched are followed, and the next version is tried. Throws `COMMIT_INVALID`, `TABLE_APPEND_ONLY`, `UNSUPPORTED_WRITER_FEATURE`
 * and what reading the log and the store throw.
 */
export async function commitTransaction(clock: Clock, transaction: Transaction): Promise<TransactionOutcome> {
  const { snapshot: read } = transaction
  const info = { isBlindAppend: isBlindAppend(transaction), ...transaction.info }
  let pending: Pending = { kind: 'pending', base: read, actions: transaction.actions }
  assertWritable(read.protocol, read.metadata)
  assertAppendOnly(read.metadata, pending.actions)
  if (transaction.beforeCommit !== undefined) {
    const followed = await followWinners(clock, transaction, pending)
    if (followed.kind === 'conflicted') return followed
    pending = followed
    await transaction.beforeCommit()
  }
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const { base, actions } = pending
    const sealed = sealCommit(clock, base, { actions, info })
    const outcome = await commit(read.store, clock, { readVersion: base.version, readFile: base.lastFile, ...sealed })
    if (outcome.kind === 'committed') return outcome
    const followed = await followWinners(clock, transaction, pending)
    if (followed.kind === 'conflicted') return followed
    pending = followed
  }
  const { version } = pending.base
  return { kind: 'conflicted', winner: version, because: 'contended', subject: `${ATTEMPTS_MAX} attempts` }
}

/** Our actions, fit to follow a version of the table. */
interface Pending {
  readonly kind: 'pending'
  readonly base: Snapshot
  readonly actions: readonly Action[]
}

/** Follows all that was committed since. */
async function followWinners(
  clock: Clock,
  transaction: Transaction,
  pending: Pending,
): Promise<Pending | Extract<TransactionOutcome, { kind: 'conflicted' }>> {
  const { base } = pending
  let { actions } = pending
  const latest = await followSnapshot(base)
  // Of a log that is not followed any more nobody can tell what others did.
  if (latest === undefined) {
    const subject = `version ${base.version + 1}`
    return { kind: 'conflicted', winner: await latestVersion(base.store), because: 'log-cleaned', subject }
  }
  for (let version = base.version + 1; version <= latest.version; version++) {
    const winner = await readWinner(base.store, version)
    if (winner === undefined)
      return { kind: 'conflicted', winner: latest.version, because: 'log-cleaned', subject: `version ${version}` }
    const rebased = await followWinner(clock, { ...transaction, actions }, winner)
    if (rebased.kind === 'conflict')
      return { kind: 'conflicted', winner: version, because: rebased.because, subject: rebased.subject }
    actions = rebased.actions
  }
  await transaction.moves?.settle?.()
  assertWritable(latest.protocol, latest.metadata)
  assertAppendOnly(latest.metadata, actions)
  return { kind: 'pending', base: latest, actions }
}

function isBlindAppend({ reads, actions }: Transaction): boolean {
  return reads.kind === 'nothing' && actions.every((action) => 'add' in action || 'txn' in action)
}

/** Undefined when the commit is not in the log any more. */
async function readWinner(store: Store, version: number): Promise<readonly Action[] | undefined> {
  try {
    return await readActions(store, version)
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}

async function followWinner(clock: Clock, transaction: Transaction, winner: readonly Action[]): Promise<Rebased> {
  const { snapshot, actions, reads, moves = {}, appIds = [] } = transaction
  const { store, protocol, metadata } = snapshot
  const ours = summarizeCommit(actions)
  const theirs = summarizeCommit(winner)
  const conflict: Conflict | undefined = findStateConflict(ours, theirs, { protocol, metadata, appIds })
  if (conflict !== undefined) return { kind: 'conflict', ...conflict }
  const fileAt = (path: string): AddFile | undefined => snapshot.files.find((file) => plainPath(file.path) === path)
  const plan = planRebase(ours, theirs, reads, {
    // Carried and relocated marks are deletion vectors, which the table must allow.
    canCarry: moves.carry !== undefined && allowsDeletionVectors(protocol, metadata),
    canRelocate: moves.relocate !== undefined && allowsDeletionVectors(protocol, metadata),
    isStrict:
      metadata.configuration['delta.isolationLevel']?.toLowerCase() === 'serializable' || ours.metadata !== undefined,
    fileAt,
  })
  if (plan.kind === 'conflict') return plan
  const rewritten = [...theirs.files.values()].flatMap(({ before, after, dataChange }) =>
    after !== undefined && before === undefined && !dataChange ? [after] : [],
  )
  return rebaseActions({ store, clock, actions, reads, moves, rewritten, fileAt }, plan)
}
