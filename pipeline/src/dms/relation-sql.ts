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
export function relationSql(
  plan: ReadPlan,
  dialect: Dialect,
  { allowCut }: { readonly allowCut: boolean },
): RelationSql {
  const { kind } = plan.context
  const columns = plan.columns.map((column) => columnSql(column, { isBefore: false, dialect, kind }))
  const before = plan.before.map((column) => columnSql(column, { isBefore: true, dialect, kind }))
  const nulls = nullFaults(plan, columns)
  const faults = [...opFaults(plan), ...nulls, ...valueFaults([...columns, ...before])]
  const cuts = columns.flatMap(({ isCut }) =>
    isCut === undefined ? [] : [`CAST(coalesce(${isCut}, false) AS INTEGER)`],
  )
  const op = plan.opField === undefined ? `'I'` : rawName(plan.opField)
  const checkedOp =
    plan.opField === undefined
      ? op
      : `CASE WHEN ${op} IN ('I', 'U', 'D') THEN ${op} ELSE CAST(error('Op: ' || coalesce(${op}, '')) AS VARCHAR) END`
  const isNull = new Map(nulls.map((fault) => [fault.field, fault.when]))
  const extra = ['"__row"', `${unsetSql(plan, columns, op)} AS "__unset"`]
  const list = (cell: (column: ColumnSql) => string, opCell: string): string =>
    [
      ...columns.map((column) => `${cell(column)} AS ${quoteName(column.column.name)}`),
      ...before.map((column) => `${cell(column)} AS ${quoteName(beforeName(column.column.name))}`),
      `${opCell} AS "__op"`,
      ...extra,
    ].join(', ')
  return {
    failing: list((column) => failingCell(column, { isNull: isNull.get(column.column.field), allowCut }), checkedOp),
    plain: list(({ value }) => value, op),
    isFaulty: faults.length === 0 ? 'false' : `(${faults.map((fault) => fault.when).join(' OR ')})`,
    faultNumber: `CASE ${faults.map((fault, at) => `WHEN ${fault.when} THEN ${at}`).join(' ')} ELSE -1 END`,
    faults,
    digitsCut: cuts.length === 0 ? undefined : cuts.join(' + '),
  }
}

function opFaults({ opField }: ReadPlan): readonly Fault[] {
  if (opField === undefined) return []
  return [
    {
      when: `coalesce(${rawName(opField)} NOT IN ('I', 'U', 'D'), true)`,
      field: opField,
      reason: 'Op is not I, U or D',
    },
  ]
}

function nullFaults({ context: { table, kind } }: ReadPlan, columns: readonly ColumnSql[]): readonly Fault[] {
  return columns.flatMap(({ column: { name, field }, text }): readonly Fault[] => {
    if (table.key.includes(name)) return [{ when: `${text} IS NULL`, field, reason: 'the key column is NULL' }]
    if (kind === 'load' || name !== table.sequence) return []
    return [
      {
        when: `coalesce(CAST(${text} AS VARCHAR) = '', true)`,
        field,
        reason: 'the sequence column is empty in a change',
      },
    ]
  })
}

function valueFaults(columns: readonly ColumnSql[]): readonly Fault[] {
  // A column that takes any text has no bad values.
  const checked = columns.filter(({ text, value }) => text !== value)
  return checked.map(({ column, text, value }) => ({
    when: `(${text} IS NOT NULL AND ${value} IS NULL)`,
    field: column.field,
    reason: `not a value of type ${column.type}`,
  }))
}

function failingCell(
  { column, text, value, isCut }: ColumnSql,
  { isNull, allowCut }: { readonly isNull: string | undefined; readonly allowCut: boolean },
): string {
  const failed = failure(column, text)
  const missing = isNull === undefined ? '' : `WHEN ${isNull} THEN ${failed} `
  const cut = isCut === undefined || allowCut ? '' : `WHEN ${isCut} THEN ${failed} `
  if (missing === '' && cut === '' && value === text) return value
  return `CASE ${missing}${cut}WHEN ${text} IS NOT NULL THEN coalesce(${value}, ${failed}) END`
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

function columnSql(
  column: ReadColumn,
  {
    isBefore,
    dialect,
    kind,
  }: { readonly isBefore: boolean; readonly dialect: Dialect; readonly kind: ReadPlan['context']['kind'] },
): ColumnSql {
  const raw = rawName(column.field)
  if (column.fileType !== undefined)
    return { column, text: raw, ...parquetValueSql(raw, column.fileType, column.type), isNotLogged: undefined }
  // Design §3.2: an empty field is '' in string columns when a NULL marker is set, and NULL everywhere else.
  const keepsEmpty = column.type === 'string' && dialect.nullMarker !== undefined && !isBefore
  const filled = keepsEmpty ? raw : `nullif(${raw}, '')`
  const marker = kind === 'load' || dialect.noSupMarker === undefined ? undefined : quoteText(dialect.noSupMarker)
  const text = marker === undefined ? filled : `nullif(${filled}, ${marker})`
  return {
    column,
    text,
    ...valueSql(text, column.type),
    isNotLogged: marker === undefined ? undefined : `${raw} = ${marker}`,
  }
}

/** Names of the columns that keep the stored value, only in updates. */
function unsetSql(plan: ReadPlan, columns: readonly ColumnSql[], op: string): string {
  const { keepOnNull } = plan.context.table
  const conditions = columns.flatMap(({ column, text, isNotLogged }) => {
    const when = keepOnNull.includes(column.name) ? `${text} IS NULL` : isNotLogged
    return when === undefined ? [] : [{ name: column.name, when }]
  })
  if (conditions.length === 0 || plan.opField === undefined || plan.context.kind === 'load')
    return 'CAST(NULL AS VARCHAR[])'
  const items = conditions.map(({ name, when }) => `CASE WHEN ${when} THEN ${quoteText(name)} END`)
  return `CASE WHEN ${op} = 'U' AND coalesce(${conditions.map(({ when }) => `(${when})`).join(' OR ')}, false) THEN list_filter([${items.join(', ')}], lambda name: name IS NOT NULL) END`
}
