// A person's SQL over live tables: parsed by DuckDB, its tables replaced by views of snapshots, written back by DuckDB.
import {
  type Engine,
  filterFiles,
  quoteName,
  quoteText,
  readSnapshot,
  readVersions,
  type Snapshot,
  type Store,
  scanSql,
} from '@tributary/delta'
import { type ChangesWish, planChanges } from '../changes/plan-changes.ts'
import { changeRowsSql } from '../changes/select-changes.ts'
import { queryInvalid } from '../errors.ts'
import { periodsSql, tableOfPeriods } from './periods.ts'
import { assertHarmless, type ChangesOption, type Reference, rebindQuery, viewName } from './references.ts'
import { readSnapshotAt } from './snapshot-at.ts'
import { evaluateConstant, parseQuery, type Tree, writeQuery } from './syntax-tree.ts'
import type { NamedTable } from './tables.ts'
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
  /** The versions whose rows it reads, for `readVersions`. */
  readonly snapshots: readonly Snapshot[]
}

export interface QueryOptions {
  readonly nowMs: number
  /** By which clock the times in `changes(…)` are meant. */
  readonly by?: 'commit' | 'source'
  /** The version that references without AT see; the newest where it is left out. */
  readonly versionOf?: (table: NamedTable) => Promise<number>
}

/**
 * Makes a query over live tables ready to run. All references to one table without AT see one version. The views are private to
 * the engine's connection: fork it, stream the `sql` from the fork, and close the fork.
 * Throws `QUERY_INVALID`, `QUERY_NOT_SELECT`, `QUERY_FUNCTION_REFUSED`, `TABLE_UNKNOWN`, `VERSION_VACUUMED`, and what `planChanges`, `readSnapshot` and `scanSql` throw.
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
  const snapshots: Snapshot[] = []
  for (const [index, reference] of references.entries()) {
    const periods = reference.kind === 'table' ? tableOfPeriods(reference.table) : undefined
    const table = await findTable(periods?.history ?? reference.table)
    const newest = latest.get(table.store.url) ?? (await readSeen(table, options))
    latest.set(table.store.url, newest)
    const source = { engine, table, newest, options }
    const { sql, snapshot, ...seen } =
      reference.kind === 'changes'
        ? await bindChanges(source, reference)
        : // What a query asks of periods says nothing of the rows that end them.
          await bindTable(source, periods === undefined ? reference : withoutConditions(reference))
    const rows = periods === undefined ? sql : periodsSql(sql, (await findTable(periods.table)).key)
    const read = snapshot === undefined ? [] : [snapshot]
    await readVersions(read, () => engine.run(`CREATE OR REPLACE TEMP VIEW ${quoteName(viewName(index))} AS ${rows}`))
    snapshots.push(...read)
    tables.push({ table: table.name, ...seen })
    folders.push(await folderOf(table.store))
  }
  return { sql: await writeQuery(engine, tree), tables, folders: [...new Set(folders)], snapshots }
}

function withoutConditions({
  conditions: _,
  ...reference
}: Extract<Reference, { kind: 'table' }>): Extract<Reference, { kind: 'table' }> {
  return reference
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

async function readSeen(table: NamedTable, { versionOf }: QueryOptions): Promise<Snapshot> {
  return readSnapshot(table.store, versionOf === undefined ? {} : { version: await versionOf(table) })
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
  /** Unknown for `changes(…)`, which looks itself what can still be read. */
  readonly snapshot?: Snapshot
}

async function bindTable(
  { engine, table, newest, options }: Source,
  { at, conditions }: Extract<Reference, { kind: 'table' }>,
): Promise<BoundSource> {
  if (at === undefined) return bindSnapshot(engine, newest, conditions)
  const text = await constantOf(engine, at.expression)
  const snapshot = await readSnapshotAt(table.store, at.unit === 'VERSION' ? versionText(text) : text, options)
  return bindSnapshot(engine, snapshot.version === newest.version ? newest : snapshot, conditions)
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
    sql: await readVersions([snapshot], () => scanSql(engine, snapshot, { files: opened })),
    snapshot,
    version: snapshot.version,
    files: { opened: opened.length, all: snapshot.files.length },
  }
}

async function bindChanges(
  { engine, table, newest, options }: Source,
  { options: named }: Extract<Reference, { kind: 'changes' }>,
): Promise<BoundSource> {
  const texts = new Map<ChangesOption, string>()
  for (const [name, expression] of named) texts.set(name, await constantOf(engine, expression))
  const wish = changesWish(texts, { ...options, newest: newest.version })
  const planned = await planChanges(table.store, wish)
  const { sql } = await changeRowsSql(engine, planned)
  return { sql, version: planned.until }
}

/** The arguments of `changes(…)`, which are the flags of the verb `changes`. */
function changesWish(
  texts: ReadonlyMap<ChangesOption, string>,
  { newest, nowMs, by }: QueryOptions & { readonly newest: number },
): ChangesWish {
  const whole = (name: ChangesOption): number | undefined => {
    const text = texts.get(name)
    if (text === undefined) return undefined
    if (!/^v?\d{1,15}$/i.test(text)) throw queryInvalid(`${name} takes a version, not ${JSON.stringify(text)}`)
    return Number(text.replace(/^v/i, ''))
  }
  const [since, until, net, clock, key] = (['since', 'until', 'net', 'by', 'key'] as const).map((name) =>
    texts.get(name),
  )
  const [fromVersion, toVersion] = [whole('from_version'), whole('to_version')]
  if (since !== undefined && fromVersion !== undefined)
    throw queryInvalid('since and from_version both say where the changes begin')
  if (until !== undefined && toVersion !== undefined)
    throw queryInvalid('until and to_version both say where the changes end')
  if (net !== undefined && net !== 'true' && net !== 'false') throw queryInvalid('net is true or false')
  if (clock !== undefined && clock !== 'commit' && clock !== 'source') throw queryInvalid("by is 'commit' or 'source'")
  const chosen = clock ?? by
  return {
    nowMs,
    ...(chosen === undefined ? {} : { by: chosen }),
    ...(since === undefined ? {} : { since }),
    ...(fromVersion === undefined ? {} : { fromVersion }),
    // Unless told otherwise, the version that the query's other references to the table see.
    ...(until === undefined ? { toVersion: toVersion ?? newest } : { until }),
    ...(net === undefined ? {} : { net: net === 'true' }),
    ...(key === undefined ? {} : { deriveKey: key.split(',').map((name) => name.trim()) }),
  }
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
