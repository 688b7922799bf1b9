// A small landing in three acts: a load with changes, a reload with changes, and the commit that writes a checkpoint.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Engine, systemClock } from '@tributary/delta'
import { parseTableState, STATE_DOMAIN, type TableState } from '../../src/ledger/table-state.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { canonicalRows, lakeIn, put, snapshotOf } from '../support/workplace.ts'

const run = promisify(execFile)

export const TABLE = 'shop.orders'

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true, CsvNullValue: '\\N'}
tables:
  shop.orders: {key: [id], columns: {id: long, note: string}}
`
const HEADER = 'Op,id,note\n'
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'note', type: 'string' },
] as const

/** One act: what comes into the landing, and the rows that the table must hold after it. */
export interface Act {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly rows: readonly (readonly [string, string])[]
}

const steady = Array.from(
  { length: 7 },
  (_, at): Act => ({
    name: `change ${at}`,
    files: { [`20260301-13000${at}000.csv`]: `U,4,v${at}\nD,9${at},never\n` },
    rows: [
      ['1', 'one'],
      ['4', `v${at}`],
      ['5', 'five'],
    ],
  }),
)

export const ACTS: readonly Act[] = [
  {
    name: 'load, changes and a bad row',
    files: {
      'LOAD00000001.csv': 'I,1,one\nI,2,two\n',
      'LOAD00000002.csv': 'I,3,three\n',
      '20260301-100000000.csv': 'U,2,zwei\nD,3,three\nI,4,four\nI,x,bad\n',
      '20260301-100100000.csv': 'D,9,never\nU,4,vier\n',
    },
    rows: [
      ['1', 'one'],
      ['2', 'zwei'],
      ['4', 'vier'],
    ],
  },
  {
    name: 'reload and changes',
    files: { 'LOAD00000001.csv': 'I,1,one\nI,4,again\n', '20260301-120000000.csv': 'I,5,five\nU,4,4\n' },
    rows: [
      ['1', 'one'],
      ['4', '4'],
      ['5', 'five'],
    ],
  },
  ...steady,
]

/** Opens the lake in a folder. */
export function openSmallLake(folder: string, { history = false } = {}): Promise<Lake> {
  return lakeIn(folder, history ? CONFIG.replace('key: [id]', 'key: [id], history: true') : CONFIG)
}

/** Puts the files of an act into the landing. A reload is newer than what it replaces. */
export async function putAct(folder: string, act: Act): Promise<void> {
  const at = ACTS.indexOf(act)
  for (const [name, text] of Object.entries(act.files)) {
    await put(folder, `shop/orders/${name}`, HEADER + text, Date.UTC(2026, 2, 1, 10 + at))
  }
}

/** A copy of the folder with its own lake. */
export async function copyOf(
  folder: string,
  name: string,
  options?: Parameters<typeof openSmallLake>[1],
): Promise<{ readonly folder: string; readonly lake: Lake }> {
  const copy = join(folder, '..', name)
  // Node's own copy takes as long as the ingest that it is made for.
  await run('cp', ['-a', `${folder}/.`, copy])
  return { folder: copy, lake: await openSmallLake(copy, options) }
}

/** The table at a version: its number, rows and conservation totals. */
export async function tableAt(
  lake: Lake,
  engine: Engine,
  version?: number,
): Promise<{ readonly version: number; readonly rows: readonly string[]; readonly state: TableState | undefined }> {
  const snapshot = await snapshotOf(lake, TABLE, version)
  const text = snapshot?.domains.get(STATE_DOMAIN)
  return {
    version: snapshot?.version ?? -1,
    rows: await canonicalRows(engine, snapshot, COLUMNS),
    state: text === undefined ? undefined : parseTableState(text),
  }
}

/** The rows of an act as `tableAt` gives them. */
export function rowsOf(act: Act): readonly string[] {
  return act.rows.map((row) => JSON.stringify(row)).toSorted()
}

/** Ingests until nothing fails any more is expected: one run must do. */
export async function ingestWell(lake: Lake, engine: Engine): Promise<void> {
  const summary = await ingest({ ...lake, clock: systemClock }, engine)
  for (const { stopped } of summary.tables) if (stopped !== null) throw new Error(`${stopped.code}: ${stopped.message}`)
}
