// The same files into a table with a key index and into one without: nobody can tell which is which.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { commitInfoOf, type Engine, openTable, readCommits, scanSql, systemClock } from '@tributary/delta'
import { expect } from 'vitest'
import { holdIndex } from '../../src/key-index/index-folder.ts'
import { readManifest } from '../../src/key-index/manifest.ts'
import { optimizeTable } from '../../src/maintain/optimize-table.ts'
import { planTableRestore, restoreTable } from '../../src/maintain/restore-table.ts'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { IngestOptions } from '../../src/worker/run.ts'
import { openSession, refreshSession, type TableSession } from '../../src/worker/table-session.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from './workplace.ts'

export const TABLE = 'shop.orders'

export interface IndexPair {
  readonly place: Workplace
  readonly indexed: Lake
  readonly plain: Lake
  /** Of the worker that has the index. */
  sessions: Map<string, TableSession>
}

export async function openIndexPair(): Promise<IndexPair> {
  const place = await openWorkplace()
  return {
    place,
    indexed: await lakeAt(place, 'indexed', indexIn(place)),
    plain: await lakeAt(place, 'plain', {}),
    sessions: new Map(),
  }
}

/** The same with 3,000 rows and a batch after them, from which on the index is there. */
export async function openLoadedPair(): Promise<IndexPair> {
  const pair = await openIndexPair()
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 3000))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  return pair
}

type LakeOptions = Parameters<typeof lakeIn>[2]

/** An index for tables of any size. */
export function indexIn(place: Workplace): NonNullable<LakeOptions> {
  return { index: { folder: join(place.folder, 'cache'), scannedRowsMax: 0 } }
}

export async function lakeAt(place: Workplace, name: string, options: LakeOptions): Promise<Lake> {
  return lakeIn(
    join(place.folder, name),
    `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}:\n    key: [id]\n    columns: {id: long, note: string}\n`,
    options,
  )
}

let value = 0
export function rows(op: string, from: number, to: number): readonly string[] {
  value += 1
  return Array.from({ length: to - from + 1 }, (_, at) => `${op},${from + at},n${value}`)
}

/** Puts a file into both landings, lets both take it in, and compares the rows and what the commits say of them. */
export async function deliver(
  pair: IndexPair,
  name: string,
  lines: readonly string[],
  ingestIndexed?: () => Promise<void>,
): Promise<void> {
  await deliverAll(pair, { [name]: lines }, ingestIndexed)
}

/** The same with several files in one batch. */
export async function deliverAll(
  pair: IndexPair,
  files: Readonly<Record<string, readonly string[]>>,
  ingestIndexed?: () => Promise<void>,
): Promise<void> {
  const { place, indexed, plain, sessions } = pair
  for (const folder of ['indexed', 'plain'])
    for (const [name, lines] of Object.entries(files))
      await put(join(place.folder, folder), `shop/orders/${name}`, `${['Op,id,note', ...lines].join('\n')}\n`)
  const warnings: Readonly<Record<'indexed' | 'plain', string[]>> = { indexed: [], plain: [] }
  const listen = (who: 'indexed' | 'plain'): Pick<IngestOptions, 'onEvent'> => ({
    onEvent: (event) => {
      if (event.kind === 'warning') warnings[who].push(event.message)
    },
  })
  if (ingestIndexed !== undefined) await ingestIndexed()
  else {
    expectDone(await ingest(indexed, place.engine, { sessions, ...listen('indexed') }))
    for (const { index } of sessions.values()) await index?.building
  }
  expectDone(await ingest(plain, place.engine, listen('plain')))
  const names = Object.keys(files).join(' ')
  expect(await rowsOf(place, indexed), names).toEqual(await rowsOf(place, plain))
  if (ingestIndexed !== undefined) return
  expect(await countsOf(indexed), names).toEqual(await countsOf(plain))
  expect(
    warnings.indexed.filter((warning) => !warning.startsWith('its key index')),
    names,
  ).toEqual(warnings.plain)
}

/** What the newest batch and the ledger say of the rows. */
async function countsOf(each: Lake): Promise<unknown> {
  const session = openSession(each.tableStore(TABLE))
  await refreshSession(session)
  let said: unknown
  for await (const { actions } of readCommits(session.store, {
    fromVersion: 0,
    toVersion: session.snapshot?.version ?? 0,
  })) {
    const { operation, operationMetrics = {} } = commitInfoOf(actions) ?? {}
    const { inserted, updated, deleted, applied, superseded, noop } = operationMetrics
    // Upkeep commits when it likes.
    if (operation === 'UPSERT') said = { inserted, updated, deleted, applied, superseded, noop }
  }
  const files = session.ledger.map(({ key, applied, superseded, noop }) => ({ key, applied, superseded, noop }))
  return { said, files, tombstones: session.state?.tombstones.map(({ entries }) => entries) }
}

export function expectDone({ tables }: IngestSummary): void {
  expect(tables.map(({ stopped, commits }) => [stopped, commits])).toEqual([[null, 1]])
}

export async function bothDo(
  { place, indexed, plain }: IndexPair,
  work: (each: Lake, engine: Engine) => Promise<void>,
): Promise<void> {
  for (const each of [indexed, plain]) await work(each, place.engine)
}

export async function optimize(each: Lake, engine: Engine): Promise<void> {
  const snapshot = await snapshotOf(each, TABLE)
  if (snapshot === undefined) throw new Error('no table')
  const { versions } = await optimizeTable(
    { engine, clock: systemClock },
    { snapshot, place: { root: each.root, table: TABLE } },
    {},
  )
  expect(versions.length).toBeGreaterThan(0)
}

export async function restoreTo(each: Lake, version: number): Promise<void> {
  const [current, target] = [await snapshotOf(each, TABLE), await snapshotOf(each, TABLE, version)]
  if (current === undefined || target === undefined) throw new Error('no table')
  await restoreTable(
    systemClock,
    await planTableRestore(systemClock, { current, target }, { lake: each, table: TABLE }),
  )
}

export async function append(
  each: Lake,
  added: readonly { readonly id: bigint; readonly note: string }[],
): Promise<void> {
  await using table = await openTable(each.tableStore(TABLE).url)
  await table.append([...added])
}

export function takeBack({ place }: IndexPair, name: string): void {
  for (const folder of ['indexed', 'plain']) rmSync(join(place.folder, folder, 'landing/shop/orders', name))
}

export async function rowsOf(place: Workplace, each: Lake, filter = 'true'): Promise<readonly string[]> {
  const fork = await place.engine.fork()
  try {
    const snapshot = await snapshotOf(each, TABLE)
    if (snapshot === undefined) return []
    const found = await fork.all(
      `SELECT id || '=' || note AS row FROM (${await scanSql(fork, snapshot)}) WHERE ${filter} ORDER BY 1`,
    )
    return found.map(({ row }) => String(row))
  } finally {
    await fork.close()
  }
}

export function indexFolder({ place, indexed }: IndexPair): string {
  return holdIndex({ folder: join(place.folder, 'cache') }, indexed.tableStore(TABLE).url).folder
}

/** The version that the index covers. */
export function versionOfIndex(pair: IndexPair): number | undefined {
  return readManifest(indexFolder(pair))?.manifest.version
}
