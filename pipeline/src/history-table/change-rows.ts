// The staged changes of a batch as history rows: each of them in full, before the fold. Partial ones are filled from the change before
// them, and the first of them from the stored row.
import { type Engine, quoteName, quoteText, type StructField } from '@tributary/delta'
import { fieldOf, movedSql, nameList, sameKey, type TableShape } from '../upsert/batch.ts'
import { columnsSql, frameSql, type RowFrame, sequenceTextSql, timeSql } from './history-sql.ts'

/** When a landing file says that its rows were made, in microseconds. */
export interface FileTime {
  readonly file: string
  readonly atUs: number
  readonly isLoad: boolean
}

export interface ChangeRowsRequest extends RowFrame {
  readonly files: readonly FileTime[]
  /** No change of this generation is older. */
  readonly startedAtUs: number
  /** Column with the commit time at the source, in the table's name. */
  readonly timestampColumn: string | undefined
  readonly isPartial: boolean
  readonly hasMoves: boolean
}

/** SELECT of the history rows of table `batch`, which was upserted, and when their generation began once they are in it. */
export interface ChangeRows {
  readonly sql: string
  readonly startedAtUs: number
}

const BATCH_WITH_TIMES = 'FROM batch b LEFT JOIN file_times t ON t.file = b."__file"'

/** The history rows of table `batch`; needs tables `effects`, `overtaken` and `stored` for partial rows. */
export async function changeRows(engine: Engine, shape: TableShape, request: ChangeRowsRequest): Promise<ChangeRows> {
  await engine.run('CREATE OR REPLACE TEMP TABLE file_times (file VARCHAR, at_us BIGINT)')
  await engine.append(
    'file_times',
    ['file', 'at_us'],
    request.files.map(({ file, atUs }) => [file, atUs]),
  )
  const startedAtUs = await startWithLoads(engine, shape, request)
  return { sql: changeRowsSql(shape, { ...request, startedAtUs }), startedAtUs }
}

/**
 * Load files that come among changes belong to the beginning of the generation (law 2), so it began no earlier than they were written; unless
 * they look newer than the changes beside them: then they were copied, and the first of these tells more.
 */
async function startWithLoads(engine: Engine, shape: TableShape, request: ChangeRowsRequest): Promise<number> {
  const loads = request.files.filter(({ isLoad }) => isLoad).map(({ atUs }) => atUs)
  if (loads.length === 0) return request.startedAtUs
  const made = changeTimeSql(shape, request.timestampColumn)
  const [row] = await engine.all(`SELECT epoch_us(min(${made})) AS first ${BATCH_WITH_TIMES} WHERE b."__phase" = 1`)
  const first = row?.['first'] ?? Number.MAX_SAFE_INTEGER
  return Math.max(request.startedAtUs, Math.min(Number(first), Math.max(...loads)))
}

function changeRowsSql(shape: TableShape, request: ChangeRowsRequest): string {
  const { isPartial, hasMoves } = request
  const place = { seq: sequenceTextSql(shape, 'b."__seq"'), file: 'b."__file"', row: 'b."__row"' }
  const at = sourceTimeSql(shape, request)
  const op = `CASE WHEN b."__phase" = 0 THEN 'L' ELSE b."__op" END`
  const column = (name: string): string => filledSql(shape, name, isPartial)
  const rows = `SELECT ${columnsSql(shape.schema, column)}, ${frameSql(request, { op, at, ...place })} ${BATCH_WITH_TIMES} ${
    isPartial
      ? `LEFT JOIN (${chainSql(shape)}) f ON f."__n" = b."__n"
    LEFT JOIN stored s ON ${sameKey(shape.key, 's', 'b')}`
      : ''
  }`
  if (!hasMoves) return rows
  const was = (name: string): string | undefined =>
    shape.key.includes(name) ? `b.${quoteName(`__was_${name}`)}` : undefined
  return `${rows} UNION ALL BY NAME SELECT ${columnsSql(shape.schema, was)}, ${frameSql(request, { op: `'D'`, at, ...place })}
    ${BATCH_WITH_TIMES} WHERE b."__n" IN (SELECT "__n" FROM batch WHERE ${movedSql(shape)})`
}

/** When the source made the change: never before the generation began, or the rows that it began with would undo it. */
function sourceTimeSql(shape: TableShape, { timestampColumn, startedAtUs }: ChangeRowsRequest): string {
  const started = timeSql(startedAtUs)
  return `CASE WHEN b."__phase" = 1 THEN greatest(${changeTimeSql(shape, timestampColumn)}, ${started}) ELSE ${started} END`
}

/** The commit time in the change, or the time of its file. */
function changeTimeSql(shape: TableShape, timestampColumn: string | undefined): string {
  const ofFile = timeSql('t.at_us')
  const hasColumn = shape.schema.fields.some(({ name }) => name === timestampColumn)
  return timestampColumn === undefined || !hasColumn
    ? ofFile
    : `coalesce(${ownTimeSql(fieldOf(shape, timestampColumn))}, ${ofFile})`
}

/** The commit time in a row of relation `b`; NULL where there is none. */
export function ownTimeSql({ name, type }: Pick<StructField, 'name' | 'type'>): string {
  const column = `b.${quoteName(name)}`
  return type === 'timestamp' ? column : `try_cast(CAST(${column} AS VARCHAR) AS TIMESTAMPTZ)`
}

/** A column of a change: of a partial one what the key had there. */
function filledSql(shape: TableShape, name: string, isPartial: boolean): string {
  const own = `b.${quoteName(name)}`
  if (!isPartial || shape.key.includes(name)) return own
  const chained = `f.${quoteName(name)}`
  return `CASE WHEN f."__n" IS NULL OR b."__op" = 'D' OR NOT coalesce(list_contains(b."__unset", ${quoteText(name)}), false) THEN ${own}
    WHEN ${chained} IS NOT NULL THEN ${chained}.v WHEN f."__segment" = 0 THEN s.${quoteName(name)} END`
}

/**
 * Of each change the newest value that its key was given before it, column by column. A delete or an insert starts a row anew
 * (`__segment`): what stood before it does not shine through.
 */
function chainSql(shape: TableShape): string {
  const key = nameList(shape.key)
  const order = '"__phase", "__seq" NULLS FIRST, "__place", "__row", "__sub"'
  const columns = shape.schema.fields.map(({ name }) => name).filter((name) => !shape.key.includes(name))
  const payload = columns.map((name) => `b.${quoteName(name)}`)
  const events = `SELECT ${[
    ...shape.key.map((name) => `e.${quoteName(name)}`),
    'e."__n", e."__sub", e."__delete", e."__phase", e."__seq", e."__place", e."__row", b."__op", b."__unset"',
    ...payload,
  ].join(
    ', ',
  )} FROM (SELECT * FROM effects ANTI JOIN overtaken USING ("__n", "__sub")) e JOIN batch b ON b."__n" = e."__n"`
  const segments = `SELECT *, count(*) FILTER (WHERE "__delete" OR "__op" = 'I')
    OVER (PARTITION BY ${key} ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS "__segment" FROM (${events})`
  const newest = columns.map((name) => {
    const isSet = `NOT "__delete" AND ("__op" = 'I' OR NOT coalesce(list_contains("__unset", ${quoteText(name)}), false))`
    return `last_value(CASE WHEN ${isSet} THEN {'v': ${quoteName(name)}} END IGNORE NULLS)
      OVER (PARTITION BY ${key}, "__segment" ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS ${quoteName(name)}`
  })
  return `SELECT * FROM (SELECT ${['"__n", "__sub", "__segment"', ...newest].join(', ')} FROM (${segments})) WHERE "__sub" = 1`
}
