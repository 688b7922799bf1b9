// From raw fields to typed columns, the same SQL for every way in. A raw relation has `__row` and one column `c<field>` a field.
import { duckdbType, quoteName, quoteText } from '@tributary/delta'
import type { Dialect } from './dialect.ts'
import { parquetValueSql } from './parquet-types.ts'
import type { ReadColumn, ReadPlan } from './plan-read.ts'
import { valueSql } from './value-sql.ts'

/** Why a row cannot be applied, as SQL on the raw relation. */
interface Fault {
  readonly when: string
  /** Field that is at fault. */
  readonly field: number
  readonly reason: string
}

/** The SQL of a plan. */
export interface RelationSql {
  /** SELECT list: typed columns, before images, `__op`, `__row`, `__unset`. A row with a fault is an error. */
  readonly failing: string
  /** The same list, for rows without fault. */
  readonly plain: string
  /** True for a row with a fault. */
  readonly isFaulty: string
  /** The number of the first fault in `faults`. */
  readonly faultNumber: string
  readonly faults: readonly Fault[]
  /** How many values of a row lost digits; undefined when none can. */
  readonly digitsCut: string | undefined
}

/** Name of a field in a raw relation. */
export function rawName(field: number): string {
  return `c${field}`
}

/** Name of a key column's before image in a relation. */
export function beforeName(column: string): string {
  return `BI_${column}`
}

/** Builds the SQL of a plan. `allowCut`: values that lose digits are let through, else they fail the failing list. */
export function relationSql(plan: ReadPlan, dialect: Dialect, { allowCut }: { readonly allowCut: boolean }): RelationSql {
  const { table, kind } = plan.context
  const columns = plan.columns.map((column) => columnSql(column, { isBefore: false, dialect, kind }))
  const before = plan.before.map((column) => columnSql(column, { isBefore: true, dialect, kind }))
  const opFaults = plan.opField === undefined ? [] : [{ when: `coalesce(${rawName(plan.opField)} NOT IN ('I', 'U', 'D'), true)`, field: plan.opField, reason: 'Op is not I, U or D' }]
  const required = new Map(table.key.map((name) => [name, 'the key column is NULL']))
  if (kind !== 'load' && table.sequence !== undefined) required.set(table.sequence, 'the sequence column is empty in a change')
  const valueFaults = [...columns, ...before].map(({ column, text, value }) => ({ when: `(${text} IS NOT NULL AND ${value} IS NULL)`, field: column.field, reason: `not a value of type ${column.type}` }))
  const nullFaults = columns.flatMap(({ column, text }) => {
    const reason = required.get(column.name)
    return reason === undefined ? [] : [{ when: column.name === table.sequence ? `coalesce(CAST(${text} AS VARCHAR) = '', true)` : `${text} IS NULL`, field: column.field, reason }]
  })
  const faults = [...opFaults, ...nullFaults, ...valueFaults.filter((fault) => plan.columns.some((column) => column.field === fault.field && (column.type !== 'string' || column.fileType !== undefined)) || plan.before.some((column) => column.field === fault.field))]
  const cuts = columns.flatMap(({ isCut }) => (isCut === undefined ? [] : [isCut]))
  const op = plan.opField === undefined ? `'I'` : rawName(plan.opField)
  const nullReasons = new Map(nullFaults.map((fault) => [fault.field, fault.when]))
  const list = (isFailing: boolean): string => {
    const cell = ({ column, text, value, isCut }: ColumnSql, name: string): string => {
      if (!isFailing) return `${value} AS ${quoteName(name)}`
      const cut = isCut === undefined || allowCut ? '' : `WHEN ${isCut} THEN ${failure(column, text)} `
      const isNull = name === column.name ? nullReasons.get(column.field) : undefined
      const missing = isNull === undefined ? '' : `WHEN ${isNull} THEN ${failure(column, text)} `
      // A column that takes any text and has no condition is passed through as it is.
      if (cut === '' && missing === '' && value === text) return `${value} AS ${quoteName(name)}`
      return `CASE ${missing}${cut}WHEN ${text} IS NOT NULL THEN coalesce(${value}, ${failure(column, text)}) END AS ${quoteName(name)}`
    }
    const opCell = isFailing && plan.opField !== undefined ? `CASE WHEN ${op} IN ('I', 'U', 'D') THEN ${op} ELSE CAST(error('Op: ' || coalesce(${op}, '')) AS VARCHAR) END` : op
    return [
      ...columns.map((column) => cell(column, column.column.name)),
      ...before.map((column) => cell(column, beforeName(column.column.name))),
      `${opCell} AS "__op"`,
      `"__row"`,
      `${unsetSql(plan, columns, op)} AS "__unset"`,
    ].join(', ')
  }
  return {
    failing: list(true),
    plain: list(false),
    isFaulty: faults.length === 0 ? 'false' : `(${faults.map((fault) => fault.when).join(' OR ')})`,
    faultNumber: `CASE ${faults.map((fault, at) => `WHEN ${fault.when} THEN ${at}`).join(' ')} ELSE -1 END`,
    faults,
    digitsCut: cuts.length === 0 ? undefined : cuts.map((cut) => `CAST(coalesce(${cut}, false) AS INTEGER)`).join(' + '),
  }
}

// Not a constant, else DuckDB evaluates it while it plans the query.
function failure(column: ReadColumn, text: string): string {
  return `CAST(error(${quoteText(`${column.source}: `)} || coalesce(CAST(${text} AS VARCHAR), 'NULL')) AS ${duckdbType(column.type)})`
}

interface ColumnSql {
  readonly column: ReadColumn
  /** The field's text after the NULL rules; for Parquet the column itself. */
  readonly text: string
  readonly value: string
  readonly isCut: string | undefined
  /** True where the source did not log the column. */
  readonly isNotLogged: string | undefined
}

function columnSql(column: ReadColumn, { isBefore, dialect, kind }: { readonly isBefore: boolean; readonly dialect: Dialect; readonly kind: ReadPlan['context']['kind'] }): ColumnSql {
  const raw = rawName(column.field)
  if (column.fileType !== undefined) return { column, text: raw, ...parquetValueSql(raw, column.fileType, column.type), isNotLogged: undefined }
  // Design §3.2: an empty field is '' in string columns when a NULL marker is set, and NULL everywhere else.
  const keepsEmpty = column.type === 'string' && dialect.nullMarker !== undefined && !isBefore
  const filled = keepsEmpty ? raw : `nullif(${raw}, '')`
  const marker = kind === 'load' || dialect.noSupMarker === undefined ? undefined : quoteText(dialect.noSupMarker)
  const text = marker === undefined ? filled : `nullif(${filled}, ${marker})`
  return { column, text, ...valueSql(text, column.type), isNotLogged: marker === undefined ? undefined : `${raw} = ${marker}` }
}

/** Names of the columns that keep the stored value, only in updates. */
function unsetSql(plan: ReadPlan, columns: readonly ColumnSql[], op: string): string {
  const { keepOnNull } = plan.context.table
  const conditions = columns.flatMap(({ column, text, isNotLogged }) => {
    const when = keepOnNull.includes(column.name) ? `${text} IS NULL` : isNotLogged
    return when === undefined ? [] : [{ name: column.name, when }]
  })
  if (conditions.length === 0 || plan.opField === undefined || plan.context.kind === 'load') return 'CAST(NULL AS VARCHAR[])'
  const items = conditions.map(({ name, when }) => `CASE WHEN ${when} THEN ${quoteText(name)} END`)
  return `CASE WHEN ${op} = 'U' AND coalesce(${conditions.map(({ when }) => `(${when})`).join(' OR ')}, false) THEN list_filter([${items.join(', ')}], lambda name: name IS NOT NULL) END`
}
