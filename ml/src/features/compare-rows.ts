import { type Engine, parseStats, type Snapshot, type StructType, scanSql } from '@tributary/delta'
import type { FeatureDefinition } from './definition.ts'
import { FRESH, type RowDifference, stageDifference } from './feature-rows.ts'

/** What a refresh would change. */
export interface ComparedRows {
  /** Undefined when all rows are written anew: there is no table yet, or it has other columns. */
  readonly difference: RowDifference | undefined
  readonly counts: { readonly inserted: number; readonly updated: number; readonly deleted: number }
  /** A SELECT of all rows that the table will have, and their number. */
  readonly after: string
  readonly keys: number
}

/** The computed rows and the table that they belong into. */
export interface Comparison {
  /** Undefined before the first refresh. */
  readonly current: Snapshot | undefined
  readonly schema: StructType
  readonly isFull: boolean
  /** How many rows were computed. */
  readonly fresh: number
}

/** Compares the computed rows with those that are stored. */
export async function compareRows(
  engine: Engine,
  definition: FeatureDefinition,
  { current, schema, isFull, fresh }: Comparison,
): Promise<ComparedRows> {
  if (current === undefined || shapeOf(current.schema) !== shapeOf(schema)) {
    const counts = { inserted: fresh, updated: 0, deleted: 0 }
    return { difference: undefined, counts, after: `SELECT * FROM ${FRESH}`, keys: fresh }
  }
  const stored = await scanSql(engine, current, { withPlace: !isFull })
  const difference = await stageDifference(engine, definition, schema.fields, { stored, isFull })
  const { counts, after } = difference
  return {
    difference,
    counts,
    after,
    keys: (await countStored(engine, current, stored)) + counts.inserted - counts.deleted,
  }
}

/** The number of stored rows, by the log where that knows it. */
async function countStored(engine: Engine, { files }: Snapshot, stored: string): Promise<number> {
  const known = files.map(({ stats, deletionVector }) => {
    const records = parseStats(stats)?.numRecords
    return records === undefined ? undefined : records - (deletionVector?.cardinality ?? 0)
  })
  if (known.every((count) => count !== undefined)) return known.reduce((sum, count) => sum + count, 0)
  const [row] = await engine.all(`SELECT count(*) AS n FROM (${stored})`)
  return Number(row?.['n'])
}

function shapeOf({ fields }: StructType): string {
  return JSON.stringify(fields.map(({ name, type }) => [name, type]))
}
