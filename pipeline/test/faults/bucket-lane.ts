// Tables in a bucket whose changes come from a seed, with what each table has to hold after each file. Files carry a sequence, so that
// deliveries may come in any order.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Engine, readSnapshot, type Store } from '@tributary/delta'
import { expect } from 'vitest'
import { ourRows } from '../../../delta/test/readers/peers.ts'
import { readConfig } from '../../src/config/config.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'
import { peerTables } from '../support/python.ts'
import type { Random } from '../support/random.ts'
import { canonicalRows, snapshotOf } from '../support/workplace.ts'

const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'v', type: 'string' },
] as const
const KEYS = 60
const CHANGES = 10

/** A file of changes that is to be put. */
export interface LaneFile {
  readonly key: string
  readonly text: string
}

interface LaneTable {
  readonly rows: Map<number, string>
  /** The rows as text after each file, the empty table first. */
  readonly states: string[]
  files: number
}

/** Tables under test. */
export interface BucketLane {
  readonly folder: string
  /** How the test itself looks at the tables. */
  readonly lake: Lake
  readonly tables: readonly string[]
  /** The next file of a table; from now on the table may hold it. */
  readonly next: (table: string) => LaneFile
  /** Each table is as it was after one of its files: no batch is half there. */
  readonly checkStates: (engine: Engine, when: string) => Promise<void>
  /** Files of all tables so far. */
  readonly files: () => number
  /** Whether a commit holds a file. */
  readonly isTakenIn: (key: string) => Promise<boolean>
  /** Whether all files are taken in. */
  readonly isComplete: () => Promise<boolean>
  /** All rows are there, each row of each file counted once. */
  readonly checkEnd: (engine: Engine) => Promise<void>
  /** delta-rs and DuckDB's own extension read the same rows; the environment has to tell them where a bucket is. */
  readonly checkReaders: (engine: Engine) => Promise<void>
}

/** Writes `tributary.yaml` into a folder. `place` holds landing, lake and queue; the environment has to say where they are. */
export async function openBucketLane(
  folder: string,
  { place, tables, random }: { readonly place: string; readonly tables: readonly string[]; readonly random: Random },
): Promise<BucketLane> {
  await mkdir(folder, { recursive: true })
  const entries = tables.map(
    (name) => `  ${name}: {key: [id], sequence: seq, columns: {id: long, v: string, seq: long}}\n`,
  )
  await writeFile(join(folder, 'tributary.yaml'), `${place}\ndms: {AddColumnName: true}\ntables:\n${entries.join('')}`)
  const lake = openLake(await readConfig(join(folder, 'tributary.yaml')))
  const known = new Map<string, LaneTable>(tables.map((name) => [name, { rows: new Map(), states: ['[]'], files: 0 }]))
  const tableOf = (name: string): LaneTable => known.get(name) ?? { rows: new Map(), states: [], files: 0 }
  const readState = async (table: string) => {
    const snapshot = await snapshotOf(lake, table)
    return snapshot === undefined ? undefined : parseTableState(snapshot.domains.get(STATE_DOMAIN) ?? '')
  }
  const readTotals = async (table: string) => (await readState(table))?.totals
  const taken = new Set<string>()
  const readText = async (engine: Engine, table: string): Promise<string> =>
    JSON.stringify(await canonicalRows(engine, await snapshotOf(lake, table), COLUMNS))
  return {
    folder,
    lake,
    tables,
    next: (name) => nextFile(name, tableOf(name), random),
    checkStates: async (engine, when) => {
      for (const table of tables) expect(tableOf(table).states, when).toContain(await readText(engine, table))
    },
    files: () => tables.reduce((sum, table) => sum + tableOf(table).files, 0),
    isTakenIn: async (key) => {
      if (taken.has(key)) return true
      const table = key.split('/').slice(0, 2).join('.')
      const state = await readState(table)
      for (const entry of await readLedger(lake.tableStore(table), state?.ledger ?? [])) taken.add(entry.key)
      return taken.has(key)
    },
    isComplete: async () => {
      for (const table of tables) if ((await readTotals(table))?.read !== tableOf(table).files * CHANGES) return false
      return true
    },
    checkEnd: async (engine) => {
      for (const table of tables) {
        const { states, files } = tableOf(table)
        expect(await readText(engine, table)).toBe(states.at(-1))
        const { read, applied, superseded, noop, quarantined } = (await readTotals(table)) ?? { read: -1 }
        expect([read, quarantined]).toEqual([files * CHANGES, 0])
        expect((applied ?? 0) + (superseded ?? 0) + (noop ?? 0)).toBe(read)
      }
    },
    checkReaders: async (engine) => {
      const stores = tables.map((table) => lake.tableStore(table))
      const read = await peerTables(stores.map(nameOf), join(folder, 'read'))
      for (const [at, store] of stores.entries())
        expect(read[at], store.url).toEqual(await ourRows(engine, await readSnapshot(store)))
    },
  }
}

function nameOf({ url }: Store): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url
}

function nextFile(name: string, table: LaneTable, random: Random): LaneFile {
  const lines = Array.from({ length: CHANGES }, (_, at) => {
    const id = random.int(1, KEYS)
    const isGone = random.chance(0.2)
    const value = `file ${table.files} row ${at}`
    if (isGone) table.rows.delete(id)
    else table.rows.set(id, value)
    return `${isGone ? 'D' : 'U'},${id},${isGone ? '' : value},${table.files * CHANGES + at}\n`
  })
  const time = new Date(Date.UTC(2026, 2, 1) + table.files * 1000).toISOString().replaceAll(/\D/g, '')
  table.files += 1
  table.states.push(JSON.stringify([...table.rows].map(([id, v]) => JSON.stringify([String(id), v])).toSorted()))
  const key = `${name.replace('.', '/')}/${time.slice(0, 8)}-${time.slice(8)}.csv`
  return { key, text: `Op,id,v,seq\n${lines.join('')}` }
}
