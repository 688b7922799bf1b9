// Which messages we hold, for which tables, and whose turn is next. Pure but for its own memory: no clock, no queue.
//
// A message is held from its receipt until every table that it names has looked at the landing after that, and none of its files waits
// any more. Only then it may be deleted: what a crash interrupts comes again.
import type { QueueMessage } from './queue.ts'

/** How patient an inbox is. */
export interface InboxLimits {
  /** So long a table waits for more messages after the first. */
  readonly windowMs: number
  /** Receives after which a message that could not be settled is put aside. */
  readonly receivesMax: number
}

/** A table that is to look at the landing now. */
export interface Turn {
  readonly table: string
  /** Objects that the messages name. */
  readonly keys: ReadonlySet<string>
  readonly messages: readonly HeldMessage[]
}

/** What came of a turn. */
export interface TurnOutcome {
  /** The table's files that are not taken in yet. */
  readonly waiting: ReadonlySet<string>
  /** When they may be, if they only have to settle. */
  readonly readyAtMs?: number | undefined
  /** Why the table did not go on. What is temporary is tried again, and no message is blamed for it. */
  readonly stopped?: { readonly reason: string; readonly isTemporary: boolean } | undefined
}

/** What has to be done with messages that are held no longer. */
export interface Verdict {
  readonly done: readonly QueueMessage[]
  readonly back: readonly { readonly message: QueueMessage; readonly afterMs: number }[]
  readonly aside: readonly { readonly message: QueueMessage; readonly reason: string }[]
}

/** A message in our hands. */
export interface HeldMessage {
  readonly message: QueueMessage
  /** Tables that have not settled it yet, with its objects. */
  readonly open: Map<string, ReadonlySet<string>>
  reason: string | undefined
}

export interface Inbox {
  readonly add: (message: QueueMessage, keys: ReadonlyMap<string, ReadonlySet<string>>, nowMs: number) => void
  /** Lets all tables look, whether or not a message came. */
  readonly wakeAll: (nowMs: number) => void
  /** The table that waits longest, if one is due and not at it already. Each turn has to be finished. */
  readonly start: (nowMs: number) => Turn | undefined
  readonly finish: (turn: Turn, outcome: TurnOutcome, nowMs: number) => Verdict
  /** When the next table is due that is not at it; infinity when none is. */
  readonly nextDueMs: () => number
  readonly held: () => readonly QueueMessage[]
}

interface TableWait {
  dueMs: number
  /** No earlier than this, but for a sweep: it failed before. */
  notBeforeMs: number
  failures: number
  isRunning: boolean
}

const BACK_MS_MIN = 5_000
const BACK_MS_MAX = 300_000

/** How long to wait after so many failures in a row. */
export function backOffMs(failures: number): number {
  return Math.min(BACK_MS_MAX, BACK_MS_MIN * 2 ** Math.min(20, failures - 1))
}

/** Starts with nothing held and all tables asleep. */
export function createInbox(tables: readonly string[], limits: InboxLimits): Inbox {
  const waits = new Map<string, TableWait>(
    tables.map((name) => [name, { dueMs: Number.POSITIVE_INFINITY, notBeforeMs: 0, failures: 0, isRunning: false }]),
  )
  const held = new Set<HeldMessage>()
  return {
    add: (message, keys, nowMs) => {
      held.add({ message, open: new Map(keys), reason: undefined })
      for (const name of keys.keys()) {
        const wait = waits.get(name)
        if (wait !== undefined) wait.dueMs = Math.min(wait.dueMs, Math.max(nowMs + limits.windowMs, wait.notBeforeMs))
      }
    },
    wakeAll: (nowMs) => {
      for (const wait of waits.values()) wait.dueMs = Math.min(wait.dueMs, nowMs)
    },
    start: (nowMs) => {
      const due = [...waits].filter(([, wait]) => !wait.isRunning && wait.dueMs <= nowMs)
      const [first] = due.toSorted(([, a], [, b]) => a.dueMs - b.dueMs)
      if (first === undefined) return undefined
      const [table, wait] = first
      wait.isRunning = true
      wait.dueMs = Number.POSITIVE_INFINITY
      const messages = [...held].filter(({ open }) => open.has(table))
      return { table, messages, keys: new Set(messages.flatMap(({ open }) => [...(open.get(table) ?? [])])) }
    },
    finish: (turn, outcome, nowMs) => {
      const wait = waits.get(turn.table)
      if (wait !== undefined) endTurn(wait, outcome, nowMs)
      const verdicts = turn.messages.flatMap((each) => settle(each, turn.table, outcome) ?? [])
      for (const each of verdicts) held.delete(each)
      return judge(verdicts, limits.receivesMax)
    },
    nextDueMs: () =>
      Math.min(
        Number.POSITIVE_INFINITY,
        ...[...waits.values()].map((wait) => (wait.isRunning ? Number.POSITIVE_INFINITY : wait.dueMs)),
      ),
    held: () => [...held].map(({ message }) => message),
  }
}

function endTurn(wait: TableWait, { readyAtMs, stopped }: TurnOutcome, nowMs: number): void {
  wait.isRunning = false
  wait.failures = stopped === undefined ? 0 : wait.failures + 1
  wait.notBeforeMs = stopped === undefined ? 0 : nowMs + backOffMs(wait.failures)
  // Messages may have come while the table was at it.
  wait.dueMs = Math.max(wait.dueMs, wait.notBeforeMs)
  if (stopped?.isTemporary) wait.dueMs = wait.notBeforeMs
  if (readyAtMs !== undefined) wait.dueMs = Math.min(wait.dueMs, readyAtMs)
}

/** The message, if no table has to look because of it any more. */
function settle(each: HeldMessage, table: string, { waiting, stopped }: TurnOutcome): HeldMessage | undefined {
  const isWaiting = [...(each.open.get(table) ?? [])].some((key) => waiting.has(key))
  if (isWaiting && (stopped === undefined || stopped.isTemporary)) return undefined
  if (isWaiting) each.reason = stopped?.reason
  each.open.delete(table)
  return each.open.size === 0 ? each : undefined
}

function judge(settled: readonly HeldMessage[], receivesMax: number): Verdict {
  const [done, back, aside]: [
    QueueMessage[],
    { message: QueueMessage; afterMs: number }[],
    Verdict['aside'][number][],
  ] = [[], [], []]
  for (const { message, reason } of settled) {
    if (reason === undefined) done.push(message)
    else if (message.receives >= receivesMax) aside.push({ message, reason })
    else back.push({ message, afterMs: backOffMs(message.receives) })
  }
  return { done, back, aside }
}
