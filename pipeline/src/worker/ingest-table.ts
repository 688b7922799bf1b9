import { isCheckpointDue } from '@tributary/delta'
import { batchTooLarge, commitContended } from '../errors.ts'
import { completeHistory } from '../history-table/complete-history.ts'
import { newestWriteMs } from '../ledger/commit-times.ts'
import { parseTime } from '../query/time-text.ts'
import { assertSettings } from './assert-settings.ts'
import { commitBatch, type PreparedBatch } from './commit-batch.ts'
import { lookUpFiles } from './look-up.ts'
import {
  BATCH_FILES_MAX,
  type BatchPlan,
  isWaiting,
  type LandingFile,
  listWaiting,
  type PlanLimits,
  planTable,
  type SeenFile,
} from './plan.ts'
import { estimateNeeds, guessPlainBytes, judgeFit } from './room.ts'
import type { CommitEvent, TableRun } from './run.ts'
import { refreshSession } from './table-session.ts'
import { trackSession } from './track-writes.ts'
import { workOfDuckDb } from './work-of-duckdb.ts'

const ATTEMPTS_MAX = 10
const LIMITS: Omit<PlanLimits, 'settleMs'> = { batchBytesMax: 64 * 1024 * 1024, batchFilesMax: BATCH_FILES_MAX }

/** Whom a table's ingest tells how far it is. */
export interface TableProgress {
  readonly onCommit: (event: CommitEvent) => void
  /** Told after each look at the files which of them are still to be taken in. */
  readonly onLook: (waiting: readonly string[]) => void
}

/**
 * Applies the table's waiting files, one commit after another. Returns what a dry run would apply, and when a load that
 * waits for more files may begin.
 */
export async function ingestTable(
  run: TableRun,
  files: readonly LandingFile[],
  { onCommit, onLook }: TableProgress,
): Promise<{ readonly wouldApply?: readonly string[]; readonly readyAtMs?: number }> {
  const { session } = run
  let endTurn = await session.turns.take()
  try {
    return await takeBatches(run, files, { onCommit, onLook }, async () => {
      endTurn()
      endTurn = await session.turns.take()
    })
  } finally {
    endTurn()
  }
}

/** Between two batches others may commit: `letOthers`. */
async function takeBatches(
  run: TableRun,
  files: readonly LandingFile[],
  { onCommit, onLook }: TableProgress,
  letOthers: () => Promise<void>,
): Promise<{ readonly wouldApply?: readonly string[]; readonly readyAtMs?: number }> {
  const { lake, session, options } = run
  const look = async (): Promise<Look> => {
    const readAtMs = lake.clock.now()
    await refreshSession(session)
    if (!options.dryRun) await completeHistory(run)
    const seen = await lookUpFiles(lake.landing, files, session.ledger, session.hashed)
    onLook(listWaiting(seen, session.state))
    return { seen, readAtMs }
  }
  let { seen, readAtMs } = await look()
  let attempts = 0
  // Bounded: each commit takes in at least one file, and lost races are counted.
  for (;;) {
    const plan = planTable(seen, session.state, {
      nowMs: lake.clock.now(),
      hasSequence: run.table.sequence !== undefined,
      limits: { ...LIMITS, settleMs: options.settleMs ?? 0 },
    })
    if (plan.kind === 'settling') return { readyAtMs: plan.readyAtMs }
    if (plan.kind === 'idle' || options.signal?.aborted) return {}
    if (options.dryRun)
      return { wouldApply: seen.filter((file) => isWaiting(file, session.state)).map(({ file }) => file.key) }
    assertSettings(run, plan)
    if (!(await hasRoom(run, plan))) return {}
    const outcome = await runBatch(run, { plan, seen, readAtMs })
    if (outcome === 'cut') return {}
    if (outcome === 'nothing') {
      // A load without rows leaves no trace: it is looked at again with the changes that follow it, and until then nobody waits for it.
      onLook([])
      return {}
    }
    const event = outcome === 'conflicted' ? undefined : outcome
    // It is durable: who waits for it need not wait for a look at what is next.
    if (event !== undefined) onCommit(event)
    attempts = event === undefined ? attempts + 1 : 0
    if (attempts >= ATTEMPTS_MAX) throw commitContended(run.table.name, attempts)
    if (event === undefined) await lake.clock.sleep(10 * 2 ** attempts)
    else await letOthers()
    ;({ seen, readAtMs } = await look())
  }
}

/** The files with what the ledger says of them, and when that was read. */
interface Look {
  readonly seen: readonly SeenFile[]
  readonly readAtMs: number
}

/** Whether the batch is to be begun here and now. Throws `BATCH_TOO_LARGE`. */
async function hasRoom({ table, options: { room, larger } }: TableRun, plan: BatchPlan): Promise<boolean> {
  if (room === undefined) return true
  const needs = estimateNeeds(plan, room.pace)
  const fit = judgeFit(needs, room)
  if (fit !== 'too-large') return fit === 'fits'
  if (table.engine !== 'auto' || larger === undefined) throw batchTooLarge(table.name, needs, room)
  await larger.take({ table: table.name, plan, needs })
  return false
}

/** Prepares one batch and attempts its commit. */
async function runBatch(
  run: TableRun,
  { plan, seen, readAtMs }: Look & { readonly plan: BatchPlan },
): Promise<CommitEvent | 'conflicted' | 'nothing' | 'cut'> {
  const { lake, session, table, options } = run
  const startMs = lake.clock.now()
  const writes = trackSession(session)
  const { prepare, keepLog } = run.work ?? workOfDuckDb
  const prepared = await prepare({ ...run, session: writes.session }, plan, seen).catch(async (error: unknown) => {
    // Nothing refers to these files: no commit was attempted.
    await writes.discard()
    if (options.cut?.aborted) return 'cut' as const
    throw error
  })
  if (prepared === undefined || prepared === 'cut' || options.cut?.aborted) {
    await writes.discard()
    return prepared === undefined ? 'nothing' : 'cut'
  }
  const txnId = lake.clock.uuid()
  const target = { table, snapshot: session.snapshot, state: session.state, readAtMs, txnId }
  const outcome = await commitBatch(
    { store: writes.session.store, clock: lake.clock, cache: session.segments },
    target,
    prepared,
  )
  if (outcome.kind === 'conflicted') {
    await writes.discard()
    return 'conflicted'
  }
  session.ownCommit = txnId
  if (session.history !== undefined) session.history.written = (session.state?.batch ?? 0) + 1
  if (session.index?.open !== undefined) session.index.batches.add(outcome.version)
  options.room?.pace.note(guessPlainBytes(plan), lake.clock.now() - startMs)
  const { metadata } = session.snapshot ?? {}
  if (metadata !== undefined && isCheckpointDue({ version: outcome.version, metadata })) {
    await refreshSession(session)
    if (session.snapshot?.version === outcome.version) {
      const place = { root: lake.root, table: table.name }
      await keepLog(run.engine, lake.clock, session.snapshot, place)
    }
  }
  return {
    version: outcome.version,
    operation: prepared.operation,
    files: prepared.entries.length,
    read: sum(prepared, 'read'),
    applied: sum(prepared, 'applied'),
    superseded: sum(prepared, 'superseded'),
    noop: sum(prepared, 'noop'),
    quarantined: sum(prepared, 'quarantined'),
    inserted: prepared.metrics['inserted'] ?? 0,
    updated: prepared.metrics['updated'] ?? 0,
    deleted: prepared.metrics['deleted'] ?? 0,
    bytesAdded: prepared.added.reduce((bytes, { size }) => bytes + size, 0),
    ms: lake.clock.now() - startMs,
    ...dmsHop(prepared),
  }
}

/** A load holds rows of any age: only changes tell how long DMS takes. */
function dmsHop({ operation, state, entries }: PreparedBatch): { readonly dmsMs?: number } {
  const sourceMs = parseTime(state.sourceAt ?? '')
  const landedMs = newestWriteMs(entries)
  return operation !== 'UPSERT' || sourceMs === undefined || landedMs === undefined
    ? {}
    : { dmsMs: landedMs - sourceMs }
}

function sum(batch: PreparedBatch, part: 'read' | 'applied' | 'superseded' | 'noop' | 'quarantined'): number {
  return batch.entries.reduce((total, entry) => total + entry[part], 0)
}
