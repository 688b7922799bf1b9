// What of a feature's table has to change: the rows of the affected keys as the SQL gives them now, against those that are stored.

import { describeFields, duckdbType, type Engine, quoteName, type StructField, type StructType } from '@tributary/delta'
import { featureKeyRepeated } from '../errors.ts'
import type { TypedColumn } from './columns.ts'
import { createEmptyViews, type FeatureQuery } from './compile.ts'
import type { FeatureDefinition } from './definition.ts'
import { keyNames, resultSql } from './key-queries.ts'
import { refusalsOf } from './parse-feature-sql.ts'

/** The columns of a feature's table. Refuses what a table could not hold as it is, or under its name. */
export async function featureSchema(
  engine: Engine,
  { name, entity }: Pick<FeatureDefinition, 'name' | 'entity'>,
  query: FeatureQuery,
  columnsOf: (table: string) => Promise<readonly TypedColumn[]>,
): Promise<StructType> {
  const refuse = refusalsOf(name)
  const columns: (readonly TypedColumn[])[] = []
  for (const { table } of query.inputs) columns.push(await columnsOf(table))
  const sql = await resultSql(engine, query, { names: await createEmptyViews(engine, columns), asOfMs: 0 })
  const types = new Map(
    (await engine.all(`DESCRIBE ${sql}`)).map((row) => [String(row['column_name']), String(row['column_type'])]),
  )
  const { fields } = await describeFields(engine, sql)
  const seen = new Set<string>()
  for (const field of fields) {
    if (/[ ,;{}()\n\t=]/.test(field.name) || seen.has(field.name.toLowerCase()))
      throw refuse(
        `a column called ${field.name}`,
        'Give each column a name of its own with AS, of letters, digits and _',
      )
    seen.add(field.name.toLowerCase())
    const type = types.get(field.name)
    if (field.type === 'string' && type !== 'VARCHAR')
      throw refuse(
        `a column ${field.name} of the type ${type}`,
        'Cast it to a type that Delta has, or take its fields as columns',
      )
    if (entity.includes(field.name) && typeof field.type !== 'string')
      throw refuse(`an entity column ${field.name} of the type ${type}`, 'Take plain columns for the entity')
  }
  return { type: 'struct', fields: fields.map((field) => ({ ...field, nullable: true })) }
}

/** Temporary tables of a refresh. */
export const FRESH = 'feature_fresh'
export const AFFECTED = 'feature_affected'

/** Rows of keys with a NULL are left out, and counted. */
export interface FreshRows {
  readonly count: number
  readonly withoutKey: number
}

/** Puts the rows that the SQL gives now into `feature_fresh`, in the types of the table. Throws `FEATURE_KEY_REPEATED`. */
export async function stageFresh(
  engine: Engine,
  { name, entity }: Pick<FeatureDefinition, 'name' | 'entity'>,
  schema: StructType,
  sql: string,
): Promise<FreshRows> {
  const columns = schema.fields.map(
    (field) => `CAST(${quoteName(field.name)} AS ${duckdbType(field.type)}) AS ${quoteName(field.name)}`,
  )
  await engine.run(`CREATE TEMP TABLE ${FRESH} AS SELECT ${columns.join(', ')} FROM (${sql})`)
  const isKeyless = entity.map((column) => `${quoteName(column)} IS NULL`).join(' OR ')
  const [all] = await engine.all(`SELECT count(*) AS n, count_if(${isKeyless}) AS keyless FROM ${FRESH}`)
  const withoutKey = Number(all?.['keyless'])
  if (withoutKey > 0) await engine.run(`DELETE FROM ${FRESH} WHERE ${isKeyless}`)
  const [twice] = await engine.all(`SELECT ${nameList(entity)} FROM ${FRESH} GROUP BY ALL HAVING count(*) > 1 LIMIT 1`)
  if (twice !== undefined)
    throw featureKeyRepeated(
      name,
      Object.entries(twice)
        .map(([column, value]) => `${column} = ${String(value)}`)
        .join(', '),
    )
  return { count: Number(all?.['n']) - withoutKey, withoutKey }
}

const [KEPT, WRITTEN, LEFT] = ['feature_kept', 'feature_written', 'feature_left']
// No column of a feature is called so.
const WAS_THERE = '__tributary_was_there'

/** SELECTs: rows that are new or different, and keys whose stored rows go for them or for good; and how many of each there are. */
export interface RowDifference {
  readonly fresh: string
  readonly gone: string
  /** Where these stored rows are, when only those of the affected keys were read. */
  readonly places: string | undefined
  readonly counts: { readonly inserted: number; readonly updated: number; readonly deleted: number }
  /** All rows that the table will have. */
  readonly after: string
}

/**
 * Compares `feature_fresh` with the stored rows of the same keys; rows that are equal stay untouched. What differs is put into temporary
 * tables: it is asked for several times, and the stored rows are to be read once.
 */
export async function stageDifference(
  engine: Engine,
  { entity }: Pick<FeatureDefinition, 'entity'>,
  fields: readonly StructField[],
  { stored, isFull }: { readonly stored: string; readonly isFull: boolean },
): Promise<RowDifference> {
  const key = nameList(entity)
  const columns = nameList(fields.map(({ name }) => name))
  const pairs = entity.map((column) => `s.${quoteName(column)} = f.${quoteName(column)}`).join(' AND ')
  const affected = keyNames({ key: entity.map(() => ({})) })
  const among = entity.map((column, index) => `s.${quoteName(column)} = a.${affected[index]}`).join(' AND ')
  if (!isFull)
    await engine.run(
      `CREATE TEMP TABLE ${KEPT} AS SELECT ${columns}, __path, __position FROM (${stored}) s SEMI JOIN ${AFFECTED} a ON ${among}`,
    )
  const kept = isFull ? `(${stored})` : KEPT
  const wasThere = `s.${quoteName(entity[0] ?? '')} IS NOT NULL`
  const differs = fields.map(({ name }) => `s.${quoteName(name)} IS DISTINCT FROM f.${quoteName(name)}`).join(' OR ')
  await engine.run(`CREATE TEMP TABLE ${WRITTEN} AS
    SELECT f.*, ${wasThere} AS ${WAS_THERE} FROM ${FRESH} f LEFT JOIN ${kept} s ON ${pairs} WHERE ${differs}`)
  await engine.run(`CREATE TEMP TABLE ${LEFT} AS SELECT ${key} FROM ${kept} s ANTI JOIN ${FRESH} f ON ${pairs}`)
  const [row] = await engine.all(`SELECT count_if(NOT ${WAS_THERE}) AS inserted, count_if(${WAS_THERE}) AS updated,
    (SELECT count(*) FROM ${LEFT}) AS deleted FROM ${WRITTEN}`)
  const gone = `SELECT ${key} FROM ${WRITTEN} UNION ALL SELECT ${key} FROM ${LEFT}`
  return {
    fresh: `SELECT ${columns} FROM ${WRITTEN}`,
    gone,
    places: isFull ? undefined : `SELECT __path, __position FROM ${KEPT} s SEMI JOIN (${gone}) f ON ${pairs}`,
    after: isFull
      ? `SELECT ${columns} FROM ${FRESH}`
      : `SELECT ${columns} FROM ${FRESH} UNION ALL SELECT ${columns} FROM (${stored}) s WHERE NOT EXISTS (SELECT 1 FROM ${AFFECTED} a WHERE ${among})`,
    counts: {
      inserted: Number(row?.['inserted']),
      updated: Number(row?.['updated']),
      deleted: Number(row?.['deleted']),
    },
  }
}

function nameList(names: readonly string[]): string {
  return names.map(quoteName).join(', ')
}
