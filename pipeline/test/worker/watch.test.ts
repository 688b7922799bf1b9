// `ingest --watch`: a load waits until it is complete (design §3.1), files are found as they come, and an end is an end.
import { join } from 'node:path'
import { type Clock, systemClock, TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Lake } from '../../src/worker/lake.ts'
import { watch } from '../../src/worker/watch.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const START_MS = Date.UTC(2026, 2, 1, 10)
const SECOND_MS = 1000
const SETTLE_MS = 60 * SECOND_MS

/** A clock that moves only when somebody sleeps, and lets things happen at their times. */
function scriptedClock(script: ReadonlyMap<number, () => Promise<void>>): Clock {
  let nowMs = START_MS
  const due = [...script].toSorted(([a], [b]) => a - b)
  return {
    now: () => nowMs,
    uuid: systemClock.uuid,
    sleep: async (ms) => {
      nowMs += ms
      while (due[0] !== undefined && START_MS + due[0][0] <= nowMs) await due.shift()?.[1]()
    },
  }
}

test('a watch takes a load once its newest file has settled, in one commit, then each file of changes as it comes, and ends when told', async () => {
  const folder = join(workplace.folder, 'watch')
  const ending = new AbortController()
  const arrive = (key: string, text: string, atMs: number): readonly [number, () => Promise<void>] => [
    atMs,
    () => put(folder, key, text, START_MS + atMs),
  ]
  const clock = scriptedClock(
    new Map([
      arrive('s/t/LOAD00000002.csv', 'id,v\n2,b\n', 30 * SECOND_MS),
      arrive('s/t/20260301-100200000.csv', 'Op,id,v\nU,2,c\n', 120 * SECOND_MS),
      [150 * SECOND_MS, async () => ending.abort()],
    ]),
  )
  const lake = await lakeIn(
    folder,
    'landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], columns: {id: long, v: string}}\n',
    { clock },
  )
  await put(folder, 's/t/LOAD00000001.csv', 'id,v\n1,a\n', START_MS)
  const rounds: string[] = []
  await watch(lake, workplace.engine, {
    settleMs: lake.config.reloadSettleMs,
    intervalMs: 5 * SECOND_MS,
    signal: ending.signal,
    onRound: ({ tables: [table] }) =>
      rounds.push(`${(clock.now() - START_MS) / SECOND_MS} s: v${table?.version}, ${table?.files} files`),
  })
  const settledSeconds = (30 * SECOND_MS + SETTLE_MS) / SECOND_MS
  expect(rounds).toEqual([`${settledSeconds} s: v0, 2 files`, '120 s: v1, 1 files'])
  expect(
    await canonicalRows(workplace.engine, await snapshotOf(lake, 's.t'), [
      { name: 'id', type: 'long' },
      { name: 'v', type: 'string' },
    ]),
  ).toEqual(['["1","a"]', '["2","c"]'])
})

/** A lake whose landing does not answer to the looks from one number to another. */
async function silentLake(name: string, silent: { readonly from: number; readonly to: number }): Promise<Lake> {
  let looks = 0
  const clock = scriptedClock(new Map())
  const config = 'landing: landing\nlake: lake\ntables:\n  s.t: {key: [id]}\n'
  return lakeIn(join(workplace.folder, name), config, {
    clock,
    wrapStore: (store, what) => {
      if (what !== 'landing') return store
      return {
        ...store,
        list: (...given) => {
          looks += 1
          if (looks < silent.from || looks > silent.to) return store.list(...given)
          throw new TributaryError('unavailable', 'STORE_FAILED', `Look ${looks} failed. A test did this.`)
        },
      }
    },
  })
}

test('a landing that falls silent is waited for, longer each time', async () => {
  const lake = await silentLake('silent', { from: 2, to: 4 })
  const ending = new AbortController()
  const warned: string[] = []
  await watch(lake, workplace.engine, {
    intervalMs: SECOND_MS,
    signal: ending.signal,
    onEvent: (event) => {
      if (event.kind === 'warning') warned.push(`${(lake.clock.now() - START_MS) / SECOND_MS} s: ${event.message}`)
      if (warned.length === 3) ending.abort()
    },
  })
  expect(warned).toEqual([
    '1 s: Look 2 failed. A test did this.',
    '3 s: Look 3 failed. A test did this.',
    '7 s: Look 4 failed. A test did this.',
  ])
})

test('a landing that never answered ends the watch: its name is wrong, or the network', async () => {
  const lake = await silentLake('never', { from: 1, to: 1 })
  const options = { intervalMs: SECOND_MS, signal: new AbortController().signal }
  await expect(watch(lake, workplace.engine, options)).rejects.toThrow('Look 1 failed. A test did this.')
})
