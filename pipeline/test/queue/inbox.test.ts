import { expect, test } from 'vitest'
import { createInbox, type Turn, type TurnOutcome } from '../../src/queue/inbox.ts'
import type { QueueMessage } from '../../src/queue/queue.ts'

const LIMITS = { windowMs: 500, receivesMax: 3 }
const NOTHING: TurnOutcome = { waiting: new Set() }

function message(id: string, receives = 1): QueueMessage {
  return { id, receipt: id, body: '', receives, sentMs: 0 }
}

function files(named: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(Object.entries(named).map(([table, keys]) => [table, new Set(keys)]))
}

function turnAt(inbox: ReturnType<typeof createInbox>, nowMs: number): Turn {
  const turn = inbox.start(nowMs)
  if (turn === undefined) throw new Error('no table is due')
  return turn
}

test('a table waits for a window after the first message, and then takes all that came', () => {
  const inbox = createInbox(['a', 'b'], LIMITS)
  inbox.add(message('1'), files({ a: ['a/1'] }), 1000)
  inbox.add(message('2'), files({ a: ['a/2'] }), 1400)
  expect(inbox.start(1499)).toBeUndefined()
  const turn = turnAt(inbox, 1500)
  expect([turn.table, [...turn.keys]]).toEqual(['a', ['a/1', 'a/2']])
  expect(inbox.finish(turn, NOTHING, 1600)).toMatchObject({ done: [{ id: '1' }, { id: '2' }], back: [], aside: [] })
  expect(inbox.held()).toEqual([])
})

test('a message that comes while its table is at it waits for the next turn', () => {
  const inbox = createInbox(['a'], LIMITS)
  inbox.add(message('1'), files({ a: ['a/1'] }), 0)
  const turn = turnAt(inbox, 500)
  inbox.add(message('2'), files({ a: ['a/2'] }), 600)
  expect(inbox.start(2000)).toBeUndefined()
  expect(inbox.finish(turn, NOTHING, 2000).done).toMatchObject([{ id: '1' }])
  expect(inbox.finish(turnAt(inbox, 2000), NOTHING, 2100).done).toMatchObject([{ id: '2' }])
})

test('a message of two tables is done when both have looked', () => {
  const inbox = createInbox(['a', 'b'], LIMITS)
  inbox.add(message('1'), files({ a: ['a/1'], b: ['b/1'] }), 0)
  const [first, second] = [turnAt(inbox, 500), turnAt(inbox, 500)]
  expect(inbox.finish(first, NOTHING, 600).done).toEqual([])
  expect(inbox.held()).toHaveLength(1)
  expect(inbox.finish(second, NOTHING, 600).done).toMatchObject([{ id: '1' }])
})

test('a message whose file has to settle is held until it has', () => {
  const inbox = createInbox(['a'], LIMITS)
  inbox.add(message('1'), files({ a: ['a/LOAD1'] }), 0)
  const settling = { waiting: new Set(['a/LOAD1']), readyAtMs: 60_000 }
  expect(inbox.finish(turnAt(inbox, 500), settling, 600)).toEqual({ done: [], back: [], aside: [] })
  expect(inbox.start(59_999)).toBeUndefined()
  expect(inbox.finish(turnAt(inbox, 60_000), NOTHING, 60_100).done).toMatchObject([{ id: '1' }])
})

test('of a table that stopped, what was taken in is done, the rest comes again, and at last it is put aside with the reason', () => {
  const inbox = createInbox(['a'], LIMITS)
  inbox.add(message('taken'), files({ a: ['a/1'] }), 0)
  inbox.add(message('young'), files({ a: ['a/2'] }), 0)
  inbox.add(message('old', 3), files({ a: ['a/3'] }), 0)
  const stopped = { reason: 'a stopped: LATE_FILE', isTemporary: false }
  const verdict = inbox.finish(turnAt(inbox, 500), { waiting: new Set(['a/2', 'a/3']), stopped }, 600)
  expect(verdict).toMatchObject({
    done: [{ id: 'taken' }],
    back: [{ message: { id: 'young' }, afterMs: 5000 }],
    aside: [{ message: { id: 'old' }, reason: 'a stopped: LATE_FILE' }],
  })
})

test('a table that stopped is left alone for longer and longer, but for a sweep', () => {
  const inbox = createInbox(['a'], LIMITS)
  const stopped = { reason: 'a stopped', isTemporary: false }
  const pauses: number[] = []
  let nowMs = 0
  for (let failure = 0; failure < 8; failure += 1) {
    inbox.add(message(String(failure)), files({ a: ['a/1'] }), nowMs)
    const beganMs = nowMs
    let turn = inbox.start(nowMs)
    for (; turn === undefined; turn = inbox.start(nowMs)) nowMs += 500
    pauses.push(nowMs - beganMs)
    inbox.finish(turn, { waiting: new Set(['a/1']), stopped }, nowMs)
  }
  expect(pauses).toEqual([500, 5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000])
  inbox.wakeAll(nowMs)
  expect(turnAt(inbox, nowMs).table).toBe('a')
})

test('what is out of reach for a while is tried again by itself, and its messages are kept', () => {
  const inbox = createInbox(['a'], LIMITS)
  inbox.add(message('1', 3), files({ a: ['a/1'] }), 0)
  const stopped = { reason: 'S3_UNREACHABLE', isTemporary: true }
  const verdict = inbox.finish(turnAt(inbox, 500), { waiting: new Set(['a/1']), stopped }, 1000)
  expect(verdict).toEqual({ done: [], back: [], aside: [] })
  expect(inbox.start(5999)).toBeUndefined()
  expect(inbox.finish(turnAt(inbox, 6000), NOTHING, 6100).done).toMatchObject([{ id: '1' }])
})

test('the table that waits longest is first', () => {
  const inbox = createInbox(['a', 'b'], LIMITS)
  inbox.add(message('1'), files({ b: ['b/1'] }), 0)
  inbox.add(message('2'), files({ a: ['a/1'] }), 100)
  expect([turnAt(inbox, 1000).table, turnAt(inbox, 1000).table]).toEqual(['b', 'a'])
})
