// A batch of messages, from first to last. Which of them may go is decided by the same inbox as in a worker; what differs is the end:
// messages that are not settled when the time is over are given back, and the queue itself moves aside what came too often.
import { TributaryError } from '@tributary/delta'
import { createInbox, type Inbox, type Turn, type TurnOutcome } from '../queue/inbox.ts'
import type { LandingPlace } from '../queue/notification.ts'
import type { QueueMessage } from '../queue/queue.ts'
import { keepAfter } from '../worker/keep-tables.ts'
import { listLanding } from '../worker/listing.ts'
import { COMMIT_MS, type Room } from '../worker/room.ts'
import type { TableRun, UpkeepLane } from '../worker/run.ts'
import { readMessage, type TurnOptions, type TurnParts, takeTurn } from '../worker/turn.ts'
import type { FunctionEvent } from './event.ts'

/** What a batch is worked on with. */
export interface BatchParts extends TurnParts {
  readonly place: LandingPlace
}

/** How a batch is worked on. */
export interface BatchOptions extends TurnOptions {
  readonly room: Room
}

/** A message that has to come again, with the reason. */
export interface MessageLeft {
  readonly message: QueueMessage
  readonly reason: string
}

/** What came of a batch. */
export interface BatchOutcome {
  readonly left: readonly MessageLeft[]
  /** What no table is to blame for: whoever has it should not go on with these parts. */
  readonly faults: readonly unknown[]
}

const TABLES_AT_ONCE = 2
const TICK_MS = 25
/** A turn that finds nothing takes about a second when everything is cold. */
const TURN_MS = 2_000
/** Rewriting some 32 MiB, beside a bucket that is slow. */
const UPKEEP_MS = 15_000
/** A load that settles is waited for; what fails for longer comes again by the queue. */
const PAUSE_MS_MAX = 10_000

/** Takes in what the messages tell of, or all that waits. Ends when everything is settled, or before the time does. */
export async function takeMessages(
  parts: BatchParts,
  event: FunctionEvent,
  options: BatchOptions,
): Promise<BatchOutcome> {
  const { lake } = parts
  const inbox = createInbox(
    lake.config.tables.map(({ name }) => name),
    // What is not done goes "aside" with its reason, whatever its receives: how many there may be is the queue's own rule.
    { windowMs: 0, receivesMax: 0 },
  )
  const left: MessageLeft[] = []
  const faults: unknown[] = []
  const written = new Map<TableRun, number>()
  const upkeep: UpkeepLane = { offer: (run, bytes) => void (bytes !== undefined && written.set(run, bytes)) }
  if (event.kind === 'sweep') {
    parts.folders.learn(await listLanding(lake))
    inbox.wakeAll(lake.clock.now())
  } else
    for (const message of event.messages) {
      const read = readMessage(lake, parts.place, message.body)
      if (read.kind === 'unreadable') left.push({ message, reason: read.reason })
      else if (read.tables.size > 0) inbox.add(message, read.tables, lake.clock.now())
    }
  const lane = async (): Promise<void> => {
    for (
      let turn = await nextTurn(parts, inbox, options);
      turn !== undefined;
      turn = await nextTurn(parts, inbox, options)
    ) {
      const outcome = await turnOf(parts, turn, { options: { ...options, upkeep }, faults })
      left.push(...inbox.finish(turn, outcome, lake.clock.now()).aside)
    }
  }
  await Promise.all(Array.from({ length: TABLES_AT_ONCE }, lane))
  // When all is done, and one after the other: what there is no time for now a later call does.
  for (const [run, bytes] of written)
    if (options.room.remainingMs() > UPKEEP_MS + COMMIT_MS) await keepAfter(run, bytes)
  const unsettled = inbox.held().map((message) => ({ message, reason: 'the time was over, or the load has to settle' }))
  return { left: [...left, ...unsettled], faults }
}

/** The next table, as soon as one is due; undefined when none will be, or when it could not end in time. */
async function nextTurn(
  { lake: { clock, config } }: BatchParts,
  inbox: Inbox,
  { room }: BatchOptions,
): Promise<Turn | undefined> {
  const untilMs = clock.now() + room.remainingMs() - COMMIT_MS - TURN_MS
  const patienceMs = Math.max(PAUSE_MS_MAX, config.reloadSettleMs + 1000)
  for (;;) {
    const nowMs = clock.now()
    if (nowMs > untilMs) return undefined
    const turn = inbox.start(nowMs)
    if (turn !== undefined) return turn
    const dueMs = inbox.nextDueMs()
    if (dueMs > Math.min(untilMs, nowMs + patienceMs)) return undefined
    await clock.sleep(Math.max(TICK_MS, Math.min(1000, dueMs - nowMs)))
  }
}

/** A fault that is no table's own stops only this table, here and now: the other tables' messages must not come again because of it. */
async function turnOf(
  parts: BatchParts,
  turn: Turn,
  { options, faults }: { readonly options: BatchOptions; readonly faults: unknown[] },
): Promise<TurnOutcome> {
  try {
    return await takeTurn(parts, turn, options)
  } catch (error) {
    faults.push(error)
    const reason = error instanceof TributaryError ? `${error.code}: ${error.message}` : String(error)
    return { waiting: turn.keys, stopped: { reason: `${turn.table} stopped: ${reason}`, isTemporary: false } }
  }
}
