// A person's SQL over live tables: parsed by DuckDB, its tables replaced by views of snapshots, written back by DuckDB.
import {
  changesSql,
  type Engine,
  filterFiles,
  quoteName,
  quoteText,
  readSnapshot,
  type Snapshot,
  type Store,
  scanSql,
} from '@tributary/delta'
import { queryInvalid } from '../errors.ts'
import { planChanges } from './plan-changes.ts'
import { assertHarmless, type Reference, rebindQuery, viewName } from './references.ts'
import { evaluateConstant, parseQuery, type Tree, writeQuery } from './syntax-tree.ts'
import type { NamedTable } from './tables.ts'
import { resolveVersion } from './version-text.ts'
import { type Conditions, wantedRows } from './wanted-rows.ts'

/** What a query reads of a table. */
export interface QueriedTable {
  readonly table: string
  readonly version: number
  /** How many data files are opened; the others surely hold no row that is asked for. Unknown for `changes(…)`. */
  readonly files?: { readonly opened: number; readonly all: number } | undefined
}

/** A query that can be run on the engine it was prepared on, and the versions that it will see. */
export interface PreparedQuery {
  readonly sql: string
  readonly tables: readonly QueriedTable[]
  /** Folders that the query reads from, for `sealEngine`. */
  readonly folders: readonly string[]
}

export interface QueryOptions {
  readonly nowMs: number
  /** By which clock the times in `changes(…)` are meant. */
  readonly by?: 'commit' | 'source'
}

/**
 * Makes a query over live tables ready to run. All references to one table without AT see one version. The views are private to
 * the engine's connection: fork it, stream the `sql` from the fork, and close the fork.
 * Throws `QUERY_INVALID`, `QUERY_NOT_SELECT`, `QUERY_FUNCTION_REFUSED`, `TABLE_UNKNOWN`, and what `planChanges`, `readSnapshot` and `scanSql` throw.
 */
export async function prepareQuery(
  engine: Engine,
  findTable: (name: string) => Promise<NamedTable>,
  query: string,
  options: QueryOptions,
): Promise<PreparedQuery> {
  const { tree, references } = rebindQuery(await parseQuery(engine, query))
  const latest = new Map<string, Snapshot>()
  const tables: QueriedTable[] = []
  const folders: string[] = []
  for (const [index, reference] of references.entries()) {
    const table = await findTable(reference.table)
    const newest = latest.get(table.store.url) ?? (await readSnapshot(table.store))
    latest.set(table.store.url, newest)
    const source = { engine, table, newest, options }
    const { sql, ...seen } =
      reference.kind === 'table' ? await bindTable(source, reference) : await bindChanges(source, reference)
    await engine.run(`CREATE OR REPLACE TEMP VIEW ${quoteName(viewName(index))} AS ${sql}`)
    tables.push({ table: table.name, ...seen })
    folders.push(await folderOf(table.store))
  }
  return { sql: await writeQuery(engine, tree), tables, folders: [...new Set(folders)] }
}

/**
 * From here on the engine opens nothing outside of the folders and its own temporary one, whatever a query tries: a second wall behind
 * the refusal of functions. It holds for all connections of the engine and cannot be undone.
 */
export async function sealEngine(engine: Engine, folders: readonly string[]): Promise<void> {
  await engine.run(`SET allowed_directories = [${folders.map(quoteText).join(', ')}]::VARCHAR[]`)
  await engine.run('SET enable_external_access = false')
  await engine.run('SET lock_configuration = true')
}

interface Source {
  readonly engine: Engine
  readonly table: NamedTable
  readonly newest: Snapshot
  readonly options: QueryOptions
}

interface BoundSource {
  readonly sql: string
  readonly version: number
  readonly files?: QueriedTable['files']
}

async function bindTable(
  { engine, table, newest, options }: Source,
  { at, conditions }: Extract<Reference, { kind: 'table' }>,
): Promise<BoundSource> {
  if (at === undefined) return bindSnapshot(engine, newest, conditions)
  const text = await constantOf(engine, at.expression)
  const version = await resolveVersion(table.store, at.unit === 'VERSION' ? versionText(text) : text, options)
  // A time before the first commit: reading by that time gives the error that says so.
  const snapshot =
    version === newest.version ? newest : await readSnapshot(table.store, { version: Math.max(version, 0) })
  if (version < 0)
    throw queryInvalid(
      `${table.name} did not exist at ${text}: its first commit is of ${new Date(snapshot.timestampMs).toISOString()}`,
    )
  return bindSnapshot(engine, snapshot, conditions)
}

async function bindSnapshot(
  engine: Engine,
  snapshot: Snapshot,
  conditions: Conditions | undefined,
): Promise<BoundSource> {
  const wanted =
    conditions === undefined
      ? undefined
      : await wantedRows(conditions, snapshot.schema, (expression) => evaluateConstant(engine, expression))
  const opened = wanted === undefined ? snapshot.files : filterFiles(snapshot, wanted)
  return {
    sql: await scanSql(engine, snapshot, { files: opened }),
    version: snapshot.version,
    files: { opened: opened.length, all: snapshot.files.length },
  }
}

async function bindChanges(
  { engine, table, newest, options }: Source,
  { since, until }: Extract<Reference, { kind: 'changes' }>,
): Promise<BoundSource> {
  const planned = await planChanges(table.store, {
    ...options,
    ...(since === undefined ? {} : { since: await constantOf(engine, since) }),
    // The version that the query's other references to the table see.
    until: until === undefined ? `v${newest.version}` : await constantOf(engine, until),
  })
  const { sql } = await changesSql(engine, table.store, planned.request)
  // Nothing lies in the interval: the right columns, and no row.
  return { sql: planned.isEmpty ? `SELECT * FROM (${sql}) WHERE false` : sql, version: planned.request.toVersion }
}

async function constantOf(engine: Engine, expression: Tree): Promise<string> {
  // It is evaluated before the engine is sealed.
  assertHarmless(expression)
  const text = await evaluateConstant(engine, expression)
  if (text === null) throw queryInvalid('a version or time is NULL')
  return text
}

function versionText(text: string): string {
  if (/^v?\d+$/i.test(text)) return text
  throw queryInvalid(`AT (VERSION => …) takes a number, not ${JSON.stringify(text)}`)
}

async function folderOf(store: Store): Promise<string> {
  return (await store.locate('_delta_log')).replace(/_delta_log$/, '')
}
