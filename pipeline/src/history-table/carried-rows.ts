// History rows that no change of the batch made: rows of a load, keys that vanish with a generation, and the state with which a history begins.
import { type AddFile, type Engine, quoteName, type Snapshot, scanSql } from '@tributary/delta'
import { nameList, sequenceValue, type TableShape } from '../upsert/batch.ts'
import { placeColumns } from '../upsert/locate.ts'
import { historyOrderSql } from './history-shape.ts'
import { columnsSql, frameSql, type RowFrame, sequenceTextSql, timeSql } from './history-sql.ts'

/** A load's data files of one landing file, as history rows. */
export async function loadRowsSql(
  engine: Engine,
  { snapshot, files }: { readonly snapshot: Snapshot; readonly files: readonly AddFile[] },
  shape: TableShape,
  request: RowFrame & { readonly atUs: number },
): Promise<string> {
  const scan = await scanSql(engine, snapshot, { files, extraColumns: placeColumns })
  const place = {
    op: `'L'`,
    at: timeSql(request.atUs),
    seq: storedSequence(shape),
    file: 's."__file"',
    row: 's."__row"',
  }
  return `SELECT ${columnsSql(shape.schema, (name) => `s.${quoteName(name)}`)}, ${frameSql(request, place)} FROM (${scan}) s`
}

/**
 * The live rows as the history begins: each with the place of the change that made it. What a change made is no load row, since a late
 * change may be older than it.
 */
export async function baselineRowsSql(
  engine: Engine,
  snapshot: Snapshot,
  shape: TableShape,
  request: RowFrame & { readonly atUs: number },
): Promise<string> {
  const scan = await scanSql(engine, { ...snapshot, schema: shape.schema }, { extraColumns: placeColumns })
  const isChange = `coalesce(NOT regexp_matches(s."__file", '(^|/)(SEGMENT[0-9]+_)?LOAD[0-9A-Fa-f]{8}\\.[^/]*$'), false)`
  const place = {
    op: `CASE WHEN ${isChange} THEN 'U' ELSE 'L' END`,
    at: timeSql(request.atUs),
    seq: storedSequence(shape),
    file: 's."__file"',
    row: 's."__row"',
  }
  return `SELECT ${columnsSql(shape.schema, (name) => `s.${quoteName(name)}`)}, ${frameSql(request, place)} FROM (${scan}) s`
}

/** A delete for each live key that `survivors`, a SELECT of keys, does not have; at the place of the row that ends. */
export async function vanishedRowsSql(
  engine: Engine,
  snapshot: Snapshot,
  shape: TableShape,
  request: RowFrame & { readonly atUs: number; readonly survivors: string | undefined },
): Promise<string> {
  const known = new Set(snapshot.schema.fields.map(({ name }) => name))
  // The key or the sequence may be others since this reload: then each row of the old generation ends in its own.
  const sequence = shape.sequence !== undefined && known.has(shape.sequence) ? [shape.sequence] : []
  const scan = await scanSql(
    engine,
    { ...snapshot, schema: shape.schema },
    {
      columns: [...new Set([...shape.key, ...sequence])],
      extraColumns: placeColumns,
    },
  )
  const place = {
    op: `'D'`,
    at: timeSql(request.atUs),
    seq: sequence.length === 0 ? 'NULL::VARCHAR' : storedSequence(shape),
    file: 's."__file"',
    row: 's."__row"',
  }
  const rest =
    request.survivors === undefined ? '' : `ANTI JOIN (${request.survivors}) k USING (${nameList(shape.key)})`
  return `SELECT ${keysOnly(shape)}, ${frameSql(request, place)} FROM (${scan}) s ${rest}`
}

/** A delete for each key that the history knows and the table does not hold, after a gap. */
export async function lostRowsSql(
  engine: Engine,
  history: Snapshot,
  shape: TableShape,
  request: RowFrame & { readonly atUs: number; readonly survivors: string },
): Promise<string> {
  const scan = await scanSql(engine, history)
  const key = nameList(shape.key)
  const place = {
    op: `'D'`,
    at: timeSql(request.atUs),
    seq: 'NULL::VARCHAR',
    file: 'NULL::VARCHAR',
    row: 'NULL::BIGINT',
  }
  return `SELECT ${keysOnly(shape)}, ${frameSql(request, place)}
    FROM (SELECT ${key} FROM (${scan}) GROUP BY ${key} HAVING last("__op" ORDER BY ${historyOrderSql()}) <> 'D') s
    ANTI JOIN (${request.survivors}) k USING (${key})`
}

function keysOnly(shape: TableShape): string {
  return columnsSql(shape.schema, (name) => (shape.key.includes(name) ? `s.${quoteName(name)}` : undefined))
}

function storedSequence(shape: TableShape): string {
  // The files of a load may not have the column that orders the changes.
  const isStored = shape.schema.fields.some(({ name }) => name === shape.sequence)
  return shape.sequence === undefined || !isStored
    ? 'NULL::VARCHAR'
    : sequenceTextSql(shape, sequenceValue(shape, shape.sequence, 's'))
}
