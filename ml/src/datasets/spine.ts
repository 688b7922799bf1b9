// The rows of a dataset before any feature: one for each example, with its key, its time and its label.
import { type Engine, quoteName, quoteText, type Row } from '@tributary/delta'
import { parseQuery, prepareQuery } from '@tributary/pipeline'
import { spineInvalid, spineTooNew } from '../errors.ts'
import { queryFault } from '../query-fault.ts'
import { assertRepeatable, spineRefusals } from './assert-repeatable.ts'
import { kindOf } from './column-kind.ts'
import type { Definition } from './definition.ts'
import { AT, ROW_NUMBER, SPINE } from './join-sql.ts'
import { orderSpine } from './order-spine.ts'
import type { Sources } from './sources.ts'
import { parametersOf, withUntil } from './spine-text.ts'

/** A column of a query, with DuckDB's name of its type. */
export interface QueryColumn {
  readonly name: string
  readonly type: string
}

/** The query of a spine over views of its tables, and the columns that it gives. */
export interface PreparedSpine {
  /** As it was written, with the value of `:until`. */
  readonly text: string
  readonly sql: string
  readonly columns: readonly QueryColumn[]
  /** What was rewritten so that the order of rows does not show, in words. */
  readonly rewrites: readonly string[]
}

/** Opens the tables of the spine and checks its columns. Throws `SPINE_INVALID`, and what `prepareQuery` throws. */
export async function prepareSpine(
  engine: Engine,
  sources: Sources,
  definition: Definition,
  { untilMs }: { readonly untilMs: number | undefined },
): Promise<PreparedSpine> {
  const { name, spine } = definition
  const unknown = parametersOf(spine.sql).find((parameter) => parameter !== 'until')
  if (unknown !== undefined)
    throw spineInvalid(name, `it has a parameter :${unknown}`, 'The only one is :until, the end of the data')
  const text = untilMs === undefined ? spine.sql : withUntil(spine.sql, untilMs)
  await assertRepeatable(engine, definition, await parseQuery(engine, text))
  const { sql } = await prepareQuery(engine, sources.find, text, {
    nowMs: untilMs ?? 0,
    versionOf: sources.versionOf,
  })
  const columns = await orInvalid(name, async () => (await engine.all(`DESCRIBE ${sql}`)).map(parseColumn))
  assertColumns(definition, columns)
  const ordered = await orderSpine(engine, sql, spineRefusals(name))
  // A column without a name is called as it was written.
  const names = columns.map((column) => quoteName(column.name)).join(', ')
  return { text, columns, rewrites: ordered.rewrites, sql: `SELECT * FROM (${ordered.sql}) AS "__ordered"(${names})` }
}

/** Puts the spine into a temporary table and checks its rows. Throws `SPINE_INVALID`, and what reading throws. */
export async function stageSpine(engine: Engine, definition: Definition, { sql }: PreparedSpine): Promise<void> {
  const { name, spine } = definition
  const key = spine.key.map(quoteName).join(', ')
  await orInvalid(name, () =>
    engine.run(
      `CREATE TEMP TABLE ${quoteName(SPINE)} AS SELECT *, row_number() OVER (ORDER BY ${key}) AS ${quoteName(ROW_NUMBER)}, ${quoteName(spine.at)} AS ${quoteName(AT)} FROM (${sql})`,
    ),
  )
  await assertRows(engine, definition)
}

/** Says whose query it is that DuckDB cannot run. */
async function orInvalid<T>(dataset: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const fault = queryFault(error)
    if (fault === undefined) throw error
    throw spineInvalid(dataset, fault, 'Correct its query', { cause: error })
  }
}

/** Refuses rows whose time the sources have not reached. Throws `SPINE_TOO_NEW`. */
export async function assertKnown(engine: Engine, { name }: Definition, knownUntil: string): Promise<void> {
  const [row] = await engine.all(
    `SELECT count(*) AS n, max(${quoteName(AT)}) AS latest FROM ${quoteName(SPINE)} WHERE ${quoteName(AT)} > TIMESTAMPTZ ${quoteText(knownUntil)}`,
  )
  const rows = Number(row?.['n'])
  if (rows > 0) throw spineTooNew(name, { rows, at: String(row?.['latest']), known: knownUntil })
}

function parseColumn(row: Row): QueryColumn {
  return { name: String(row['column_name']), type: String(row['column_type']) }
}

function assertColumns(definition: Definition, columns: readonly QueryColumn[]): void {
  const { name, spine, split, guards, features } = definition
  const names = columns.map((column) => column.name)
  const fail = (problem: string, remedy: string): never => {
    throw spineInvalid(name, problem, remedy)
  }
  const needed = [
    ...spine.key,
    spine.at,
    ...(spine.label === undefined ? [] : [spine.label]),
    ...(split.kind === 'hash' ? [...split.key, ...(split.stratify === undefined ? [] : [split.stratify])] : []),
    ...guards.groupOverlap,
    ...features.flatMap(({ on }) => on.map(({ ours }) => ours)),
  ]
  const missing = needed.find((column) => !names.includes(column))
  if (missing !== undefined)
    fail(`it has no column ${missing}`, `It gives ${names.join(', ')}. Add it or correct the name`)
  const reserved = names.find((column) => column.startsWith('__') || column === 'split' || column === 'weight')
  if (reserved !== undefined) fail(`${reserved} is a reserved name`, 'Give that column another name')
  const given = new Set(names.map((column) => column.toLowerCase()))
  if (given.size < names.length) fail('two of its columns have one name', 'Name each column')
  const clash = features.flatMap((feature) => feature.columns).find((column) => given.has(column.toLowerCase()))
  if (clash !== undefined) fail(`a feature gives its column ${clash} too`, 'Set another name with as')
  const label = columns.find((column) => column.name === spine.label)
  if (label !== undefined && definition.sample.negatives < 1 && !['number', 'BOOLEAN'].includes(kindOf(label.type)))
    fail(
      `sample.negatives needs a label of 0 and 1, and ${label.name} is ${label.type}`,
      'Make a number of it, or keep all rows',
    )
  const type = columns.find((column) => column.name === spine.at)?.type ?? ''
  if (type !== 'TIMESTAMP WITH TIME ZONE')
    fail(
      `its time ${spine.at} is ${type}, which names no moment`,
      `Make it one in the zone that is meant: CAST(… AS TIMESTAMPTZ), or … AT TIME ZONE 'UTC'`,
    )
}

async function assertRows(engine: Engine, { name, spine }: Definition): Promise<void> {
  const key = spine.key.map(quoteName)
  const at = quoteName(spine.at)
  const isNull = [...key.map((column) => `${column} IS NULL`), `${at} IS NULL`, `NOT isfinite(${at})`].join(' OR ')
  const [counts] = await engine.all(
    `SELECT count(*) AS n, count(*) FILTER (WHERE ${isNull}) AS nulls FROM ${quoteName(SPINE)}`,
  )
  if (Number(counts?.['n']) === 0)
    throw spineInvalid(name, 'it has no rows', 'Correct its query, or ask for a later --until')
  if (Number(counts?.['nulls']) > 0)
    throw spineInvalid(
      name,
      `${Number(counts?.['nulls'])} rows have no key or no time`,
      `Leave them out in its query, with WHERE ${spine.at} IS NOT NULL and the like`,
    )
  const [double] = await engine.all(
    `SELECT concat_ws(', ', ${key.map((column) => `CAST(${column} AS VARCHAR)`).join(', ')}) AS key, count(*) AS n
     FROM ${quoteName(SPINE)} GROUP BY ${key.join(', ')} HAVING count(*) > 1 ORDER BY ${key.join(', ')} LIMIT 1`,
  )
  if (double !== undefined)
    throw spineInvalid(
      name,
      `${Number(double['n'])} rows have the key ${String(double['key'])}`,
      'One row is one example: add the columns that tell them apart to spine.key',
    )
}
