// The function as Lambda calls it, on a bucket that really tells a queue. Worth its seconds: what it answers decides which messages live on.
import { type Engine, openEngine, systemClock } from '@tributary/delta'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { BatchToHand } from '../../src/worker/room.ts'
import {
  beginFunction,
  type FunctionPlace,
  openFunctionPlace,
  type SqsEvent,
  type TestedFunction,
} from './function-place.ts'

let place: FunctionPlace
let engine: Engine
/** Has run before in most tests, as nearly all that are called. */
let tested: TestedFunction
let table = ''
let tables = 0
beforeAll(async () => {
  place = await openFunctionPlace()
  engine = await openEngine({ threads: 1 })
  tested = beginFunction(place)
})
afterAll(async () => {
  await engine.close()
  await place.close()
})
// Each test has tables of its own.
beforeEach(async () => {
  tables += 1
  table = `s.t${tables}`
  // Tables that come and go are for functions that slept or begin.
  await place.configure(
    Object.fromEntries(
      [1, 2, 3, 4, 5, 6, 7, 8].flatMap((at) => [
        [`s.t${at}`, ''],
        [`s.t${at}b`, ''],
      ]),
    ),
  )
  await place.receive()
  tested.lines.length = 0
  place.choose(() => 'pass')
})

function folderOf(name: string): string {
  return name.replace('.', '/')
}

async function load(name: string): Promise<void> {
  await place.put(`${folderOf(name)}/LOAD00000001.csv`, 'id,v\n1,one\n2,two\n')
}

async function change(name: string, minute: number, text: string): Promise<void> {
  await place.put(`${folderOf(name)}/20260301-10${minute}00000.csv`, `Op,id,v\n${text}\n`)
}

function idsOf({ Records }: SqsEvent): readonly string[] {
  return Records.map(({ messageId }) => messageId)
}

test('a batch of messages for two tables is taken in, once, and all messages are done', async () => {
  await load(table)
  await load(`${table}b`)
  await change(table, 10, 'U,1,eins')
  const event = await place.receive()
  expect(event.Records).toHaveLength(3)
  expect(await tested.call(event)).toEqual({ batchItemFailures: [] })
  expect(await tested.call(event)).toEqual({ batchItemFailures: [] })
  expect(await place.rowsOf(engine, table)).toEqual(['["1","eins"]', '["2","two"]'])
  expect(await place.rowsOf(engine, `${table}b`)).toEqual(['["1","one"]', '["2","two"]'])
  expect(tested.lines.map(({ kind, table: name, version }) => [kind, name, version]).toSorted()).toEqual([
    ['committed', table, 0],
    ['committed', table, 1],
    ['committed', `${table}b`, 0],
  ])
})

test('only messages that are junk or whose files are not taken in come again', async () => {
  await load(table)
  await load(`${table}b`)
  const good = await place.receive()
  await place.put(`${folderOf(table)}/20260301-101000000.csv`, 'Op,id,v\nU,1')
  const bad = await place.receive()
  const junk = { Records: [{ messageId: 'junk', body: 'hello', eventSource: 'aws:sqs' }] }
  const { batchItemFailures } = await tested.call({ Records: [...good.Records, ...bad.Records, ...junk.Records] })
  expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted()).toEqual(
    [...idsOf(bad), 'junk'].toSorted(),
  )
  expect(await place.rowsOf(engine, `${table}b`)).toEqual(['["1","one"]', '["2","two"]'])
  expect(tested.lines).toContainEqual(expect.objectContaining({ level: 'error', kind: 'stopped', table }))
  expect(tested.lines).toContainEqual(
    expect.objectContaining({ messageId: 'junk', message: 'not a notification of S3: it is no JSON' }),
  )
})

test('what does not fit into the time that is left comes again, and a call with more time takes it in', async () => {
  await load(table)
  const event = await place.receive()
  const answer = await tested.call(event, 60_000, 12_500)
  expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(idsOf(event))
  expect(await place.rowsOf(engine, table)).toEqual([])
  expect(await tested.call(event)).toEqual({ batchItemFailures: [] })
  expect(await place.rowsOf(engine, table)).toHaveLength(2)
})

test('a batch that is cut off in mid-work leaves no commit and no file, and its message comes again', async () => {
  await load(table)
  const event = await place.receive()
  // The second question decides when to cut: in a millisecond.
  const answer = await tested.call(event, 60_000, 5_001, 60_000)
  expect(answer.batchItemFailures).toHaveLength(1)
  expect((await place.objects()).filter((path) => path.startsWith(`${folderOf(table)}/`))).toEqual([])
  expect(await tested.call(event)).toEqual({ batchItemFailures: [] })
})

test('a warm function asks for nothing that it knows, and one that slept begins anew with the configuration of now', async () => {
  let sleptMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + sleptMs }
  const sleeper = beginFunction(place, { clock })
  const logReads = (): number =>
    place.requests().filter(({ target }) => target.includes('_last_checkpoint') || target.includes('tributary.yaml'))
      .length
  await load(table)
  await sleeper.call(await place.receive())
  place.forget()
  await change(table, 10, 'I,3,three')
  await sleeper.call(await place.receive())
  expect(logReads()).toBe(0)
  await place.configure({ [table]: '', 's.late': '' })
  await load('s.late')
  sleptMs += 120_000
  expect(await sleeper.call(await place.receive())).toEqual({ batchItemFailures: [] })
  expect(logReads()).toBeGreaterThan(0)
  expect(await place.rowsOf(engine, 's.late')).toHaveLength(2)
})

test('credentials that expired in its sleep are renewed within the call', async () => {
  await load(table)
  await tested.call(await place.receive())
  await change(table, 10, 'I,3,three')
  const event = await place.receive()
  let refused = 0
  place.choose(({ target }) => {
    if (refused > 0 || !target.includes('list-type=2')) return 'pass'
    refused += 1
    return { status: 400, code: 'ExpiredToken' }
  })
  expect(await tested.call(event)).toEqual({ batchItemFailures: [] })
  expect(refused).toBe(1)
  expect(await place.rowsOf(engine, table)).toHaveLength(3)
})

test('a timer finds what no message told of', async () => {
  await load(table)
  await place.receive()
  expect(await tested.call({ source: 'aws.scheduler' })).toEqual({ batchItemFailures: [] })
  expect(await place.rowsOf(engine, table)).toHaveLength(2)
})

test('a batch that can never fit stops its table with the numbers, or goes to the larger engine of a table that has one', async () => {
  const auto = `${table}b`
  await place.configure({ [table]: '', [auto]: ', engine: auto' })
  await load(table)
  await load(auto)
  const event = await place.receive()
  const handed: BatchToHand[] = []
  const limited = beginFunction(place, { larger: { take: async (batch) => void handed.push(batch) } })
  const { batchItemFailures } = await limited.call(event, 12_500)
  expect(batchItemFailures).toHaveLength(2)
  expect(handed).toMatchObject([{ table: auto, needs: { files: 1, storedBytes: 17 }, plan: { kind: 'load' } }])
  const stops = limited.lines.filter(({ kind }) => kind === 'stopped')
  expect(stops).toEqual([expect.objectContaining({ table, code: 'BATCH_TOO_LARGE' })])
  expect(stops[0]?.['message']).toContain('may need 1 MiB of memory and temporary disk and 4 s; there are 716 MiB')
})

test('whoever else calls is told how to', async () => {
  await expect(tested.call({ hello: 1 })).rejects.toMatchObject({ code: 'FUNCTION_EVENT_UNKNOWN' })
})
