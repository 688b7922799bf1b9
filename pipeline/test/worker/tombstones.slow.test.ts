// `tombstones: 30d`: what is forgotten, what is still known, and what stops the table (design §3.1).
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readQuarantine } from '../../src/ledger/quarantine.ts'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { prepareReplay } from '../../src/worker/prepare-replay.ts'
import { replayQuarantine } from '../../src/worker/replay.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { openSession, refreshSession } from '../../src/worker/table-session.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
let count = 0
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

interface Case {
  readonly lake: Lake
  /** Lets a file of that day wait. */
  readonly wait: (day: string, changes: string) => Promise<void>
  /** Lets a file of that day arrive, and says what stopped the table. */
  readonly arrive: (day: string, changes: string) => Promise<string | null>
  readonly rows: () => Promise<readonly string[]>
  readonly remembered: () => Promise<number>
}

async function table(setting: string): Promise<Case> {
  const folder = join(workplace.folder, `tombstones-${count++}`)
  const lake = await lakeIn(
    folder,
    `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], sequence: seq, columns: {id: long, seq: long}${setting}}\n`,
  )
  const wait = (day: string, changes: string): Promise<void> =>
    put(folder, fileOf(day), `Op,id,seq\n${changes.split(' ').join('\n')}\n`)
  return {
    lake,
    wait,
    arrive: async (day, changes) => {
      await wait(day, changes)
      const [summary] = (await ingest(lake, workplace.engine)).tables
      return summary?.stopped?.code ?? null
    },
    rows: async () =>
      canonicalRows(workplace.engine, await snapshotOf(lake, 's.t'), [
        { name: 'id', type: 'long' },
        { name: 'seq', type: 'long' },
      ]),
    remembered: async () => {
      const { tombstones } = parseTableState((await snapshotOf(lake, 's.t'))?.domains.get(STATE_DOMAIN) ?? '')
      return tombstones.reduce((sum, { entries }) => sum + entries, 0)
    },
  }
}

function fileOf(day: string): string {
  return `s/t/${day.replaceAll('-', '')}-120000000.csv`
}

const KEPT = ', tombstones: 30d'

test('a delete is remembered for the time that was set, and then forgotten', async () => {
  const { arrive, remembered } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20')
  await arrive('2026-01-25', 'D,2,30')
  expect(await remembered()).toBe(2)
  await arrive('2026-02-20', 'I,9,40')
  expect(await remembered()).toBe(1)
  await arrive('2026-06-01', 'I,8,50')
  expect(await remembered()).toBe(0)
})

test('without a time, deletes are remembered as long as the generation', async () => {
  const { arrive, remembered } = await table('')
  await arrive('2020-01-01', 'I,1,10 D,1,20')
  await arrive('2026-06-01', 'I,8,50')
  expect(await remembered()).toBe(1)
})

test('a change older than a forgotten delete stops the table, and nothing of its file is applied', async () => {
  const { arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20')
  await arrive('2026-06-01', 'I,8,50')
  expect(await arrive('2026-06-02', 'I,7,60 U,1,15')).toBe('CHANGE_BEYOND_HORIZON')
  expect(await rows()).toEqual(['["8","50"]'])
})

test('the same change is superseded while the delete is remembered', async () => {
  const { arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20')
  expect(await arrive('2026-01-02', 'U,1,15')).toBe(null)
  expect(await rows()).toEqual([])
})

test('an old change of a key that the table holds is superseded beyond the horizon too: the row knows what it last took', async () => {
  const { arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20 I,2,18')
  await arrive('2026-06-01', 'U,2,50')
  expect(await arrive('2026-06-02', 'U,2,19')).toBe(null)
  expect(await rows()).toEqual(['["2","50"]'])
})

test('changes newer than every forgotten delete go on', async () => {
  const { arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20')
  await arrive('2026-06-01', 'I,8,50')
  expect(await arrive('2026-06-02', 'I,1,21')).toBe(null)
  expect(await rows()).toEqual(['["1","21"]', '["8","50"]'])
})

test('an old delete that comes again does not let through what lies between it and the forgotten one', async () => {
  const { arrive } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20')
  await arrive('2026-06-01', 'I,8,50')
  expect(await arrive('2026-06-02', 'D,1,12')).toBe(null)
  expect(await arrive('2026-06-03', 'U,1,15')).toBe('CHANGE_BEYOND_HORIZON')
})

test('the horizon stays the newest of all that was ever forgotten, and a truncate ends it', async () => {
  const { lake, arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'D,1,100')
  await arrive('2026-06-01', 'D,2,20')
  await arrive('2026-12-01', 'I,8,200')
  expect(await arrive('2026-12-02', 'I,3,90')).toBe('CHANGE_BEYOND_HORIZON')
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'skip', file: fileOf('2026-12-02'), reason: 'too old' })
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'truncate', reason: 'begin again' })
  expect(await arrive('2026-12-03', 'I,3,91')).toBe(null)
  expect(await rows()).toEqual(['["3","91"]'])
})

test('of the deletes of one batch only the overdue ones are forgotten', async () => {
  const { wait, arrive, remembered } = await table(KEPT)
  await wait('2026-01-01', 'D,1,10')
  await arrive('2026-01-25', 'D,2,20')
  await arrive('2026-02-20', 'I,9,40')
  expect(await remembered()).toBe(1)
  expect(await arrive('2026-02-21', 'I,2,15')).toBe(null)
  expect(await arrive('2026-02-22', 'I,1,5')).toBe('CHANGE_BEYOND_HORIZON')
})

test('a change that is older than the horizon and newer than its row is applied', async () => {
  const { arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'I,1,10 D,1,20 I,2,15')
  await arrive('2026-06-01', 'I,8,50')
  expect(await arrive('2026-06-02', 'U,2,18')).toBe(null)
  expect(await rows()).toEqual(['["2","18"]', '["8","50"]'])
})

test('a row out of quarantine is held to the horizon too', async () => {
  const { lake, arrive, rows } = await table(KEPT)
  await arrive('2026-01-01', 'D,1,20 I,0x1,15')
  await arrive('2026-06-01', 'I,8,50')
  const store = lake.tableStore('s.t')
  const state = parseTableState((await snapshotOf(lake, 's.t'))?.domains.get(STATE_DOMAIN) ?? '')
  const [waiting] = await readQuarantine(store, state.quarantine)
  if (waiting === undefined) throw new Error('no row waits')
  const fork = await workplace.engine.fork()
  const session = openSession(store)
  await refreshSession(session)
  const { tables } = lake.config
  const [settings] = tables
  if (settings === undefined) throw new Error('no table')
  const run = { lake, engine: fork, table: settings, session, options: {} }
  const { still, replayed } = await prepareReplay(run, [{ ...waiting, raw: 'I,1,15' }])
  expect([replayed, still.length]).toEqual([0, 1])
  await fork.close()
  expect(await rows()).toEqual(['["8","50"]'])
})

test('a reload forgets the deletes of the generation before', async () => {
  const { lake, arrive, rows, remembered } = await table('')
  const folder = fileURLToPath(lake.landing.url).replace(/landing\/?$/, '')
  await put(folder, 's/t/LOAD00000001.csv', 'id,seq\n1,\n')
  await arrive('2026-01-01', 'D,1,20')
  expect(await remembered()).toBe(1)
  await put(folder, 's/t/LOAD00000001.csv', 'id,seq\n22,\n')
  expect(await arrive('2026-01-02', 'I,1,15')).toBe(null)
  expect(await remembered()).toBe(0)
  expect(await rows()).toEqual(['["1","15"]', '["22",null]'])
})

test('a replay leaves the rows beyond the horizon where they are, and brings the others in', async () => {
  const folder = join(workplace.folder, 'tombstones-replay')
  const open = (type: string): Promise<Lake> =>
    lakeIn(
      folder,
      `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], sequence: seq, columns: {id: long, seq: long, v: ${type}}, tombstones: 30d}\n`,
    )
  const arrive = async (lake: Lake, day: string, changes: string): Promise<void> => {
    await put(folder, fileOf(day), `Op,id,seq,v\n${changes.split(' ').join('\n')}\n`)
    await ingest(lake, workplace.engine)
  }
  const narrow = await open('byte')
  await arrive(narrow, '2026-01-01', 'I,1,10,1 D,1,20,1 U,1,15,200')
  await arrive(narrow, '2026-06-01', 'I,8,50,1 I,7,60,200')
  const wide = await open('integer')
  await arrive(wide, '2026-06-02', 'U,8,70,2')
  const outcome = await replayQuarantine(wide, workplace.engine, 's.t')
  expect([outcome.replayed, outcome.still]).toEqual([1, 1])
  expect(outcome.rows.map(({ file, row, reason }) => [file, row, reason.slice(0, 40)])).toEqual([
    [fileOf('2026-01-01'), 3, 'Row 3 of s/t/20260101-120000000.csv is o'],
  ])
  const columns = ['id', 'seq', 'v'].map((name) => ({ name, type: 'long' as const }))
  expect(await canonicalRows(workplace.engine, await snapshotOf(wide, 's.t'), columns)).toEqual([
    '["7","60","200"]',
    '["8","70","2"]',
  ])
})
