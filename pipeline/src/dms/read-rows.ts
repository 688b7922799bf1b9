// Two ways to a file's rows. DuckDB's own reader is fast and fails on the first row that is not right; then, or when its
// rows are not as many as the independent count says, the strict reader takes the file again and finds each bad row.
import { open } from 'node:fs/promises'
import { type Engine, quoteFileName, quoteName, TributaryError } from '@tributary/delta'
import { landingFileCorrupt, recordCountMismatch } from '../errors.ts'
import { csvRelation, isForFastPath } from './fast-csv.ts'
import type { OpenedFile } from './open-file.ts'
import { jsonRowSql } from './parquet-types.ts'
import type { ReadPlan } from './plan-read.ts'
import { type RelationSql, rawName, relationSql } from './relation-sql.ts'
import { type Reject, readRaw, STRICT_TABLE, stageRecords } from './strict-csv.ts'

/** What was read of a file. */
export interface RowsRead {
  /** Rows of this table by the independent count. */
  readonly rowsRead: number
  readonly rowsConsumed: number
  readonly rejects: readonly Reject[]
  /** Values that lost digits past the sixth of their seconds. */
  readonly digitsCut: number
  readonly path: 'fast' | 'strict'
}

/** Takes a relation (SELECT text, good as `FROM (…)`) and says how many rows came out of it. May be called several times. */
export type Consume = (relation: string) => Promise<number>

/**
 * Gives a file's rows to `consume` as a relation with the plan's columns, `BI_<key>`, `__op`, `__row` and `__unset`.
 * What an earlier call of `consume` wrote must not count when it is called again. Throws `RECORD_COUNT_MISMATCH`,
 * `LANDING_FILE_CORRUPT`, `LANDING_FILE_CHANGED`.
 */
export async function readRows(engine: Engine, file: OpenedFile, plan: ReadPlan, consume: Consume): Promise<RowsRead> {
  const result = (await tryFast(engine, file, plan, consume)) ?? (await readStrict(engine, file, plan, consume))
  await file.assertUnchanged()
  const { rowsRead, rowsConsumed, rejects } = result
  if (rowsConsumed + rejects.length !== rowsRead)
    throw recordCountMismatch(file.key, { counted: rowsRead, read: rowsConsumed, rejected: rejects.length })
  return result
}

async function tryFast(
  engine: Engine,
  file: OpenedFile,
  plan: ReadPlan,
  consume: Consume,
): Promise<RowsRead | undefined> {
  if (plan.rowCount === 0) return { rowsRead: 0, rowsConsumed: 0, rejects: [], digitsCut: 0, path: 'fast' }
  if (plan.context.kind === 'transactions' || (file.format === 'csv' && !isForFastPath(file))) return undefined
  const base = file.format === 'csv' ? csvRelation(file, plan) : parquetRelation(file, plan)
  // Most files hold only texts in the form that DMS writes, and reading these alone is cheaper. What is cut must be counted.
  const isTextual = file.format === 'csv' && !plan.hasLongFractions
  for (const onlyUsual of isTextual ? [true, false] : [false]) {
    const sql = relationSql(plan, file.dialect, { allowCut: plan.hasLongFractions, onlyUsual })
    try {
      const rowsConsumed = await consume(`SELECT ${sql.failing} FROM (${sql.layered(base)})`)
      if (rowsConsumed !== plan.rowCount) return undefined
      const digitsCut = plan.hasLongFractions ? await countCut(engine, sql.layered(base), sql) : 0
      return { rowsRead: plan.rowCount, rowsConsumed, rejects: [], digitsCut, path: 'fast' }
    } catch (error) {
      // Whatever DuckDB says of the file, the strict reader decides; what is no fault of the file will happen there again.
      if (!(error instanceof TributaryError && error.code === 'ENGINE_FAILED')) throw error
    }
  }
  return undefined
}

async function readStrict(engine: Engine, file: OpenedFile, plan: ReadPlan, consume: Consume): Promise<RowsRead> {
  const sql = relationSql(plan, file.dialect, { allowCut: true })
  const { base, rejects } =
    file.format === 'csv' ? await stageCsv(engine, file, plan) : { base: parquetRelation(file, plan), rejects: [] }
  try {
    const found =
      file.format === 'csv' ? await csvRejects(engine, file, plan, sql) : await parquetRejects(engine, file, plan, sql)
    const rowsConsumed = await consume(`SELECT ${sql.plain} FROM (${sql.layered(base)}) WHERE NOT ${sql.isFaulty}`)
    const all = [...rejects, ...found].sort((a, b) => a.row - b.row)
    const digitsCut = await countCut(engine, `SELECT * FROM (${sql.layered(base)}) WHERE NOT ${sql.isFaulty}`, sql)
    return { rowsRead: plan.rowCount, rowsConsumed, rejects: all, digitsCut, path: 'strict' }
  } catch (cause) {
    const isEngine = cause instanceof TributaryError && cause.code === 'ENGINE_FAILED'
    throw isEngine && file.format === 'parquet'
      ? landingFileCorrupt(file.key, `DuckDB cannot read its pages (${cause.message})`, { cause })
      : cause
  } finally {
    await engine.run(`DROP TABLE IF EXISTS temp.${STRICT_TABLE}`)
  }
}

async function stageCsv(
  engine: Engine,
  file: OpenedFile,
  plan: ReadPlan,
): Promise<{ readonly base: string; readonly rejects: readonly Reject[] }> {
  const { rejects, widthFaults } = await stageRecords(engine, file, plan)
  if (plan.rowCount > 0 && widthFaults === plan.rowCount)
    throw landingFileCorrupt(file.key, `${rejects[0]?.reason ?? ''}, and so it is with every record`)
  return { base: `SELECT * FROM temp.${STRICT_TABLE}`, rejects }
}

async function csvRejects(
  engine: Engine,
  file: OpenedFile,
  plan: ReadPlan,
  sql: RelationSql,
): Promise<readonly Reject[]> {
  if (sql.faults.length === 0) return []
  const texts = sql.faults.map((fault, at) => `WHEN ${at} THEN ${rawName(fault.field)}`)
  const rows = await engine.all(`SELECT *, CASE fault ${texts.join(' ')} END AS text FROM (
    SELECT *, ${sql.faultNumber} AS fault FROM (${sql.layered(`SELECT * FROM temp.${STRICT_TABLE}`)}) WHERE ${sql.isFaulty}) ORDER BY "__row"`)
  const rejects: Reject[] = []
  const bytes = await open(file.path)
  try {
    for (const row of rows) {
      const fault = sql.faults[Number(row['fault'])]
      const text = row['text']
      rejects.push({
        row: Number(row['__row']),
        line: Number(row['__line']),
        column: plan.fieldNames[fault?.field ?? -1],
        text: typeof text === 'string' ? text : undefined,
        reason: fault?.reason ?? '',
        ...(await readRaw(bytes, file, { start: Number(row['__start']), end: Number(row['__end']) })),
      })
    }
  } finally {
    await bytes.close()
  }
  return rejects
}

async function parquetRejects(
  engine: Engine,
  file: OpenedFile,
  plan: ReadPlan,
  sql: RelationSql,
): Promise<readonly Reject[]> {
  if (sql.faults.length === 0) return []
  const texts = sql.faults.map((fault, at) => `WHEN ${at} THEN CAST(${rawName(fault.field)} AS VARCHAR)`)
  const json = jsonRowSql(plan.fieldNames.map((name, field) => ({ name, sql: `CAST(${rawName(field)} AS VARCHAR)` })))
  const rows = await engine.all(`SELECT "__row", fault, raw, CASE fault ${texts.join(' ')} END AS text FROM (
    SELECT *, ${json} AS raw, ${sql.faultNumber} AS fault FROM (${sql.layered(parquetRelation(file, plan))}) WHERE ${sql.isFaulty}) ORDER BY "__row"`)
  return rows.map((row) => {
    const fault = sql.faults[Number(row['fault'])]
    const text = row['text']
    return {
      row: Number(row['__row']),
      line: undefined,
      column: plan.fieldNames[fault?.field ?? -1],
      text: typeof text === 'string' ? text : undefined,
      reason: fault?.reason ?? '',
      raw: String(row['raw']),
      encoding: 'utf8',
    }
  })
}

async function countCut(engine: Engine, base: string, { digitsCut }: RelationSql): Promise<number> {
  if (digitsCut === undefined) return 0
  const [row] = await engine.all(`SELECT coalesce(sum(${digitsCut}), 0)::BIGINT AS n FROM (${base})`)
  return Number(row?.['n'] ?? 0)
}

/** The raw relation of a Parquet file. */
function parquetRelation(file: OpenedFile, plan: ReadPlan): string {
  const columns = plan.fieldNames.map((name, field) => `${quoteName(name)} AS ${rawName(field)}`)
  return `SELECT file_row_number + 1 AS "__row", ${columns.join(', ')} FROM read_parquet(${quoteFileName(file.path)}, file_row_number = true)`
}
