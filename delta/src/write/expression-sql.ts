// A parsed Spark expression as DuckDB SQL. Only comparisons of one family of types are rendered: where a text meets a number, the two
// engines cast different sides.

import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import type { Expression } from '../protocol/parse-expression.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'

/** SQL over the columns of the alias `t`, or why there is none. */
export type RenderedExpression =
  | { readonly kind: 'rendered'; readonly sql: string }
  | { readonly kind: 'not-understood'; readonly why: string }

/** Render an expression over the columns of a schema. */
export function expressionSql(expression: Expression, schema: StructType): RenderedExpression {
  const typed = render(expression, schema)
  return 'why' in typed ? { kind: 'not-understood', why: typed.why } : { kind: 'rendered', sql: typed.sql }
}

/** Types that may meet in a comparison; `null` meets all of them. */
type Family = 'number' | 'text' | 'boolean' | 'date' | 'timestamp' | 'binary' | 'null'

interface Typed {
  readonly sql: string
  readonly family: Family
}

type Rendered = Typed | { readonly why: string }

function render(expression: Expression, schema: StructType): Rendered {
  switch (expression.kind) {
    case 'column':
      return renderColumn(expression.path, schema)
    case 'literal':
      return renderLiteral(expression)
    case 'null':
      return { sql: 'NULL', family: 'null' }
    case 'and':
    case 'or':
      return join([expression.left, expression.right], schema, 'boolean', ([left, right]) => ({
        sql: `(${left} ${expression.kind.toUpperCase()} ${right})`,
        family: 'boolean',
      }))
    case 'not':
      return join([expression.inner], schema, 'boolean', ([inner]) => ({ sql: `(NOT ${inner})`, family: 'boolean' }))
    case 'negate':
      return join([expression.inner], schema, 'number', ([inner]) => ({ sql: `(-${inner})`, family: 'number' }))
    case 'arithmetic':
      return join([expression.left, expression.right], schema, 'number', ([left, right]) => ({
        sql: `(${left} ${expression.op} ${right})`,
        family: 'number',
      }))
    case 'compare': {
      const op = expression.op === '<=>' ? 'IS NOT DISTINCT FROM' : expression.op
      return join([expression.left, expression.right], schema, undefined, ([left, right]) => ({
        sql: `(${left} ${op} ${right})`,
        family: 'boolean',
      }))
    }
    case 'in':
      return join([expression.inner, ...expression.members], schema, undefined, ([inner, ...members]) => ({
        sql: `(${inner} ${expression.isNegated ? 'NOT ' : ''}IN (${members.join(', ')}))`,
        family: 'boolean',
      }))
    case 'is-null':
      return join([expression.inner], schema, undefined, ([inner]) => ({
        sql: `(${inner} IS ${expression.isNegated ? 'NOT ' : ''}NULL)`,
        family: 'boolean',
      }))
  }
}

/** Render the parts, which must be of one family: the given one, or whatever the first one with a family is of. */
function join(
  parts: readonly Expression[],
  schema: StructType,
  wanted: Family | undefined,
  build: (sql: readonly string[]) => Typed,
): Rendered {
  const sql: string[] = []
  let family = wanted
  for (const part of parts) {
    const rendered = render(part, schema)
    if ('why' in rendered) return rendered
    const typed = family === 'date' || family === 'text' ? meetDate(rendered, family, part) : rendered
    if (typed.family !== 'null') family ??= typed.family
    if (typed.family !== 'null' && typed.family !== family)
      return { why: `${typed.sql} is a ${typed.family} and a ${family} is expected` }
    sql.push(typed.sql)
  }
  return build(sql)
}

// A text beside a date is read as a date by both engines, if it looks like one.
function meetDate(typed: Typed, family: Family, part: Expression): Typed {
  const isDate =
    family === 'date' && part.kind === 'literal' && part.type === 'string' && /^\d{4}-\d\d-\d\d$/.test(part.text)
  return isDate ? { sql: `DATE ${typed.sql}`, family: 'date' } : typed
}

function renderColumn(path: readonly string[], schema: StructType): Rendered {
  let type: DataType = schema
  let sql = 't'
  for (const [depth, part] of path.entries()) {
    const fields: readonly StructField[] = typeof type !== 'string' && type.type === 'struct' ? type.fields : []
    const field = fields.find(({ name }) => name.toLowerCase() === part.toLowerCase())
    if (field === undefined) return { why: `there is no column ${path.join('.')}` }
    sql = depth === 0 ? `t.${quoteName(field.name)}` : `struct_extract(${sql}, ${quoteText(field.name)})`
    type = field.type
  }
  const family = familyOf(type)
  if (family === undefined) return { why: `the column ${path.join('.')} is nested or of a type that is not compared` }
  // A float meets other numbers as a double in Spark, and as a float in DuckDB.
  return { sql: type === 'float' ? `CAST(${sql} AS DOUBLE)` : sql, family }
}

function familyOf(type: DataType): Family | undefined {
  if (typeof type !== 'string') return undefined
  switch (type) {
    case 'string':
      return 'text'
    case 'boolean':
    case 'date':
    case 'binary':
      return type
    case 'timestamp':
    case 'timestamp_ntz':
      return 'timestamp'
    case 'void':
    case 'variant':
      return undefined
    default:
      return 'number'
  }
}

function renderLiteral({ type, text }: Extract<Expression, { kind: 'literal' }>): Rendered {
  switch (type) {
    case 'integer': {
      // A bare number takes the type of its neighbour in DuckDB: a byte plus one would overflow where Spark's does not.
      const size = BigInt(text) < 2n ** 31n ? 'integer' : 'long'
      if (BigInt(text) >= 2n ** 63n) return { why: `${text} is no 64-bit integer` }
      return { sql: `CAST(${text} AS ${duckdbType(size)})`, family: 'number' }
    }
    case 'decimal':
      return { sql: text, family: 'number' }
    case 'double':
      return { sql: `CAST(${text} AS DOUBLE)`, family: 'number' }
    case 'string':
      return { sql: quoteText(text), family: 'text' }
    case 'boolean':
      return { sql: text, family: 'boolean' }
    case 'date':
      return { sql: `DATE ${quoteText(text)}`, family: 'date' }
  }
}
