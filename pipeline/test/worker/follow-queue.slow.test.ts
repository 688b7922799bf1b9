// The worker on a queue in this process: what wakes a table, what keeps a message, what puts it aside, and how it ends.
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FollowOptions, followQueue } from '../../src/worker/follow-queue.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { IngestEvent } from '../../src/worker/run.ts'
import { type MemoryQueue, memoryQueue } from '../queue/memory-queue.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const PLACE = { bucket: 'landing', prefix: '' }
const COLUMNS = '{key: [id], columns: {id: long, v: string}}'
const CONFIG = `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.a: ${COLUMNS}\n  s.b: ${COLUMNS}\n`

interface Running {
  readonly folder: string
  readonly lake: Lake
  readonly queue: MemoryQueue
  readonly events: readonly IngestEvent[]
  readonly end: () => Promise<void>
}

/** A worker at work. Nothing is swept after the start unless the options say so. */
async function run(
  name: string,
  { before, ...options }: Partial<FollowOptions> & { readonly before?: (folder: string) => Promise<void> } = {},
): Promise<Running> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, CONFIG)
  await before?.(folder)
  const queue = memoryQueue(systemClock, 3)
  const ending = new AbortController()
  const events: IngestEvent[] = []
  const done = followQueue(
    { lake, engine: workplace.engine, queue, place: PLACE },
    { ...options, limits: { windowMs: 20, ...options.limits }, signal: ending.signal, onEvent: (e) => events.push(e) },
  )
  const end = async (): Promise<void> => {
    ending.abort()
    await done
  }
  return { folder, lake, queue, events, end }
}

function written(key: string): string {
  const s3 = { bucket: { name: 'landing' }, object: { key } }
  return JSON.stringify({ Records: [{ eventVersion: '2.1', eventName: 'ObjectCreated:Put', s3 }] })
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 8000; waitedMs += 20) {
    if (await isTrue()) return
    await systemClock.sleep(20)
  }
  throw new Error('it did not come true')
}

async function rowsOf(lake: Lake, table: string): Promise<readonly string[]> {
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'v', type: 'string' },
  ] as const
  return canonicalRows(workplace.engine, await snapshotOf(lake, table), columns)
}

test('a message wakes its table, twice does no harm, and it is deleted when the commit of its file is durable', async () => {
  const { folder, lake, queue, end } = await run('wakes')
  const rowsWhenDeleted: unknown[] = []
  const { delete: remove } = queue
  Object.assign(queue, {
    delete: async (messages: Parameters<typeof remove>[0]) => {
      rowsWhenDeleted.push(await rowsOf(lake, 's.a'))
      await remove(messages)
    },
  })
  await put(folder, 's/a/LOAD00000001.csv', 'id,v\n1,one\n')
  for (let time = 0; time < 3; time += 1) queue.send(written('s/a/LOAD00000001.csv'))
  await until(() => queue.size() === 0)
  await end()
  expect(new Set(rowsWhenDeleted.map(String))).toEqual(new Set(['["1","one"]']))
  expect((await snapshotOf(lake, 's.a'))?.version).toBe(0)
})

test('what waits at the start is taken in without any message, and so is later what no message told', async () => {
  const { folder, lake, end } = await run('sweeps', {
    before: (to) => put(to, 's/a/LOAD00000001.csv', 'id,v\n1,one\n'),
    limits: { sweepMs: 300 },
  })
  await until(async () => (await rowsOf(lake, 's.a')).length === 1)
  await put(folder, 's/b/LOAD00000001.csv', 'id,v\n7,seven\n')
  await until(async () => (await rowsOf(lake, 's.b')).length === 1)
  await end()
})

test('junk is put aside with the reason after its last receive, and what concerns no table is deleted', async () => {
  const { queue, end } = await run('junk')
  queue.send('hello')
  queue.send('{"Event":"s3:TestEvent"}')
  queue.send(written('s/unknown/LOAD00000001.csv'))
  queue.send(written('s/a/notes.txt'))
  await until(() => queue.size() === 0)
  await end()
  expect(queue.dead).toEqual([{ body: 'hello', reason: 'not a notification of S3: it is no JSON' }])
  expect(queue.deleted).toHaveLength(3)
})

test('a table that stopped keeps its message, whatever was taken in is deleted, and the other table goes on', async () => {
  const { folder, lake, queue, events, end } = await run('stops')
  await put(folder, 's/a/LOAD00000001.csv', 'id,v\n1,one\n')
  await put(folder, 's/b/LOAD00000001.csv', Buffer.from('1f8b08000000', 'hex'))
  queue.send(written('s/b/LOAD00000001.csv'))
  queue.send(written('s/a/LOAD00000001.csv'))
  await until(() => queue.deleted.length === 1 && events.some(({ kind }) => kind === 'stopped'))
  await end()
  expect(queue.deleted).toEqual([written('s/a/LOAD00000001.csv')])
  expect(queue.size()).toBe(1)
  expect(await rowsOf(lake, 's.a')).toEqual(['["1","one"]'])
})

test('a load that has to settle keeps its message hidden, and a worker that ends gives it back at once', async () => {
  const { folder, queue, events, end } = await run('settles', { settleMs: 60_000, limits: { hideMs: 300 } })
  await put(folder, 's/a/LOAD00000001.csv', 'id,v\n1,one\n')
  queue.send(written('s/a/LOAD00000001.csv'))
  await systemClock.sleep(1200)
  expect(queue.size()).toBe(1)
  await end()
  const signal = new AbortController().signal
  expect(await queue.receive({ waitMs: 0, hideMs: 0, signal })).toMatchObject([{ receives: 2 }])
  expect(events).toEqual([])
})

test('a queue that is gone ends the worker with its error', async () => {
  const lake = await lakeIn(join(workplace.folder, 'gone'), CONFIG)
  const queue = { ...memoryQueue(systemClock, 3), receive: () => Promise.reject(new Error('gone')) }
  const parts = { lake, engine: workplace.engine, queue, place: PLACE }
  await expect(followQueue(parts, { signal: new AbortController().signal })).rejects.toThrow('gone')
})
