// A lake whose history and live tables the test writes itself, change by change, as the pipeline would.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CellValue,
  type Clock,
  createTable,
  type DataType,
  type Engine,
  openEngine,
  systemClock,
  type Table,
} from '@tributary/delta'
import { type Lake, openLake, readConfig } from '@tributary/pipeline'
import { afterAll, beforeAll } from 'vitest'

/** One change of a row as its history tells it. */
export interface Change {
  readonly op: 'L' | 'I' | 'U' | 'D'
  /** When the source committed it. */
  readonly sourceAt: string
  /** When the lake learned it; with the source where it is left out. */
  readonly lakeAt?: string
  readonly seq?: string
  readonly batch?: number
  readonly row?: number
  readonly values: Readonly<Record<string, CellValue>>
}

/** A table of the lake: its columns, its key, and what happened to it. */
export interface TestTable {
  readonly name: string
  readonly key: readonly string[]
  readonly columns: Readonly<Record<string, DataType>>
  readonly changes: readonly Change[]
}

/** A project in a fresh folder, and an engine. */
export interface TestLake {
  readonly folder: string
  readonly lake: Lake
}

export const fixedClock: Clock = { ...systemClock, now: () => Date.parse('2026-06-01T00:00:00Z') }

/** An engine for all tests of a file. */
export function useEngine(threads = 2): () => Engine {
  let engine: Engine | undefined
  beforeAll(async () => {
    engine = await openEngine({ threads, memoryMiB: 768 })
  })
  afterAll(() => engine?.close())
  return () => {
    if (engine === undefined) throw new Error('the engine is open only while tests run')
    return engine
  }
}

/** Folders that go away after the tests of a file. */
export function useFolders(): () => Promise<string> {
  const made: string[] = []
  afterAll(async () => {
    for (const folder of made) await rm(folder, { recursive: true, force: true })
  })
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-dataset-'))
    made.push(folder)
    return folder
  }
}

/** Writes the tables of a lake. Live tables hold what is left after all changes. */
export async function writeLake(engine: Engine, folder: string, tables: readonly TestTable[]): Promise<TestLake> {
  const configured = tables.map(({ name, key }) => `  ${name}: {key: [${key.join(', ')}]}`)
  await writeFile(join(folder, 'tributary.yaml'), `landing: landing\nlake: lake\ntables:\n${configured.join('\n')}\n`)
  for (const table of tables) {
    await using live = await createIn(engine, folder, table.name, table.columns)
    const rows = liveRows(table)
    if (rows.length > 0) await live.append(rows)
    await using history = await createIn(engine, folder, `${table.name}__history`, { ...table.columns, ...SYSTEM })
    if (table.changes.length > 0) await history.append(table.changes.map((change) => historyRow(table, change)))
  }
  return { folder, lake: openLake(await readConfig(join(folder, 'tributary.yaml')), { clock: fixedClock }) }
}

const SYSTEM: Readonly<Record<string, DataType>> = {
  __op: 'string',
  __source_at: 'timestamp',
  __seq: 'string',
  __generation: 'long',
  __batch: 'long',
  __committed_at: 'timestamp',
  __file: 'string',
  __row: 'long',
}

/** Makes a table of the lake. */
export function createIn(
  engine: Engine,
  folder: string,
  name: string,
  columns: Readonly<Record<string, DataType>>,
): Promise<Table> {
  const fields = Object.entries(columns).map(([column, type]) => ({ name: column, type, nullable: true, metadata: {} }))
  return createTable(join(folder, 'lake', ...name.split('.')), { schema: { type: 'struct', fields } }, { engine })
}

function historyRow(table: TestTable, change: Change): Readonly<Record<string, CellValue>> {
  const values = Object.fromEntries(Object.keys(table.columns).map((name) => [name, change.values[name] ?? null]))
  return {
    ...values,
    __op: change.op,
    __source_at: change.sourceAt,
    // DMS writes them with as many digits each.
    __seq: change.seq?.padStart(6, '0') ?? null,
    __generation: 1n,
    __batch: BigInt(change.batch ?? 0),
    __committed_at: change.lakeAt ?? change.sourceAt,
    __file: `batch-${String(change.batch ?? 0).padStart(6, '0')}.csv`,
    __row: BigInt(change.row ?? 0),
  }
}

function liveRows({ key, columns, changes }: TestTable): readonly Readonly<Record<string, CellValue>>[] {
  const rows = new Map<string, Readonly<Record<string, CellValue>>>()
  for (const change of changes.toSorted(compareChanges)) {
    const id = JSON.stringify(key.map((column) => String(change.values[column])))
    if (change.op === 'D') rows.delete(id)
    else rows.set(id, Object.fromEntries(Object.keys(columns).map((name) => [name, change.values[name] ?? null])))
  }
  return [...rows.values()]
}

/** The order of changes: source time, a load before what follows it, sequence, batch, row. */
export function compareChanges(a: Change, b: Change): number {
  return (
    compare(a.sourceAt, b.sourceAt) ||
    compare(a.op === 'L' ? 0 : 1, b.op === 'L' ? 0 : 1) ||
    compare(Number(a.seq ?? -1), Number(b.seq ?? -1)) ||
    compare(a.batch ?? 0, b.batch ?? 0) ||
    compare(a.row ?? 0, b.row ?? 0)
  )
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
