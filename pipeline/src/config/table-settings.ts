import { z } from 'zod'
import { tableProperties } from './table-properties.ts'

const DURATION = /^([0-9]+) ?(s|m|h|d)$/
const TIME = 'Write a time such as 60s, 10m, 24h or 90d'
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90d`, `10m`, `60s`, or a number of seconds; in milliseconds. */
export const duration = z
  .union([z.number().nonnegative(TIME), z.string().regex(DURATION, TIME)], TIME)
  .transform((value) => {
    if (typeof value === 'number') return value * UNIT_MS.s
    const [, count, unit] = DURATION.exec(value) ?? []
    return Number(count) * (unit === 'm' ? UNIT_MS.m : unit === 'h' ? UNIT_MS.h : unit === 'd' ? UNIT_MS.d : UNIT_MS.s)
  })

const PRIMITIVES = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
] as const
export type ColumnType = (typeof PRIMITIVES)[number] | `decimal(${number},${number})`

/** What a column's type may be, for messages. */
export const TYPE_REMEDY = `Write a Delta type: ${PRIMITIVES.join(', ')} or decimal(precision,scale) with precision up to 38`

/** A column's Delta type as text; `decimal(12, 2)` is taken for `decimal(12,2)`. */
export const columnType = z.string(TYPE_REMEDY).transform((text, context): ColumnType => {
  const type = parseColumnType(text)
  if (type !== undefined) return type
  context.addIssue({ code: 'custom', message: `"${text}" is not a type. ${TYPE_REMEDY}` })
  return z.NEVER
})

/** The type that a text spells, if it is one. */
export function parseColumnType(text: string): ColumnType | undefined {
  const name = text.trim() === 'timestampNtz' ? 'timestamp_ntz' : text.replaceAll(/\s/g, '')
  const primitive = PRIMITIVES.find((candidate) => candidate === name)
  if (primitive !== undefined) return primitive
  const [, precision, scale] = /^decimal\(([0-9]{1,2}),([0-9]{1,2})\)$/.exec(name) ?? []
  if (precision === undefined || scale === undefined) return undefined
  const [p, s] = [Number(precision), Number(scale)]
  return p >= 1 && p <= 38 && s <= p ? `decimal(${p},${s})` : undefined
}

/** A text that is not empty, with the remedy where it is something else. */
export function filled(remedy: string): z.ZodString {
  return z.string(remedy).min(1, remedy)
}

const NAME = 'Write the name of a column, in quotes where it would be a number or true'
const NAMES = 'Write a list of columns, such as [order_id]'
const names = z.array(filled(NAME), NAMES)
const flag = z.boolean('Write true or false')

/** One entry of `tables:`. */
export const tableSettings = z.strictObject(
  {
    key: names.min(1, NAMES),
    columns: z
      .record(z.string().min(1), columnType, 'Write a type for each column, such as {order_id: long}')
      .optional(),
    sequence: filled(NAME).optional(),
    write: z.enum(['merge-on-read', 'copy-on-write'], 'Write merge-on-read or copy-on-write').optional(),
    history: flag.optional(),
    changeDataFeed: flag.optional(),
    partitionBy: names.optional(),
    rename: z
      .record(z.string().min(1), filled(NAME), 'Write a new name for each column, such as {ORDER_ID: order_id}')
      .optional(),
    keepOnNull: names.optional(),
    engine: z.enum(['duckdb', 'spark', 'auto'], 'Write duckdb or auto').optional(),
    tombstones: duration.optional(),
    freshness: duration.optional(),
    typeWidening: flag.optional(),
    upkeep: z.enum(['auto', 'off'], 'Write auto or off').optional(),
    properties: tableProperties.optional(),
  },
  'Write the settings of the table, at least its key, such as {key: [order_id]}',
)

/** Settings that the file format knows and this version does not do; the one place that says so. */
export function comesLater(
  table: z.output<typeof tableSettings>,
): { readonly name: string; readonly value: string } | undefined {
  if (table.changeDataFeed === true) return { name: 'changeDataFeed', value: 'true' }
  if (table.engine === 'spark') return { name: 'engine', value: 'spark' }
  if (table.typeWidening === true) return { name: 'typeWidening', value: 'true' }
  return undefined
}

/** `shop.orders`, or quoted as in SQL: `"my shop"."orders"`. Undefined when it is neither or could do harm in a path. */
export function parseTableName(text: string): { readonly schema: string; readonly table: string } | undefined {
  const match = /^(?:"([^"]+)"|([^".]+))\.(?:"([^"]+)"|([^"]+))$/.exec(text)
  const schema = match?.[1] ?? match?.[2]
  const table = match?.[3] ?? match?.[4]
  if (schema === undefined || table === undefined) return undefined
  // A dot in the schema would make two tables of one name; the rest could leave the lake's folder.
  if (
    schema.includes('.') ||
    [schema, table].some((part) => part === '.' || part === '..' || /[\p{Cc}"'`\\/]/u.test(part))
  )
    return undefined
  return { schema, table }
}
