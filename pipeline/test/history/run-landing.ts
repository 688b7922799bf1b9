// One landing with many tables, step by step: deliver, ingest, compare all of it, ingest again.

import { join } from 'node:path'
import { commitInfoOf, type Engine, readCommits, systemClock } from '@tributary/delta'
import { expect } from 'vitest'
import { historyTimeOrderSql } from '../../src/history-table/history-shape.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import { optimizeTable } from '../../src/maintain/optimize-table.ts'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { storedColumns } from '../support/emit.ts'
import { foldedRows, hasLateLoad, historyOf } from '../support/history-fold.ts'
import { replay } from '../support/oracle.ts'
import { configText, randomEndpoint, randomTable, type TableSpec } from '../support/profile.ts'
import { randomFrom } from '../support/random.ts'
import { GROUPS } from '../support/source.ts'
import { type Delivery, nextDelivery, openStream, type Stream } from '../support/stream.ts'
import type { Tally } from '../support/tally.ts'
import { canonicalLines, canonicalRows, lakeIn, put, snapshotOf } from '../support/workplace.ts'

export const TABLES = 6
const STEPS = 4
// Batches write small files anew never, always, and once one file has a vector.
const VECTOR_FILES_MAX = [100, 0, 100, 1, 100] as const

export interface LandingRequest {
  readonly seed: number
  /** Which of the formats; each number is another one. */
  readonly kind: number
  readonly tables: number
}

/** Runs the landing that the seed describes and checks it all the way. Returns the tables that came to be. */
export async function runLanding(
  engine: Engine,
  folder: string,
  { seed, kind, tables: count }: LandingRequest,
  tally: Tally,
): Promise<readonly string[]> {
  const random = randomFrom(seed)
  const endpoint = randomEndpoint(random, kind)
  const tables = Array.from({ length: count }, (_, at): TableSpec => randomTable(random, endpoint, at))
  // Without a key index, with one that is opened for each look, and with one that stays open.
  const index = kind % 3 === 0 ? {} : { index: { folder: join(folder, 'cache'), scannedRowsMax: 0 } }
  const sessions = kind % 3 === 2 ? { sessions: new Map<string, TableSession>() } : {}
  const lake = await lakeIn(folder, configText(endpoint, tables), index)
  const streams = tables.map((table) => openStream({ random, engine, endpoint, table }, tally))
  for (const { table } of streams) tallyTable(tally, table)
  // The next one after all three ways to the index, so that each meets each.
  const options = { vectorFilesMax: VECTOR_FILES_MAX[Math.floor(kind / 3) % VECTOR_FILES_MAX.length] ?? 0, ...sessions }
  for (let step = 0; step < STEPS; step += 1) {
    const deliveries: Delivery[] = []
    for (const stream of streams) deliveries.push(await nextDelivery(stream, step, step === STEPS - 1))
    for (const { puts } of deliveries)
      for (const { file, modifiedMs } of puts) await put(folder, file.key, file.bytes, modifiedMs)
    const summary = await ingest(lake, engine, options)
    for (const session of sessions.sessions?.values() ?? []) await session.index?.building
    if (kind % 4 === 1) for (const { table } of streams) await rewriteFiles(engine, lake, table, tally)
    for (const [at, stream] of streams.entries()) {
      const name = `${stream.table.name} in step ${step}`
      const delivery = deliveries[at]
      if (delivery !== undefined) checkCounts(name, summary, stream, delivery)
      await checkRows(name, lake, stream)
    }
    const again = await ingest(lake, engine, options)
    expect(
      again.tables.filter(({ commits }) => commits > 0),
      'a second ingest writes no commit',
    ).toEqual([])
  }
  for (const stream of streams) {
    checkSource(stream)
    await checkLedger(lake, stream)
    await tallyRewritten(lake, stream.table, tally)
    if (endpoint.noSup === undefined)
      await tallyEarly(lake, stream.table, { vectorFilesMax: options.vectorFilesMax, tally })
  }
  return streams.filter(({ landed }) => landed.size > 0).map(({ table }) => table.name)
}

/** Between two batches, in some landings: what upkeep does when much has come, to tables in which little has. */
async function rewriteFiles(engine: Engine, lake: Lake, { name }: TableSpec, tally: Tally): Promise<void> {
  const snapshot = await snapshotOf(lake, name)
  if (snapshot === undefined) return
  const place = { root: lake.root, table: name }
  const done = await optimizeTable({ engine, clock: systemClock }, { snapshot, place }, { deadShareMin: 0 })
  tally.add('file rewritten between batches', done.filesRemoved)
}

/** Small files of a merge-on-read table that a batch wrote anew. */
async function tallyRewritten(lake: Lake, { name, write }: TableSpec, tally: Tally): Promise<void> {
  const snapshot = await snapshotOf(lake, name)
  if (snapshot === undefined || write === 'copy-on-write') return
  for await (const { actions } of readCommits(snapshot.store, { fromVersion: 0, toVersion: snapshot.version })) {
    const added = new Set(actions.flatMap((action) => ('add' in action ? [action.add.path] : [])))
    const gone = actions.filter((action) => 'remove' in action && !added.has(action.remove.path))
    if (commitInfoOf(actions)?.operation === 'UPSERT' && added.size > 0)
      tally.add('small file written anew', gone.length)
  }
}

/** Batches whose rows could be written while the key index was read, and were looked up there. */
async function tallyEarly(
  lake: Lake,
  { name, write, sequence, beforeImage }: TableSpec,
  { vectorFilesMax, tally }: { readonly vectorFilesMax: number; readonly tally: Tally },
): Promise<void> {
  const snapshot = await snapshotOf(lake, name)
  if (snapshot === undefined || write === 'copy-on-write' || sequence !== 'none' || beforeImage !== 'none') return
  for await (const { actions } of readCommits(snapshot.store, { fromVersion: 0, toVersion: snapshot.version })) {
    const { operation, operationMetrics = {} } = commitInfoOf(actions) ?? {}
    const count = (metric: string): number => Number(operationMetrics[metric] ?? 0)
    if (operation !== 'UPSERT' || count('filesLeft') === 0 || count('filesScanned') > 0) continue
    if (count('filesLive') > vectorFilesMax) continue
    tally.add('batch written while the key index is read')
    for (const what of ['inserted', 'updated', 'deleted', 'superseded', 'noop'])
      if (count(what) > 0) tally.add(`batch written while the key index is read: ${what}`)
  }
}

function tallyTable(tally: Tally, table: TableSpec): void {
  tally.add('table')
  tally.add('history', GROUPS)
  tally.add(`write: ${table.write}`)
  if (table.columns.some(({ name }) => name === '__proto__')) tally.add('columns at, order, a"b, __proto__')
  if (table.partitionBy.length > 0) tally.add('partitioned')
  if (!table.hasLoad) tally.add('no load')
  if (!table.isListed) tally.add('types read from the data')
}

function checkCounts(name: string, summary: IngestSummary, stream: Stream, delivery: Delivery): void {
  const told = summary.tables.find(({ table }) => table === stream.table.name)
  expect(told?.stopped?.message, `${name}: ${told?.stopped?.message}`).toBeUndefined()
  if (told === undefined) return
  expect(told.read, `${name}: rows read`).toBe(delivery.rows)
  expect(told.applied + told.superseded + told.noop + told.quarantined, `${name}: law 3`).toBe(told.read)
  expect(told.quarantined, `${name}: quarantined`).toBeGreaterThanOrEqual(delivery.badRowsMin)
  expect(told.quarantined, `${name}: quarantined`).toBeLessThanOrEqual(delivery.badRowsMax)
  stream.tally.add('row applied', told.applied)
  stream.tally.add('row superseded', told.superseded)
  stream.tally.add('row without effect', told.noop)
  stream.tally.add('row quarantined', told.quarantined)
}

async function checkRows(name: string, lake: Lake, stream: Stream): Promise<void> {
  const { engine, endpoint, table } = stream
  const columns = storedColumns(endpoint, table)
  const snapshot = await snapshotOf(lake, table.name)
  const rows = await canonicalRows(engine, snapshot, columns)
  const expected = [...replay(stream.generation).values()].map((row) => row.slice(0, columns.length))
  expect(rows, `${name}: rows`).toEqual(canonicalLines(expected))
  if (!table.history) return
  const key = table.columns.filter(({ isKey }) => isKey).map((column) => column.name)
  const history = await historyOf(lake, table.name)
  const folded = await foldedRows(engine, history, { key, columns })
  expect(folded, `${name}: the history leads to the same rows`).toEqual(rows)
  // The name of a late file does not tell when its changes were made, nor does the time of a late load.
  if (table.sequence !== 'none' && endpoint.timestampColumn === undefined) return
  if (await hasLateLoad(engine, history)) return
  const inTime = await foldedRows(engine, history, { key, columns, order: historyTimeOrderSql() })
  expect(inTime, `${name}: the history leads to the same rows in the order of time`).toEqual(rows)
}

/** Once all is delivered the table is the source, whatever came twice, late or again. */
function checkSource({ generation, source, endpoint, table }: Stream): void {
  const blank = (value: string | null): string | null =>
    endpoint.nullMarker === undefined && value === '' ? null : value
  const expected = canonicalLines([...source.rows.values()].map((row) => row.map(blank)))
  const replayed = canonicalLines(
    [...replay(generation).values()].map((row) => row.slice(0, table.columns.length).map(blank)),
  )
  expect(replayed, `${table.name}: the deliveries lead to the source`).toEqual(expected)
}

async function checkLedger(lake: Lake, stream: Stream): Promise<void> {
  const text = (await snapshotOf(lake, stream.table.name))?.domains.get(STATE_DOMAIN)
  if (text === undefined) return
  const state = parseTableState(text)
  const entries = await readLedger(lake.tableStore(stream.table.name), state.ledger)
  const { read, applied, superseded, noop, quarantined } = state.totals
  expect(read, `${stream.table.name}: the ledger's total`).toBe(stream.rows)
  expect(applied + superseded + noop + quarantined, `${stream.table.name}: law 3 over all files`).toBe(read)
  for (const file of stream.landed.values()) {
    const newest = entries.findLast(({ key }) => key === file.key)
    expect(newest?.read, `${file.key}: rows read`).toBe(file.rows)
  }
}
