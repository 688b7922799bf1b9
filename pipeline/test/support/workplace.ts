// A landing, a lake and an engine in a folder of their own, seen through the doors that users have.
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type Engine,
  openEngine,
  readSnapshot,
  type Snapshot,
  type StructType,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import { readConfig } from '../../src/config/config.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'
import { type ColumnType, canonicalSql, quotedName, type Value } from './values.ts'

/** A folder for one test; everything in it goes with `close`, unless TRIBUTARY_KEEP is set. */
export interface Workplace {
  readonly folder: string
  readonly engine: Engine
  readonly close: () => Promise<void>
}

/** Makes the folder and starts an engine. */
export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-hostile-'))
  const engine = await openEngine({ threads: 1 })
  return {
    folder,
    engine,
    close: async () => {
      await engine.close()
      if (process.env['TRIBUTARY_KEEP'] === undefined) await rm(folder, { recursive: true, force: true })
      else console.log(`kept ${folder}`)
    },
  }
}

/** Writes `tributary.yaml` into the folder and opens the lake that it names. */
export async function lakeIn(
  folder: string,
  config: string,
  options: Parameters<typeof openLake>[1] = {},
): Promise<Lake> {
  await mkdir(join(folder, 'landing'), { recursive: true })
  await mkdir(join(folder, 'lake'), { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), config)
  return openLake(await readConfig(join(folder, 'tributary.yaml')), options)
}

/** Puts an object into the landing. */
export async function put(folder: string, key: string, bytes: Uint8Array | string, modifiedMs?: number): Promise<void> {
  const path = join(folder, 'landing', key)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  if (modifiedMs !== undefined) await utimes(path, modifiedMs / 1000, modifiedMs / 1000)
}

/** The newest snapshot, or undefined when the table does not exist. */
export async function snapshotOf(lake: Lake, table: string, version?: number): Promise<Snapshot | undefined> {
  try {
    return await readSnapshot(lake.tableStore(table), version === undefined ? {} : { version })
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return undefined
    throw error
  }
}

/** The live rows as canonical texts, each row one sorted line. */
export async function canonicalRows(
  engine: Engine,
  snapshot: Snapshot | undefined,
  columns: readonly { readonly name: string; readonly type: ColumnType }[],
): Promise<readonly string[]> {
  if (snapshot === undefined) return []
  return canonicalRelation(engine, { sql: await scanSql(engine, snapshot), schema: snapshot.schema }, columns)
}

/** Rows of any relation as canonical texts, each row one sorted line; a column that its schema lacks is NULL. */
export async function canonicalRelation(
  engine: Engine,
  { sql, schema }: { readonly sql: string; readonly schema: StructType },
  columns: readonly { readonly name: string; readonly type: ColumnType }[],
): Promise<readonly string[]> {
  const known = new Set(schema.fields.map((field) => field.name))
  const cells = columns.map(
    ({ name, type }, at) => `${known.has(name) ? canonicalSql(type, quotedName(name)) : 'NULL'} AS c${at}`,
  )
  const rows = await engine.all(`SELECT ${cells.join(', ')} FROM (${sql}) t`)
  return rows.map((row) => JSON.stringify(columns.map((_, at) => row[`c${at}`] ?? null))).toSorted()
}

/** Rows of an oracle in the same form. */
export function canonicalLines(rows: Iterable<readonly Value[]>): readonly string[] {
  return [...rows].map((row) => JSON.stringify(row)).toSorted()
}
