// A queue far ahead of one slow table: what the worker holds stays bounded, and the other tables go on. Catches an inbox without a bound,
// and tables that wait for each other. Slow for its five thousand messages.
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { followQueue } from '../../src/worker/follow-queue.ts'
import { openLake } from '../../src/worker/lake.ts'
import { memoryQueue } from '../queue/memory-queue.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf } from '../support/workplace.ts'

const TABLE = '{key: [id], columns: {id: long, v: string}}'
const CONFIG = `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.slow: ${TABLE}\n  s.quick: ${TABLE}\n`
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'v', type: 'string' },
] as const
const MESSAGES = 5000
/** 2,000, and what one more receive brings. */
const HELD_MAX = 2010

function written(key: string): string {
  const s3 = { bucket: { name: 'landing' }, object: { key } }
  return JSON.stringify({ Records: [{ eventVersion: '2.1', eventName: 'ObjectCreated:Put', s3 }] })
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 20) {
    if (await isTrue()) return
    await systemClock.sleep(20)
  }
  throw new Error('it did not come true')
}

test('thousands of messages for a slow table are not all held, and keep no other table waiting', async () => {
  const workplace = await openWorkplace()
  await lakeIn(workplace.folder, CONFIG)
  await put(workplace.folder, 's/slow/LOAD00000001.csv', 'id,v\n1,one\n')
  let open = (): void => undefined
  const gate = new Promise<void>((opened) => {
    open = opened
  })
  const lake = openLake(await readConfig(join(workplace.folder, 'tributary.yaml')), {
    wrapStore: (store) =>
      store.url.includes('/s/slow')
        ? { ...store, create: (...given) => gate.then(() => store.create(...given)) }
        : store,
  })
  const queue = memoryQueue(systemClock, 3)
  for (let at = 0; at < MESSAGES; at++) queue.send(written('s/slow/LOAD00000001.csv'))
  queue.send(written('s/quick/LOAD00000001.csv'))
  const ending = new AbortController()
  let mostHeld = 0
  const done = followQueue(
    { lake, engine: workplace.engine, queue, place: { bucket: 'landing', prefix: '' } },
    {
      signal: ending.signal,
      limits: { windowMs: 20, sweepMs: 200 },
      onSignal: (signal) => {
        if (signal.kind === 'holding') mostHeld = Math.max(mostHeld, signal.messages)
      },
    },
  )
  const rowsOf = async (table: string) => canonicalRows(workplace.engine, await snapshotOf(lake, table), COLUMNS)
  await until(() => mostHeld >= 2000)
  await put(workplace.folder, 's/quick/LOAD00000001.csv', 'id,v\n1,uno\n')
  await until(async () => (await rowsOf('s.quick')).length === 1)
  expect(await rowsOf('s.slow')).toEqual([])
  expect(mostHeld).toBeLessThanOrEqual(HELD_MAX)
  open()
  await until(() => queue.size() === 0)
  expect(await rowsOf('s.slow')).toEqual(['["1","one"]'])
  expect(mostHeld).toBeLessThanOrEqual(HELD_MAX)
  ending.abort()
  await done
  await workplace.close()
})
