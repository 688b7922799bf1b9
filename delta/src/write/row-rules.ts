// What a table demands of every row: CHECK constraints, invariants, NOT NULL, generated columns; and what it gives to rows that lack a
// column: defaults, generated values, identities. PROTOCOL.md, "Column Invariants", "CHECK Constraints", "Generated Columns",
// "Default Columns", "Identity Columns".

import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import { expressionUnsupported } from '../errors.ts'
import type { Metadata, Protocol } from '../protocol/actions.ts'
import { supportsWriterFeature } from '../protocol/features.ts'
import { type Expression, parseExpression } from '../protocol/parse-expression.ts'
import { walkFields } from '../protocol/parse-schema.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'
import { expressionSql } from './expression-sql.ts'

/** A condition that must be true for every row; false and NULL break it. */
export interface RowCheck {
  /** As messages name it. */
  readonly rule: string
  /** SQL over the alias `t`, whose columns are the table's. */
  readonly sql: string
}

/** How a column comes about where the rows do not bring it. */
export type MissingColumn =
  | { readonly kind: 'constant'; readonly sql: string }
  /** SQL over the other columns of `t`. */
  | { readonly kind: 'generated'; readonly sql: string }
  | { readonly kind: 'identity'; readonly identity: Identity }

/** PROTOCOL.md, "Identity Columns". 64-bit numbers. */
export interface Identity {
  readonly start: bigint
  readonly step: bigint
  readonly highWaterMark: bigint | undefined
  readonly allowsExplicit: boolean
}

/** A table whose rules are asked for. */
export interface RuledTable {
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly schema: StructType
}

/** All conditions on rows. Throws `EXPRESSION_UNSUPPORTED`, naming the rule that we cannot enforce. */
export function rowChecks(table: RuledTable): readonly RowCheck[] {
  const { protocol, metadata, schema } = table
  const checks: RowCheck[] = [...nullChecks(schema)]
  if (supportsWriterFeature(protocol, 'checkConstraints')) {
    for (const [key, text] of Object.entries(metadata.configuration)) {
      const name = /^delta\.constraints\.(.+)$/i.exec(key)?.[1]
      if (name !== undefined) checks.push(conditionCheck(`the CHECK constraint ${name}`, text, schema))
    }
  }
  for (const { field, path } of walkFields(schema)) {
    const invariant = field.metadata['delta.invariants']
    if (typeof invariant === 'string' && supportsWriterFeature(protocol, 'invariants'))
      checks.push(conditionCheck(`the invariant of ${path.join('.')}`, parseInvariant(invariant), schema))
    const generated = generationText(field)
    if (generated !== undefined && supportsWriterFeature(protocol, 'generatedColumns')) {
      const rule = `the generated column ${path.join('.')}`
      const sql = renderedSql(rule, generated, schema)
      checks.push({ rule: `${rule} = ${generated}`, sql: `${columnSql(path)} IS NOT DISTINCT FROM ${sql}` })
    }
  }
  return checks
}

/** What a column gets when the rows do not bring it. Throws `EXPRESSION_UNSUPPORTED`. */
export function missingColumn({ protocol, schema }: RuledTable, field: StructField): MissingColumn {
  const type = duckdbType(field.type)
  const generated = generationText(field)
  if (generated !== undefined && supportsWriterFeature(protocol, 'generatedColumns'))
    return {
      kind: 'generated',
      sql: `CAST(${renderedSql(`the generated column ${field.name}`, generated, schema)} AS ${type})`,
    }
  const identity = parseIdentity(field)
  if (identity !== undefined && supportsWriterFeature(protocol, 'identityColumns'))
    return { kind: 'identity', identity }
  const text = field.metadata['CURRENT_DEFAULT']
  if (typeof text !== 'string' || !supportsWriterFeature(protocol, 'allowColumnDefaults'))
    return { kind: 'constant', sql: `CAST(NULL AS ${type})` }
  const rule = `the default of ${field.name}`
  if (!isLiteral(parsed(rule, text))) throw expressionUnsupported(rule, text, 'it is no literal')
  return { kind: 'constant', sql: `CAST(${renderedSql(rule, text, schema)} AS ${type})` }
}

/** The identity of a column, if it has one. */
export function parseIdentity(field: StructField): Identity | undefined {
  const number = (name: string): bigint | undefined => {
    const value = field.metadata[`delta.identity.${name}`]
    return typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint'
      ? BigInt(value)
      : undefined
  }
  const start = number('start')
  if (start === undefined) return undefined
  return {
    start,
    step: number('step') ?? 1n,
    highWaterMark: number('highWaterMark'),
    allowsExplicit: field.metadata['delta.identity.allowExplicitInsert'] === true,
  }
}

function generationText(field: StructField): string | undefined {
  const text = field.metadata['delta.generationExpression']
  return typeof text === 'string' ? text : undefined
}

// `{"expression":{"expression":"x > 1"}}`; what has another form is shown as it is and refused by the parser.
function parseInvariant(text: string): string {
  try {
    const value = JSON.parse(text) as { readonly expression?: { readonly expression?: unknown } }
    const expression = value.expression?.expression
    return typeof expression === 'string' ? expression : text
  } catch {
    return text
  }
}

function conditionCheck(rule: string, text: string, schema: StructType): RowCheck {
  return { rule: `${rule} (${text})`, sql: renderedSql(rule, text, schema) }
}

function renderedSql(rule: string, text: string, schema: StructType): string {
  const rendered = expressionSql(parsed(rule, text), schema)
  if (rendered.kind === 'not-understood') throw expressionUnsupported(rule, text, rendered.why)
  return rendered.sql
}

function parsed(rule: string, text: string): Expression {
  const found = parseExpression(text)
  if (found.kind === 'not-understood') throw expressionUnsupported(rule, text, found.why)
  return found.expression
}

function isLiteral(expression: Expression): boolean {
  if (expression.kind === 'negate') return isLiteral(expression.inner)
  return expression.kind === 'literal' || expression.kind === 'null'
}

function nullChecks(schema: StructType): readonly RowCheck[] {
  return schema.fields.flatMap((field) => [...fieldNullChecks(field, [field.name], '')])
}

/** `unless` is SQL that is true where an outer record is NULL: what is inside is only demanded where there is a record. */
function* fieldNullChecks(field: StructField, path: readonly string[], unless: string): Generator<RowCheck> {
  const column = columnSql(path)
  const rule = `NOT NULL of ${path.join('.')}`
  if (!field.nullable) yield { rule, sql: `(${unless}${column} IS NOT NULL)` }
  const { type } = field
  if (typeof type === 'string') return
  if (type.type === 'struct') {
    for (const inner of type.fields)
      yield* fieldNullChecks(inner, [...path, inner.name], `${unless}${column} IS NULL OR `)
    return
  }
  const [items, inner, mayBeNull] =
    type.type === 'array'
      ? [column, type.elementType, type.containsNull]
      : [`map_values(${column})`, type.valueType, type.valueContainsNull]
  if (demandsValues(inner) || (type.type === 'map' && demandsValues(type.keyType)))
    throw expressionUnsupported(rule, 'NOT NULL', 'it is demanded deep inside of an array or a map')
  const count = `len(list_filter(${items}, lambda e: e IS NULL))`
  if (!mayBeNull) yield { rule: `${rule}'s elements`, sql: `(${unless}${column} IS NULL OR ${count} = 0)` }
}

/** Whether a type forbids NULL anywhere inside. */
function demandsValues(type: DataType): boolean {
  if (typeof type === 'string') return false
  switch (type.type) {
    case 'struct':
      return type.fields.some((field) => !field.nullable || demandsValues(field.type))
    case 'array':
      return !type.containsNull || demandsValues(type.elementType)
    case 'map':
      return !type.valueContainsNull || demandsValues(type.keyType) || demandsValues(type.valueType)
  }
}

function columnSql(path: readonly string[]): string {
  const [first = '', ...rest] = path
  return rest.reduce((outer, name) => `struct_extract(${outer}, ${quoteText(name)})`, `t.${quoteName(first)}`)
}
