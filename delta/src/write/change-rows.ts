// One commit that takes rows out of a table and puts rows in. Where the table allows deletion vectors the old rows are only marked;
// elsewhere their files are written anew without them. Along with that go the change data files and the ids of rows that stay the same.

import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { nameList, quoteName, quoteText } from '../duckdb/sql.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { Action, AddFile } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import { allowsDeletionVectors, supportsWriterFeature } from '../protocol/features.ts'
import { parseStats } from '../protocol/stats.ts'
import { fileRowsSql } from '../read/file-rows.ts'
import { assertNamesFree } from '../read/reserved-names.ts'
import { scanSql } from '../read/scan.ts'
import { writeDataFiles } from './data-files.ts'
import { deletionVectorActions, type FileDeletions, removeOf } from './deletion-vector-actions.ts'
import { type RowIdColumns, rowIdColumns } from './row-ids.ts'
import { dataFilesOf } from './table-rows.ts'

/** Rows that go, and rows that come. */
export interface RowChange {
  readonly snapshot: Snapshot
  readonly gone: readonly FileDeletions[]
  /** New rows, all columns of the table, and the columns by which one of them stands for an old one. */
  readonly fresh?: { readonly relation: string; readonly key: readonly string[] }
}

/** The actions of a change; what they name is written. Puts temporary tables on the engine. Throws what `writeDataFiles` throws. */
export async function changeRowsActions(engine: Engine, clock: Clock, change: RowChange): Promise<readonly Action[]> {
  const { snapshot, gone, fresh } = change
  const { protocol, metadata, store } = snapshot
  const isMarking = allowsDeletionVectors(protocol, metadata)
  const ids = rowIdColumns(snapshot)
  // Deletion vectors alone tell a delete, and added files alone an insert. PROTOCOL.md, "Change Data Files": all or nothing.
  const isFeedNeeded = writesChangeFeed(snapshot) && (fresh !== undefined || !isMarking)
  const old = await oldRows(engine, change, { isMarking, isRead: isFeedNeeded || ids !== undefined })
  const rows = newRelations(change, old, { isMarking })
  const added =
    rows.length === 0
      ? []
      : await writeDataFiles(engine, store, clock, {
          ...dataFilesOf(snapshot),
          relation: rows.join('\nUNION ALL '),
          extraColumns: ids === undefined ? [] : ids.extraColumns,
        })
  const feed = isFeedNeeded && old !== undefined ? await writeFeed(engine, clock, change, old) : []
  const left = isMarking
    ? await deletionVectorActions(store, clock, gone)
    : gone.map(({ file }): Action => ({ remove: removeOf(file, clock.now()) }))
  return [...left, ...added.map((add): Action => ({ add })), ...feed]
}

async function oldRows(
  engine: Engine,
  change: RowChange,
  { isMarking, isRead }: { readonly isMarking: boolean; readonly isRead: boolean },
): Promise<string | undefined> {
  if (change.gone.length === 0) return undefined
  if (!isMarking) return stageOld(engine, change)
  return isRead ? stageGone(engine, change) : undefined
}

/** Whether row changes of a table are to be written to change data files. */
export function writesChangeFeed({ protocol, metadata }: Pick<Snapshot, 'protocol' | 'metadata'>): boolean {
  return (
    supportsWriterFeature(protocol, 'changeDataFeed') &&
    metadata.configuration['delta.enableChangeDataFeed']?.toLowerCase() === 'true'
  )
}

/** A SELECT of all live rows of the files that lose some, with `__gone`, and their ids where the table tracks rows. */
async function stageOld(engine: Engine, { snapshot, gone }: RowChange): Promise<string> {
  assertNamesFree(snapshot.schema.fields, ['__gone', '__row_id'])
  const ids = rowIdColumns(snapshot)
  const rows = await scanSql(engine, snapshot, {
    files: gone.map(({ file }) => file),
    withPlace: true,
    extraColumns: ids?.extraColumns ?? [],
  })
  const table = nextTable()
  await engine.run(`CREATE TEMP TABLE ${table} (file INTEGER, place BIGINT)`)
  await engine.append(table, ['file', 'place'], placesOf(gone))
  const listed = await stageFiles(engine, gone)
  return `SELECT ${oldColumns(snapshot)}, g.place IS NOT NULL AS __gone FROM (${rows}) t
    JOIN temp.${listed} f ON f.path = t.__path LEFT JOIN temp.${table} g ON g.file = f.file AND g.place = t.__position`
}

/** The same of the rows that go alone, which are read once: where deletion vectors mark them, the others stay where they are. */
async function stageGone(engine: Engine, { snapshot, gone }: RowChange): Promise<string> {
  assertNamesFree(snapshot.schema.fields, ['__gone', '__row_id'])
  const rows = await fileRowsSql(engine, snapshot.store, {
    files: gone.map(({ file, positions }) => ({
      path: file.path,
      partitionValues: file.partitionValues,
      records: parseStats(file.stats)?.numRecords,
      rows: { kind: 'only', positions: [...positions].toSorted((one, other) => one - other) },
    })),
    fields: snapshot.schema.fields,
    partitionColumns: snapshot.metadata.partitionColumns,
    mapping: columnMappingMode(snapshot),
    extraColumns: rowIdColumns(snapshot)?.extraColumns ?? [],
    withPlace: true,
  })
  const [table, listed] = [nextTable(), await stageFiles(engine, gone)]
  await engine.run(
    `CREATE TEMP TABLE ${table} AS SELECT ${oldColumns(snapshot)}, true AS __gone FROM (${rows}) t JOIN temp.${listed} f ON f.path = t.__path`,
  )
  return `SELECT * FROM temp.${table}`
}

/** Columns of `stageOld`, of the rows `t` in the files `f`. */
function oldColumns(snapshot: Snapshot): string {
  const ids = rowIdColumns(snapshot)
  const columns = snapshot.schema.fields.map(({ name }) => `t.${quoteName(name)}`).join(', ')
  return `${columns}${ids === undefined ? '' : `, ${oldIdsSql(ids)}`}`
}

async function stageFiles(engine: Engine, gone: RowChange['gone']): Promise<string> {
  const listed = nextTable()
  await engine.run(`CREATE TEMP TABLE ${listed} (file INTEGER, path VARCHAR, first_id BIGINT, version BIGINT)`)
  await engine.append(
    listed,
    ['file', 'path', 'first_id', 'version'],
    gone.map(({ file }, index) => fileRow(file, index)),
  )
  return listed
}

function* placesOf(gone: readonly FileDeletions[]): Generator<readonly [number, bigint]> {
  for (const [index, { positions }] of gone.entries()) for (const position of positions) yield [index, BigInt(position)]
}

function fileRow(file: AddFile, index: number): readonly [number, string, bigint | null, bigint | null] {
  const { path, baseRowId, defaultRowCommitVersion: version } = file
  return [
    index,
    path,
    baseRowId === undefined ? null : BigInt(baseRowId),
    version === undefined ? null : BigInt(version),
  ]
}

// PROTOCOL.md, "Reader Requirements for Row Tracking": the materialized id where there is one, else the file's first plus the position.
function oldIdsSql({ id, commitVersion }: RowIdColumns): string {
  return `coalesce(t.${quoteName(id)}, f.first_id + t.__position) AS ${quoteName(id)},
    coalesce(t.${quoteName(commitVersion)}, f.version) AS ${quoteName(commitVersion)}`
}

function newRelations(
  { snapshot, fresh }: RowChange,
  old: string | undefined,
  { isMarking }: { readonly isMarking: boolean },
): readonly string[] {
  const ids = rowIdColumns(snapshot)
  const columns = nameList(snapshot.schema.fields)
  const kept = ids === undefined ? '' : `, ${quoteName(ids.id)}, ${quoteName(ids.commitVersion)}`
  const relations: string[] = []
  if (fresh !== undefined) relations.push(freshSql(snapshot, fresh, { old, ids }))
  // Rows that are only copied keep both numbers.
  if (old !== undefined && !isMarking) relations.push(`SELECT ${columns}${kept} FROM (${old}) WHERE NOT __gone`)
  return relations
}

type Fresh = NonNullable<RowChange['fresh']>

// An updated row keeps its id and gets the new version, which is the new file's.
function freshSql(
  snapshot: Snapshot,
  { relation, key }: Fresh,
  { old, ids }: { readonly old: string | undefined; readonly ids: RowIdColumns | undefined },
): string {
  const columns = snapshot.schema.fields.map(({ name }) => `n.${quoteName(name)}`).join(', ')
  if (ids === undefined) return `SELECT ${columns} FROM (${relation}) n`
  const version = `CAST(NULL AS BIGINT) AS ${quoteName(ids.commitVersion)}`
  if (old === undefined)
    return `SELECT ${columns}, CAST(NULL AS BIGINT) AS ${quoteName(ids.id)}, ${version} FROM (${relation}) n`
  return `SELECT ${columns}, o.__row_id AS ${quoteName(ids.id)}, ${version} FROM (${relation}) n
    LEFT JOIN (SELECT ${keyList(key)}, min(${quoteName(ids.id)}) AS __row_id FROM (${old}) WHERE __gone GROUP BY ${keyList(key)}) o ON ${sameKey(key, 'o')}`
}

function keyList(key: readonly string[]): string {
  return key.map(quoteName).join(', ')
}

function sameKey(key: readonly string[], other: string): string {
  return key.map((name) => `n.${quoteName(name)} = ${other}.${quoteName(name)}`).join(' AND ')
}

async function writeFeed(engine: Engine, clock: Clock, change: RowChange, old: string): Promise<readonly Action[]> {
  const { snapshot, fresh } = change
  const columns = nameList(snapshot.schema.fields)
  const isNew = (fresh: Fresh): string =>
    `EXISTS (SELECT 1 FROM (${fresh.relation}) o WHERE ${sameKey(fresh.key, 'o')})`
  const left =
    fresh === undefined ? quoteText('delete') : `CASE WHEN ${isNew(fresh)} THEN 'update_preimage' ELSE 'delete' END`
  const relations = [`SELECT ${columns}, ${left} AS _change_type FROM (${old}) n WHERE __gone`]
  if (fresh !== undefined) {
    relations.push(`SELECT ${columns}, CASE WHEN EXISTS (SELECT 1 FROM (${old}) o WHERE o.__gone AND ${sameKey(fresh.key, 'o')})
      THEN 'update_postimage' ELSE 'insert' END AS _change_type FROM (${fresh.relation}) n`)
  }
  const files = await writeDataFiles(engine, snapshot.store, clock, {
    ...dataFilesOf(snapshot),
    relation: relations.join('\nUNION ALL '),
    extraColumns: [{ name: '_change_type', type: 'string' }],
    folder: '_change_data/',
  })
  return files.map(
    ({ path, partitionValues, size }): Action => ({
      cdc: { path, partitionValues, size, dataChange: false },
    }),
  )
}

let tables = 0

// Only the name has to be new: the table is private to its connection.
function nextTable(): string {
  tables += 1
  return `tributary_change_${tables}`
}
