// Slow because the histories are real: loads, changes, reloads, rewrites and restores go through `ingest`, as those of a user do.
import { batchRows, type EngineValue, optimize, type Row, readChanges, systemClock } from '@tributary/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { times } from '../../../delta/test/soak.ts'
import { acknowledgeCursor, type CursorPlace } from '../../src/changes/cursor.ts'
import { planChanges } from '../../src/changes/plan-changes.ts'
import { readTableChanges } from '../../src/changes/read-table-changes.ts'
import { readWithCursor } from '../../src/changes/read-with-cursor.ts'
import { changeRowsSql } from '../../src/changes/select-changes.ts'
import { summarizeChanges } from '../../src/changes/summarize-changes.ts'
import { planTableRestore, restoreTable } from '../../src/maintain/restore-table.ts'
import { type Feed, openFeed, TABLE } from '../maintain/feed.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const line = fc
  .tuple(fc.constantFrom('I', 'U', 'U', 'D'), fc.integer({ min: 0, max: 5 }), fc.constantFrom('a', 'b', 'c'))
  .map(([op, id, name]) => `${op},${id},${name}`)
const loadLine = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom('a', 'b'))
const load = fc
  .uniqueArray(loadLine, { selector: ([id]) => id, maxLength: 5 })
  .map((rows) => rows.map(([id, name]) => `I,${id},${name}`))

type Step =
  | { readonly kind: 'changes' | 'reload'; readonly lines: readonly string[] }
  | { readonly kind: 'optimize' }
  | { readonly kind: 'restore' }
  | Reading

/** How a reader ends: `crash` between the last row and the cursor. */
interface Reading {
  readonly kind: 'read'
  readonly end: 'take' | 'crash' | 'peek' | 'acknowledge'
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('changes'), lines: fc.array(line, { minLength: 1, maxLength: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload'), lines: load }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'optimize' }, { kind: 'restore' }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('read'), end: fc.constantFrom('take', 'crash', 'peek', 'acknowledge') }),
  },
)

let histories = 0

test(
  'a bootstrap and all that a cursor hands out after it make the table, net changes are the difference, and a summary counts them',
  async () => {
    await fc.assert(
      fc.asyncProperty(load, fc.array(step, { minLength: 4, maxLength: 9 }), async (first, steps) => {
        const feed = await openFeed(workplace, `history-${histories++}`)
        await feed.put('LOAD00000001', first)
        await feed.ingest()
        const consumer = consumerOf(feed)
        for (const [index, each] of steps.entries()) {
          if (each.kind === 'read') await consumer.read(each.end)
          else await happen(feed, each, index)
        }
        await consumer.read('take')
        expect(consumer.rows()).toEqual(await feed.rows())
        await assertNet(feed)
        await assertSummary(feed)
      }),
      { numRuns: times(6, 300) },
    )
  },
  times(120_000, 7_200_000),
)

async function happen(feed: Feed, step: Exclude<Step, Reading>, index: number): Promise<void> {
  const current = await feed.snapshot()
  if (step.kind === 'optimize') {
    await optimize(feed.engine, systemClock, current)
    return
  }
  if (step.kind === 'restore') {
    const target = await feed.snapshot(Math.floor(current.version / 2))
    // Across a reload it may be refused, and then nothing happens.
    const plan = await planTableRestore(systemClock, { current, target }, { lake: feed.lake, table: TABLE }).catch(
      () => undefined,
    )
    if (plan !== undefined) await restoreTable(systemClock, plan)
    return
  }
  // Each reload has a row of its own, so that its bytes are new.
  if (step.kind === 'reload') await feed.put('LOAD00000001', [...step.lines, `I,${100 + index},new`])
  else await feed.put(`20260301-1000${String(index).padStart(2, '0')}000`, step.lines)
  await feed.ingest()
}

/** Somebody who keeps a copy of the table by what the cursor hands out, and may get changes twice. */
function consumerOf(feed: Feed) {
  const copy = new Map<EngineValue, string>()
  const place: CursorPlace = { root: feed.lake.root, table: TABLE, name: 'copy' }
  const read = async (end: Reading['end']): Promise<void> => {
    if (end === 'acknowledge') return void (await acknowledgeCursor(systemClock, place).catch(() => undefined))
    const { planned, take, offer } = await readWithCursor(
      { store: feed.lake.tableStore(TABLE), place },
      { nowMs: systemClock.now(), bootstrap: true },
    )
    const fork = await feed.engine.fork()
    if (planned.isSnapshot) copy.clear()
    for await (const batch of fork.stream((await changeRowsSql(fork, planned)).sql))
      for (const row of batchRows(batch)) applyTo(copy, row)
    await fork.close()
    if (end === 'take') await take(systemClock)
    if (end === 'peek') await offer(systemClock)
  }
  return { read, rows: () => [...copy.values()].toSorted((a, b) => parseInt(a, 10) - parseInt(b, 10)) }
}

function applyTo(copy: Map<EngineValue, string>, row: Row): void {
  const type = row['_change_type']
  if (type === 'insert' || type === 'update_postimage') copy.set(row['id'] ?? null, `${row['id']}=${row['name']}`)
  else copy.delete(row['id'] ?? null)
}

async function assertNet(feed: Feed): Promise<void> {
  const { version } = await feed.snapshot()
  const start = Math.floor(version / 3)
  const batches = await Array.fromAsync(
    readTableChanges(feed.engine, feed.lake.tableStore(TABLE), { nowMs: 0, since: `v${start}`, net: true }),
  )
  const text = (row: Row): string => `${row['id']}=${row['name']}`
  const rows = batches.flatMap(batchRows)
  const left = rows.filter((row) => row['_change_type'] === 'delete' || row['_change_type'] === 'update_preimage')
  const came = rows.filter((row) => row['_change_type'] === 'insert' || row['_change_type'] === 'update_postimage')
  const [before, after] = [await feed.rows(start), await feed.rows()]
  expect(left.map(text).toSorted()).toEqual(before.filter((each) => !after.includes(each)).toSorted())
  expect(came.map(text).toSorted()).toEqual(after.filter((each) => !before.includes(each)).toSorted())
}

/** Counts the rows of the feed one by one. */
async function assertSummary(feed: Feed): Promise<void> {
  const planned = await planChanges(feed.lake.tableStore(TABLE), { nowMs: 0, since: 'v0' })
  const summary = await summarizeChanges(feed.engine, { table: TABLE, planned })
  const rows = planned.isEmpty
    ? []
    : await Array.fromAsync(readChanges(feed.engine, planned.newest.store, planned.request))
  const ofType = (type: string): readonly Row[] => rows.filter((row) => row['_change_type'] === type)
  const was = new Map(ofType('update_preimage').map((row) => [`${row['_commit_version']} ${row['id']}`, row['name']]))
  const renamed = ofType('update_postimage').filter(
    (row) => was.get(`${row['_commit_version']} ${row['id']}`) !== row['name'],
  )
  expect(summary).toMatchObject({
    inserted: ofType('insert').length,
    updated: ofType('update_postimage').length,
    deleted: ofType('delete').length,
    keys: { touched: new Set(rows.map((row) => row['id'])).size, total: (await feed.rows()).length },
  })
  expect(summary.columns?.find(({ column }) => column === 'name')?.changed ?? 0).toBe(renamed.length)
}
