import { execFile } from 'node:child_process'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Clock, systemClock, TributaryError } from '@tributary/delta'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { readStatus, type TableStatus } from '../../src/inspect/status.ts'
import { findWaiting } from '../../src/inspect/waiting.ts'
import { NO_COUNTS, parseTableState } from '../../src/ledger/table-state.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'
import { rememberStop } from '../../src/worker/stops.ts'
import { type OrdersCommit, ordersTable, useEngine } from './build-table.ts'

const { engine, folder } = useEngine()
const NOW = '2026-01-01T12:00:00Z'
let lakes = 0

async function lakeWith(
  tables: Readonly<Record<string, readonly OrdersCommit[]>>,
  landing: readonly string[] = [],
): Promise<Lake> {
  const place = join(folder(), `lake-${lakes++}`)
  const clock: Clock = { ...systemClock, now: () => Date.parse(NOW) }
  const folderOf = (table: string): string => join(place, 'lake', table.replace('.', '/'))
  for (const [name, commits] of Object.entries(tables))
    if (commits.length > 0) await ordersTable(engine(), folderOf(name), commits)
  for (const key of landing) {
    await mkdir(join(place, 'landing', key, '..'), { recursive: true })
    await writeFile(join(place, 'landing', key), 'x')
    // The time that the builder's ledger entries have.
    await utimes(join(place, 'landing', key), 0.001, 0.001)
  }
  const names = Object.keys(tables).map((name) => `  ${name}: {key: [order_id]}\n`)
  const yaml = `landing: landing\nlake: lake\ntables:\n${names.join('')}`
  const config = await parseConfig(yaml, { path: join(place, 'tributary.yaml'), readText: () => Promise.resolve('') })
  return openLake(config, { clock })
}

async function statusOf(lake: Lake, table = 'shop.orders'): Promise<TableStatus | undefined> {
  return (await readStatus(lake)).tables.find((status) => status.table === table)
}

describe('state words', () => {
  test('a table that does not exist yet is new', async () => {
    const status = await statusOf(await lakeWith({ 'shop.orders': [] }, ['shop/orders/LOAD00000001.csv']))
    expect(status).toMatchObject({ state: 'new', version: null, size: null, waiting: { files: 1, sizeBytes: 1 } })
  })

  test('with all applied a table is live, and quiet when its last commit is long ago', async () => {
    const file = 'shop/orders/20260101-100000000.csv'
    const recent = await lakeWith({ 'shop.orders': [{ put: [{ id: 1 }], file, at: '2026-01-01T11:50:00Z' }] }, [file])
    expect(await statusOf(recent)).toMatchObject({ state: 'live', waiting: { files: 0 } })
    const old = await lakeWith({ 'shop.orders': [{ put: [{ id: 1 }], file, at: '2026-01-01T10:00:00Z' }] }, [file])
    expect(await statusOf(old)).toMatchObject({ state: 'quiet' })
  })

  test('a file that the ledger does not hold makes it behind', async () => {
    const lake = await lakeWith({ 'shop.orders': [{ put: [{ id: 1 }], at: '2026-01-01T11:50:00Z' }] }, [
      'shop/orders/20260101-115900000.csv',
    ])
    expect(await statusOf(lake)).toMatchObject({
      state: 'behind',
      waiting: { files: 1, oldestAt: '1970-01-01T00:00:00.001Z' },
    })
  })

  test('a stop makes it stuck, with the reason', async () => {
    const lake = await lakeWith({ 'shop.orders': [{ put: [{ id: 1 }] }] })
    await rememberStop(lake, 'shop.orders', new TributaryError('invalid', 'LATE_FILE', 'A file came late.'))
    expect(await statusOf(lake)).toMatchObject({
      state: 'stuck',
      version: 0,
      stopped: { code: 'LATE_FILE', message: 'A file came late.' },
    })
  })

  test('a table that cannot be read is stuck, and the others are shown', async () => {
    const lake = await lakeWith({ 'shop.orders': [{ put: [{ id: 1 }] }], 'shop.items': [{ put: [{ id: 1 }] }] })
    await lake.tableStore('shop.orders').write('_delta_log/00000000000000000000.json', Buffer.from('{"add":'))
    expect(await statusOf(lake)).toMatchObject({ state: 'stuck', stopped: { code: 'COMMIT_CORRUPT' } })
    expect(await statusOf(lake, 'shop.items')).toMatchObject({ version: 0, size: { rows: 1 } })
  })
})

test('status adds up rows, files, hidden rows, the last hour and the lag', async () => {
  const lake = await lakeWith({
    'shop.orders': [
      { put: [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }], at: '2026-01-01T09:00:00Z' },
      { put: [{ id: 2 }], at: '2026-01-01T11:30:30Z' },
      { drop: [1], at: '2026-01-01T11:59:30Z', sourceAt: '2026-01-01T11:58:00Z' },
    ],
  })
  const status = await statusOf(lake)
  expect(status).toMatchObject({
    version: 2,
    committedAt: '2026-01-01T11:59:30.000Z',
    generation: 1,
    size: { rows: 3, files: 2, deletedRows: 2, deletedShare: 0.4 },
    sourceAt: '2026-01-01T11:58:00Z',
    lagMs: 120_000,
    lastHour: { commits: 2, inserted: 1, updated: 0, deleted: 1, isComplete: true },
  })
  expect(status?.lastHour?.perMinute.flatMap((changes, minute) => (changes > 0 ? [minute] : []))).toEqual([30, 59])
})

test('the lag is of UTC, in which DMS writes times without a zone, wherever the machine stands', async () => {
  const lake = await lakeWith({ 'shop.orders': [{ put: [{ id: 1 }], sourceAt: '2026-01-01 11:58:00.000000' }] })
  const zone = process.env['TZ']
  process.env['TZ'] = 'America/New_York'
  try {
    expect(await statusOf(lake)).toMatchObject({ lagMs: 120_000 })
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

test('tables in the landing that are not configured are named with their file counts', async () => {
  const lake = await lakeWith({ 'shop.orders': [] }, [
    'shop/visits/LOAD00000001.csv',
    'shop/visits/20260101-100000000.csv',
  ])
  expect((await readStatus(lake)).unconfigured).toEqual([{ table: 'shop.visits', files: 2 }])
})

test('a LOAD file left over from an earlier generation is named and does not wait', async () => {
  const key = 'shop/orders/LOAD00000002.csv'
  const lake = await lakeWith({ 'shop.orders': [] }, [key])
  const file = { key, sizeBytes: 1, modifiedMs: 1, kind: 'load', place: '' } as const
  const counts = { read: 1, applied: 1, superseded: 0, noop: 0, quarantined: 0, digitsCut: 0 }
  const entry = {
    ...counts,
    key,
    sizeBytes: 1,
    hash: '',
    modifiedMs: 1,
    generation: 1,
    kind: 'load',
    place: '',
    batch: 1,
  } as const
  const segments = { ledger: [], tombstones: [], quarantine: [] }
  const text = {
    format: 1,
    key: ['order_id'],
    batch: 2,
    generation: 2,
    closedPlace: '',
    lastPlace: '',
    lastFile: '',
    sourceColumns: [],
    totals: NO_COUNTS,
    missingWarned: [],
    ...segments,
  }
  const waiting = await findWaiting(lake.landing, [file], {
    state: parseTableState(JSON.stringify(text)),
    ledger: [entry],
  })
  expect(waiting).toEqual({ files: 0, sizeBytes: 0, oldestMs: null, leftoverLoads: [key] })
})

test('reading the status does not load DuckDB', async () => {
  const script = `
    await import(${JSON.stringify(new URL('../../src/inspect/status.ts', import.meta.url).href)})
    const loaded = process.report.getReport().sharedObjects.filter((name) => name.includes('duckdb'))
    process.stdout.write(String(loaded.length))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toBe('0')
})
