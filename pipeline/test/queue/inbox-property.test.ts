// Whatever comes in whatever order, nothing is deleted too early and nothing is kept for ever.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createInbox, type Turn } from '../../src/queue/inbox.ts'
import type { QueueMessage } from '../../src/queue/queue.ts'

const TABLES = ['a', 'b', 'c']
const KEYS = ['1', '2', '3']
const LIMITS = { windowMs: 500, receivesMax: 3 }

const file = fc.tuple(fc.constantFrom(...TABLES), fc.constantFrom(...KEYS))
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    files: fc.array(file, { minLength: 1, maxLength: 4 }),
    receives: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('start' as const) }),
  fc.record({
    kind: fc.constant('finish' as const),
    waiting: fc.subarray(KEYS),
    end: fc.constantFrom('well', 'settling', 'stopped', 'out of reach'),
  }),
  fc.record({ kind: fc.constant('sweep' as const) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
)

/** What a message still waits for: `table/key`. */
type Owed = Map<QueueMessage, Set<string>>

function filesByTable(files: readonly (readonly [string, string])[]): Map<string, Set<string>> {
  const byTable = new Map<string, Set<string>>()
  for (const [table, key] of files) byTable.set(table, (byTable.get(table) ?? new Set()).add(`${table}/${key}`))
  return byTable
}

test('a message is deleted only after each of its files was found taken in by a turn that began after it came, and all are settled in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const inbox = createInbox(TABLES, LIMITS)
      const owed: Owed = new Map()
      const turns: { readonly turn: Turn; readonly present: readonly QueueMessage[] }[] = []
      let nowMs = 0
      const start = (): boolean => {
        const turn = inbox.start(nowMs)
        if (turn === undefined) return false
        expect(turns.map((other) => other.turn.table)).not.toContain(turn.table)
        turns.push({ turn, present: [...owed.keys()] })
        return true
      }
      const finish = (waiting: readonly string[], end: string): void => {
        const taken = turns.shift()
        if (taken === undefined) return
        const { turn, present } = taken
        const left = new Set(waiting.map((key) => `${turn.table}/${key}`))
        for (const message of present) {
          const names = [...(owed.get(message) ?? [])].filter((name) => name.startsWith(`${turn.table}/`))
          // A table that stopped gave its answer: the message has to come again, whatever other turns find.
          const isBlamed = end === 'stopped' && names.some((name) => left.has(name))
          if (isBlamed) owed.get(message)?.add(`blamed on ${turn.table}`)
          if (!isBlamed) for (const name of names) if (!left.has(name)) owed.get(message)?.delete(name)
        }
        const stopped =
          end === 'stopped' || end === 'out of reach' ? { reason: end, isTemporary: end === 'out of reach' } : undefined
        const readyAtMs = end === 'settling' || (end === 'well' && left.size > 0) ? nowMs + 60_000 : undefined
        const { done, back, aside } = inbox.finish(turn, { waiting: left, readyAtMs, stopped }, nowMs)
        for (const message of done) expect([...(owed.get(message) ?? ['unknown'])]).toEqual([])
        for (const { message } of [...back, ...aside]) expect(owed.get(message)?.size).toBeGreaterThan(0)
        for (const { message } of aside) expect(message.receives).toBe(LIMITS.receivesMax)
        for (const message of [...done, ...[...back, ...aside].map((each) => each.message)]) owed.delete(message)
        expect(new Set(inbox.held())).toEqual(new Set(owed.keys()))
      }
      steps.forEach((each, at) => {
        if (each.kind === 'add') {
          const id = String(at)
          const message = { id, receipt: id, body: '', receives: each.receives, sentMs: 0 }
          const files = filesByTable(each.files)
          owed.set(message, new Set([...files.values()].flatMap((names) => [...names])))
          inbox.add(message, files, nowMs)
        } else if (each.kind === 'start') start()
        else if (each.kind === 'finish') finish(each.waiting, each.end)
        else if (each.kind === 'sweep') inbox.wakeAll(nowMs)
        else nowMs += each.ms
      })
      // The faults are over: time alone settles all that is held, without a sweep.
      for (let round = 0; round < 2 * TABLES.length && inbox.held().length > 0; round += 1) {
        while (turns.length > 0) finish([], 'well')
        nowMs += 300_000
        while (start());
      }
      while (turns.length > 0) finish([], 'well')
      expect(inbox.held()).toEqual([])
    }),
    { numRuns: 1000 },
  )
})
