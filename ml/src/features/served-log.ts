// The log of a service: one JSON object a line with the key, the time, and the values that were answered. It is put into a table as text and
// read by DuckDB, which keeps the digits of numbers that JavaScript would round. Nothing is compared before all lines are found good.

import { duckdbType, type Engine, quoteName, quoteText, type StructField } from '@tributary/delta'
import { type LogFault, servedLogInvalid } from '../errors.ts'
import { jsonPath, servedValue } from './served-value.ts'

/** A log as it is read: the name that messages give it, and its text, cut anywhere. */
export interface ServedLog {
  readonly name: string
  readonly chunks: AsyncIterable<string>
}

/** Columns of a feature: those that tell rows apart, and those that are served. */
export interface ServedColumns {
  readonly key: readonly StructField[]
  readonly values: readonly StructField[]
}

/** Temporary table: `__line`, `__text`, `__at` and the key columns in their types. */
export const SERVED = 'skew_served'
const LINES = 'skew_lines'
const FAULTS_SHOWN = 5

/** Puts the log into `skew_served` and tells how many lines it has. Throws `SERVED_LOG_INVALID`, which names the lines that are bad. */
export async function stageServedLog(engine: Engine, log: ServedLog, columns: ServedColumns): Promise<number> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${LINES} (__line BIGINT, __text VARCHAR)`)
  await engine.append(LINES, ['__line', '__text'], numbered(linesOf(log.chunks)))
  const [count] = await engine.all(`SELECT count(*) AS n FROM ${LINES}`)
  const lines = Number(count?.['n'])
  if (lines === 0) throw servedLogInvalid(log.name, [{ line: 1, problem: 'the log is empty' }], 1)
  await refuse(engine, log, syntaxProblem())
  await refuse(engine, log, contentProblem(columns))
  const key = columns.key.map(
    ({ name, type }) => `CAST(${servedValue(name, type)} AS ${duckdbType(type)}) AS ${quoteName(name)}`,
  )
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE ${SERVED} AS SELECT __line, __text, ${atSql()} AS __at, ${key.join(', ')} FROM ${LINES}`,
  )
  return lines
}

async function refuse(engine: Engine, { name }: ServedLog, problem: string): Promise<void> {
  const faulty = `SELECT __line, ${problem} AS problem FROM ${LINES}`
  const rows = await engine.all(
    `SELECT __line, problem, count(*) OVER () AS n FROM (${faulty}) WHERE problem IS NOT NULL ORDER BY __line LIMIT ${FAULTS_SHOWN}`,
  )
  const faults = rows.map((row): LogFault => ({ line: Number(row['__line']), problem: String(row['problem']) }))
  if (faults.length > 0) throw servedLogInvalid(name, faults, Number(rows[0]?.['n']))
}

/** SQL that says what is wrong with a line as JSON; NULL when nothing is. */
function syntaxProblem(): string {
  return `CASE WHEN trim(__text) = '' THEN 'it is empty' WHEN NOT json_valid(__text) THEN 'it is no JSON'
    WHEN json_type(CASE WHEN json_valid(__text) THEN __text ELSE 'null' END) <> 'OBJECT' THEN 'it is no JSON object' END`
}

/** SQL that says what is wrong with a line that is a JSON object. */
function contentProblem({ key, values }: ServedColumns): string {
  const names = [...key, ...values].map(({ name }) => name)
  const known = `[${[...names, 'at'].map(quoteText).join(', ')}]`
  // What a service notes for itself, such as `__version` as `feature get` prints it, begins with two underscores.
  const unknown = `list_filter(json_keys(__text), lambda name: NOT starts_with(name, '__') AND NOT list_contains(${known}, name))`
  const served = `[${values.map(({ name }) => quoteText(name)).join(', ')}]::VARCHAR[]`
  const fits = ({ name, type }: StructField): string =>
    `WHEN json_type(__text, ${jsonPath(name)}) <> 'NULL' AND ${servedValue(name, type)} IS NULL
      THEN concat('its ', ${quoteText(name)}, ' is no ${typeof type === 'string' ? type : type.type}: ', json_extract(__text, ${jsonPath(name)}))`
  return `CASE
    WHEN len(json_keys(__text)) <> len(list_distinct(json_keys(__text))) THEN 'it has a name twice'
    WHEN len(${unknown}) > 0 THEN concat('the feature has no column ', ${unknown}[1])
    WHEN ${atSql()} IS NULL THEN 'it has no time "at", such as "2026-01-31T10:00:00Z"'
    ${key.map(fits).join(' ')}
    ${key.map(keyProblem).join(' ')}
    WHEN len(list_intersect(json_keys(__text), ${served})) = 0 THEN 'it has no value of the feature'
    ${values.map(fits).join(' ')} END`
}

/** A number that a column of the key cannot hold, such as 2.5, would become another key. */
function keyProblem({ name, type }: StructField): string {
  const value = servedValue(name, type)
  const held = `TRY_CAST(${value} AS ${duckdbType(type)})`
  return `WHEN ${value} IS NULL THEN concat('it has no key ', ${quoteText(name)})
    WHEN ${held} IS NULL OR ${held} <> ${value} THEN concat('its ', ${quoteText(name)}, ' is none of the key: ', json_extract(__text, ${jsonPath(name)}))`
}

function atSql(): string {
  const text = `CASE WHEN json_type(__text, '/at') = 'VARCHAR' THEN json_extract_string(__text, '/at') END`
  return `CASE WHEN isfinite(TRY_CAST(${text} AS TIMESTAMPTZ)) THEN TRY_CAST(${text} AS TIMESTAMPTZ) END`
}

async function* numbered(lines: AsyncIterable<string>): AsyncGenerator<readonly [number, string]> {
  let number = 0
  for await (const line of lines) {
    number += 1
    yield [number, line]
  }
}

/** The lines of a text that comes in pieces; an end of line at the very end begins none. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line.replace(/\r$/, '')
  }
  if (rest !== '') yield rest
}
