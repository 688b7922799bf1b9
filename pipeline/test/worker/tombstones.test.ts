// `tombstones: 30d`: what is forgotten, what is still known, and what stops the table (design §3.1).
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readQuarantine } from '../../src/ledger/quarantine.ts'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { prepareReplay } from '../../src/worker/prepare-replay.ts'
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
  await expect(prepareReplay(run, [{ ...waiting, raw: 'I,1,15' }])).rejects.toMatchObject({
    code: 'CHANGE_BEYOND_HORIZON',
  })
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
