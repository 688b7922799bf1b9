// A worker that a queue wakes. A message only says which tables have to look: what they apply is decided by the landing and their ledgers
// (law 1), so messages that come twice, late, in any order or never do no harm. A message is deleted when all its files are taken in.
import { type Engine, TributaryError } from '@tributary/delta'
import { landingNameRefused } from '../errors.ts'
import { backOffMs, createInbox, type Inbox, type Turn, type Verdict } from '../queue/inbox.ts'
import type { LandingPlace } from '../queue/notification.ts'
import type { Queue, QueueMessage } from '../queue/queue.ts'
import { type Arrivals, createArrivals } from './arrivals.ts'
import { type Bell, createBell } from './bell.ts'
import { type SpareTime, spareTime } from './keep-tables.ts'
import type { Lake } from './lake.ts'
import { listLanding } from './listing.ts'
import type { BatchWork } from './run.ts'
import { type TableFolders, tableFolders } from './table-folders.ts'
import type { TableSession } from './table-session.ts'
import { readMessage, type TurnOptions, takeTurn } from './turn.ts'
import type { WorkerSignal } from './worker-signal.ts'

/** What a worker works with. */
export interface WorkerParts {
  readonly lake: Lake
  readonly engine: Engine
  readonly queue: Queue
  /** The landing as notifications name it. */
  readonly place: LandingPlace
  /** DuckDB's, unless a simulation brings its own. */
  readonly work?: BatchWork
}

/** How patient a worker is, in milliseconds. */
export interface WorkerLimits {
  /** So long a table waits for more files after the first. */
  readonly windowMs: number
  /** Pause between two looks at the whole landing, for files whose messages were lost. */
  readonly sweepMs: number
  /** So long a message stays hidden if this process dies. */
  readonly hideMs: number
}

/** How to follow a queue: `ingest`'s options, the limits, and the way to end. */
export interface FollowOptions extends TurnOptions {
  readonly signal: AbortSignal
  readonly limits?: Partial<WorkerLimits>
  readonly onSignal?: (signal: WorkerSignal) => void
}

const LIMITS: WorkerLimits = { windowMs: 500, sweepMs: 300_000, hideMs: 60_000 }
/** A turn mostly waits for the bucket; DuckDB's one limit of memory holds for all of them together. */
const TABLES_AT_ONCE = 4
/** A table with a long load holds its messages; the others go on by the sweep. */
const HELD_MAX = 2_000
const RECEIVES_MAX = 5
const RECEIVE_WAIT_MS = 20_000
const HIDDEN_FOR_GOOD_MS = 12 * 60 * 60 * 1000

interface Worker extends WorkerParts {
  readonly options: FollowOptions
  readonly limits: WorkerLimits
  readonly inbox: Inbox
  readonly folders: TableFolders
  readonly sessions: Map<string, TableSession>
  readonly upkeep: SpareTime
  readonly receivesMax: number
  readonly arrivals: Arrivals
  /** Rings when a table may have become due, or a place free. */
  readonly bell: Bell
  readonly signal: AbortSignal
}

/**
 * Takes in what is written to the landing, within a second or so, until the signal is aborted: then the commits under way are
 * finished and the messages of all others given back. Throws what ends the queue for good.
 */
export async function followQueue(parts: WorkerParts, options: FollowOptions): Promise<void> {
  const { lake, queue } = parts
  const ending = new AbortController()
  const tables = lake.config.tables.map(({ name }) => name)
  const limits = { ...LIMITS, ...options.limits }
  const signal = AbortSignal.any([options.signal, ending.signal])
  const receivesMax = queue.receivesMax ?? RECEIVES_MAX
  const worker: Worker = {
    ...parts,
    options,
    limits,
    inbox: createInbox(tables, { windowMs: limits.windowMs, receivesMax }),
    folders: tableFolders(lake),
    sessions: new Map(),
    upkeep: spareTime(),
    receivesMax,
    arrivals: createArrivals(),
    bell: createBell(lake.clock, signal),
    signal,
  }
  if (queue.receivesMax === undefined)
    warn(worker, 'it has no dead-letter queue: messages that cannot be settled stay in it until they expire')
  // Before the first message: it tells where the tables are.
  await sweep(worker)
  const loops = [receiveAll, takeTurns, keepHidden, sweepAgain].map((loop) =>
    loop(worker).catch((error: unknown) => {
      ending.abort()
      throw error
    }),
  )
  const ends = await Promise.allSettled(loops)
  await worker.upkeep.settled()
  for (const { index } of worker.sessions.values()) await Promise.all([index?.building, index?.reading])
  await asking(worker, () => queue.hide(worker.inbox.held(), 0)).catch(() => undefined)
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

async function receiveAll(worker: Worker): Promise<void> {
  const { inbox, queue, limits, lake, options, signal } = worker
  let failures = 0
  while (!signal.aborted) {
    if (inbox.held().length >= HELD_MAX) {
      await lake.clock.sleep(1000, signal)
      continue
    }
    const messages = await asking(worker, () =>
      queue.receive({ waitMs: RECEIVE_WAIT_MS, hideMs: limits.hideMs, signal }),
    )
    failures = messages === undefined ? failures + 1 : 0
    if (messages === undefined) {
      await lake.clock.sleep(backOffMs(failures), signal)
      continue
    }
    options.onSignal?.({ kind: 'answered', by: 'queue' })
    await Promise.all(messages.map((message) => open(worker, message)))
    options.onSignal?.({ kind: 'holding', messages: inbox.held().length })
  }
}

/** Reads a message: it wakes tables, or there is nothing to do, or nobody can read it. */
async function open(worker: Worker, message: QueueMessage): Promise<void> {
  const { inbox, lake, place, arrivals, bell, options } = worker
  const read = readMessage(lake, place, message.body)
  if (read.kind === 'unreadable') {
    const isLast = message.receives >= worker.receivesMax
    const { reason } = read
    await carryOut(worker, {
      done: [],
      back: isLast ? [] : [{ message, afterMs: 0 }],
      aside: isLast ? [{ message, reason }] : [],
    })
    return
  }
  if (read.tables.size === 0) return carryOut(worker, { done: [message], back: [], aside: [] })
  const nowMs = lake.clock.now()
  const { writtenMs = nowMs } = read
  arrivals.add(message, { writtenMs: read.writtenMs, nowMs })
  inbox.add(message, read.tables, nowMs)
  bell.ring()
  for (const table of read.tables.keys()) options.onSignal?.({ kind: 'woken', table, writtenMs })
}

async function takeTurns(worker: Worker): Promise<void> {
  const { inbox, lake, limits, bell, signal } = worker
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  while (!signal.aborted && failure === undefined) {
    const hasRoom = running.size < TABLES_AT_ONCE
    const nowMs = lake.clock.now()
    const turn = hasRoom ? inbox.start(nowMs) : undefined
    if (turn === undefined) {
      const dueMs = hasRoom ? inbox.nextDueMs() : Number.POSITIVE_INFINITY
      await bell.wait(Math.min(limits.sweepMs, Math.max(1, dueMs - nowMs)))
      continue
    }
    const taken = giveTurn(worker, turn)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => {
        running.delete(taken)
        bell.ring()
      })
    running.add(taken)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.error
}

async function giveTurn(worker: Worker, turn: Turn): Promise<void> {
  const { inbox, lake, options, arrivals, signal } = worker
  const { table } = turn
  const messages = turn.messages.map(({ message }) => message)
  arrivals.pickUp(messages, lake.clock.now())
  options.onSignal?.({ kind: 'looking', table })
  const outcome = await takeTurn(worker, turn, { ...options, signal, upkeep: worker.upkeep })
  // A bucket that did not answer told nothing of its files; the messages did.
  const waitingSinceMs = outcome.waitingSinceMs ?? (outcome.waiting.size > 0 ? arrivals.oldestOf(messages) : undefined)
  options.onSignal?.({ kind: 'looked', table, waitingSinceMs })
  await carryOut(worker, inbox.finish(turn, outcome, lake.clock.now()))
}

async function carryOut(worker: Worker, { done, back, aside }: Verdict): Promise<void> {
  const { queue } = worker
  tell(worker, { done, back: back.map(({ message }) => message), aside: aside.map(({ message }) => message) })
  if (done.length > 0) await asking(worker, () => queue.delete(done))
  for (const { message, afterMs } of back) await asking(worker, () => queue.hide([message], afterMs))
  for (const { message, reason } of aside) {
    const isAside = await asking(worker, () => queue.setAside(message, reason))
    warn(worker, `message ${message.id}, received ${message.receives} times, is put aside: ${reason}`)
    if (isAside === false) await asking(worker, () => queue.hide([message], HIDDEN_FOR_GOOD_MS))
  }
}

function tell(worker: Worker, settled: Readonly<Record<'done' | 'back' | 'aside', readonly QueueMessage[]>>): void {
  const { options, lake, arrivals, inbox } = worker
  const nowMs = lake.clock.now()
  for (const as of ['done', 'back', 'aside'] as const)
    for (const message of settled[as]) {
      const hopsMs = as === 'done' ? arrivals.hopsOf(message, nowMs) : {}
      options.onSignal?.({ kind: 'settled', as, hopsMs })
    }
  options.onSignal?.({ kind: 'holding', messages: inbox.held().length })
}

async function keepHidden(worker: Worker): Promise<void> {
  const { queue, inbox, limits, lake, signal } = worker
  while (!signal.aborted) {
    await lake.clock.sleep(limits.hideMs / 3, signal)
    const held = inbox.held()
    if (held.length > 0) await asking(worker, () => queue.hide(held, limits.hideMs))
  }
}

async function sweepAgain(worker: Worker): Promise<void> {
  const { lake, limits, signal } = worker
  while (!signal.aborted) {
    await lake.clock.sleep(limits.sweepMs, signal)
    if (!signal.aborted) await asking(worker, () => sweep(worker))
  }
}

/** Looks at the whole landing, and lets all tables look. */
async function sweep({ lake, folders, inbox, bell, options }: Worker): Promise<void> {
  const listing = await listLanding(lake)
  folders.learn(listing)
  options.onSignal?.({ kind: 'answered', by: 'landing' })
  for (const { key, why } of listing.refused) {
    const { code, message } = landingNameRefused(key, why)
    options.onEvent?.({ kind: 'stopped', table: key, code, message })
  }
  inbox.wakeAll(lake.clock.now())
  bell.ring()
}

/** What is out of reach for a while is told and tried again later: what was not deleted comes again. */
async function asking<Answer>(worker: Worker, ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof TributaryError) || error.kind !== 'unavailable') throw error
    warn(worker, error.message)
    return undefined
  }
}

function warn({ options }: Worker, message: string, table = 'queue'): void {
  options.onEvent?.({ kind: 'warning', table, message })
}
