// A table whose second half has larger values and one more colour, and a definition over it.
import type { Change, TestTable } from './lake.ts'

const at = (minute: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + minute * 60_000).toISOString()
const ROWS = 1000

/** A thousand rows. */
export const items: TestTable = {
  name: 'w.items',
  key: ['id'],
  columns: {
    id: 'long',
    owner: 'string',
    t: 'timestamp',
    size: 'double',
    colour: 'string',
    calm: 'long',
    label: 'long',
  },
  changes: Array.from(
    { length: ROWS },
    (_, index): Change => ({
      op: 'I',
      sourceAt: at(index),
      batch: index,
      row: 7,
      values: {
        id: BigInt(index),
        owner: `o${index % 10}`,
        t: at(index),
        size: ((index * 37) % 100) + (index >= ROWS / 2 ? 60 : 0),
        colour: index >= ROWS / 2 && index % 3 === 0 ? 'new' : index % 2 === 0 ? 'red' : 'blue',
        calm: BigInt((index * 53) % 17),
        label: BigInt(index % 4 === 0 ? 1 : 0),
      },
    }),
  ),
}

/** A definition of two features over it, for the rows of a condition. */
export const definition = (name: string, where: string, more = ''): string => `dataset: ${name}
spine: {sql: 'SELECT id, owner, t AS "at", size, colour, calm, label FROM w.items WHERE ${where}', key: [id], at: at, label: label}
features:
  - asof: {table: w.items, on: [owner], select: [size], as: before}
  - window: {table: w.items, on: [owner], time: t, over: 30m, agg: {n: count, sum: sum(size)}, as: half_hour}
${more}`
