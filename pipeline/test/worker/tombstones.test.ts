// `tombstones: 30d`: what is forgotten, what is still known, and what stops the table (design §3.1).
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
let count = 0
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

interface Case {
  readonly lake: Lake
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
  return {
    lake,
    arrive: async (day, changes) => {
      await put(folder, fileOf(day), `Op,id,seq\n${changes.split(' ').join('\n')}\n`)
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
