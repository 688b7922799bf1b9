// From raw fields to typed columns, the same SQL for every way in. A raw relation has `__row` and one column `c<field>` a field.
import { quoteName, quoteText } from '@tributary/delta'
import type { Dialect } from './dialect.ts'
import { parquetValueSql } from './parquet-types.ts'
import type { ReadColumn, ReadPlan } from './plan-read.ts'
import { castType, usualSql, valueSql } from './value-sql.ts'

/** Why a row cannot be applied, as SQL on the raw relation. */
interface Fault {
  readonly when: string
  /** Field that is at fault. */
  readonly field: number
  readonly reason: string
}

/** The SQL of a plan; its parts speak of the columns of `layered`. */
export interface RelationSql {
  /** SELECT over a raw relation that adds each field's text, cast and value under names of their own. */
  readonly layered: (base: string) => string
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

/** What the SQL of a plan lets through. */
export interface RelationOptions {
  /** Values that lose digits are let through, else they fail the failing list. */
  readonly allowCut: boolean
  /** Texts in the form that DMS writes are values and all others are faults: cheaper, but no verdict on the row. */
  readonly onlyUsual?: boolean
}

/** Builds the SQL of a plan. */
export function relationSql(plan: ReadPlan, dialect: Dialect, options: RelationOptions): RelationSql {
  const { allowCut, onlyUsual = false } = options
  const { kind } = plan.context
  const columns = plan.columns.map((column) => columnSql(column, { isBefore: false, dialect, kind, onlyUsual }))
  const before = plan.before.map((column) => columnSql(column, { isBefore: true, dialect, kind, onlyUsual }))
  const nulls = nullFaults(plan, columns)
  const faults = [
    ...opFaults(plan),
    ...nulls,
    ...partitionFaults(plan, columns),
    ...valueFaults([...columns, ...before]),
  ]
  const cuts = columns.flatMap(({ isCut }) =>
    isCut === undefined ? [] : [`CAST(coalesce(${isCut}, false) AS INTEGER)`],
  )
  const op = plan.opField === undefined ? `'I'` : rawName(plan.opField)
  const isFaulty = faults.length === 0 ? 'false' : `(${faults.map((fault) => fault.when).join(' OR ')})`
  const stops = allowCut
    ? []
    : columns.flatMap(({ isCut }) => (isCut === undefined ? [] : [`coalesce(${isCut}, false)`]))
  // In the one column that every reader of the relation takes: DuckDB drops what nobody asks for. Not a constant, else
  // the error rises while the query is planned.
  const checkedRow = `CASE WHEN ${[isFaulty, ...stops].join(' OR ')} THEN CAST(error('row ' || "__row") AS BIGINT) ELSE "__row" END AS "__row"`
  const list = (row: string): string =>
    [
      ...columns.map(({ column, value }) => `${value} AS ${quoteName(column.name)}`),
      ...before.map(({ column, value }) => `${value} AS ${quoteName(beforeName(column.name))}`),
      `${op} AS "__op"`,
      row,
      `${unsetSql(plan, columns, op)} AS "__unset"`,
    ].join(', ')
  return {
    layered: (base) => layeredSql(base, [...columns, ...before]),
    failing: list(checkedRow),
    plain: list('"__row"'),
    isFaulty,
    faultNumber: `CASE ${faults.map((fault, at) => `WHEN ${fault.when} THEN ${at}`).join(' ')} ELSE -1 END`,
    faults,
    digitsCut: cuts.length === 0 ? undefined : cuts.join(' + '),
  }
}

function opFaults({ opField, context }: ReadPlan): readonly Fault[] {
  if (opField === undefined) return []
  if (context.kind === 'load')
    return [{ when: `${rawName(opField)} IS DISTINCT FROM 'I'`, field: opField, reason: 'Op of a load is not I' }]
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

/** Delta keeps an empty text in a partition column as NULL: a key would become another one, a value be lost in silence. */
function partitionFaults(plan: ReadPlan, columns: readonly ColumnSql[]): readonly Fault[] {
  const { table } = plan.context
  const texts = columns.filter(({ column }) => column.type === 'string' && table.partitionBy.includes(column.name))
  return texts.map(({ column: { name, field }, text }) => {
    const isDelete = plan.opField === undefined || table.key.includes(name) ? 'false' : `${rawName(plan.opField)} = 'D'`
    return {
      when: `coalesce(${text} = '' AND NOT ${isDelete}, false)`,
      field,
      reason: 'an empty text cannot be a partition value',
    }
  })
}

function valueFaults(columns: readonly ColumnSql[]): readonly Fault[] {
  return columns.flatMap(({ column, isBad }) =>
    isBad === undefined ? [] : [{ when: isBad, field: column.field, reason: `not a value of type ${column.type}` }],
  )
}

interface ColumnSql {
  readonly column: ReadColumn
  /** The field's text after the NULL rules; for Parquet the column itself. */
  readonly text: string
  readonly value: string
  /** True where the text is no value; undefined for a column that takes any text. */
  readonly isBad: string | undefined
  readonly isCut: string | undefined
  /** True where the source did not log the column. */
  readonly isNotLogged: string | undefined
  /** Select items of the layers that make `text`, `value` and `isCut`. */
  readonly layers: readonly (readonly string[])[]
}

interface ColumnOptions {
  readonly isBefore: boolean
  readonly dialect: Dialect
  readonly kind: ReadPlan['context']['kind']
  readonly onlyUsual: boolean
}

function columnSql(column: ReadColumn, options: ColumnOptions): ColumnSql {
  const { isBefore, dialect, kind, onlyUsual } = options
  const raw = rawName(column.field)
  if (column.fileType !== undefined) {
    const read = parquetValueSql(raw, column.fileType, column.type)
    const isBad = read.value === raw ? undefined : isNoValue(raw, read.value)
    return { column, text: raw, ...read, isBad, isNotLogged: undefined, layers: [] }
  }
  const marker = kind === 'load' || dialect.noSupMarker === undefined ? undefined : quoteText(dialect.noSupMarker)
  const isNotLogged = marker === undefined ? undefined : `${raw} = ${marker}`
  const withoutMarker = (sql: string): string => (marker === undefined ? sql : `nullif(${sql}, ${marker})`)
  const common = { column, isNotLogged }
  const cast = `k${column.field}`
  // An empty text, which design §3.2 reads as NULL, is an odd one here.
  const usual = onlyUsual ? usualSql(withoutMarker(raw), column.type, cast) : undefined
  if (usual !== undefined) {
    const text = withoutMarker(raw)
    return {
      ...common,
      text,
      value: usual.value,
      isBad: usual.isOdd,
      isCut: undefined,
      layers: [castLayer(text, column, cast)],
    }
  }
  // Design §3.2: an empty field is '' in string columns when a NULL marker is set, and NULL everywhere else.
  const keepsEmpty = column.type === 'string' && dialect.nullMarker !== undefined && !isBefore
  const textSql = withoutMarker(keepsEmpty ? raw : `nullif(${raw}, '')`)
  if (column.type === 'string')
    return { ...common, text: textSql, value: textSql, isBad: undefined, isCut: undefined, layers: [] }
  const [text, value, isCut] = [`t${column.field}`, `v${column.field}`, `z${column.field}`]
  const read = valueSql(text, column.type, cast)
  const layers = [
    [`${textSql} AS ${text}`],
    castLayer(text, column, cast),
    [`${read.value} AS ${value}`, ...(read.isCut === undefined ? [] : [`${read.isCut} AS ${isCut}`])],
  ]
  return {
    ...common,
    text,
    value,
    isBad: isNoValue(text, value),
    isCut: read.isCut === undefined ? undefined : isCut,
    layers,
  }
}

function isNoValue(text: string, value: string): string {
  return `(${text} IS NOT NULL AND ${value} IS NULL)`
}

function castLayer(text: string, { type }: ReadColumn, cast: string): readonly string[] {
  const target = castType(type)
  return target === undefined ? [] : [`TRY_CAST(${text} AS ${target}) AS ${cast}`]
}

/** One projection on another, so that DuckDB plans and computes each text, cast and value once. */
function layeredSql(base: string, columns: readonly ColumnSql[]): string {
  const depth = Math.max(0, ...columns.map(({ layers }) => layers.length))
  let sql = base
  for (let layer = 0; layer < depth; layer += 1) {
    const items = columns.flatMap((column) => column.layers[layer] ?? [])
    if (items.length > 0) sql = `SELECT *, ${items.join(', ')} FROM (${sql})`
  }
  return sql
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
