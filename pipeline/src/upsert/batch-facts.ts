import { type ColumnBounds, type Engine, quoteName, type Row } from '@tributary/delta'
import { sequenceLengthChanged } from '../errors.ts'
import { fieldOf, movedSql, nameList, ROW_BITS, type TableShape } from './batch.ts'
import { keyBounds } from './key-bounds.ts'

/** A file of the batch. */
export interface BatchFile {
  /** Its number in `__n`. */
  readonly number: number
  readonly key: string
  readonly rows: number
}

/** What one look at the staged batch tells. */
export interface BatchFacts {
  readonly rows: number
  readonly files: readonly BatchFile[]
  /** Some row deletes its key, or moves away from one. */
  readonly hasDeletes: boolean
  /** Some row lacks columns that the source did not log. */
  readonly isPartial: boolean
  /** Some row moves from one key to another. */
  readonly hasMoves: boolean
  /** No key comes twice. */
  readonly hasUniqueKeys: boolean
  /** `changeSumOf` the rows. */
  readonly changeSum: bigint
  /** No floating-point value is NaN. */
  readonly hasNoNan: boolean
  /** The range of each key column, old keys included, where statistics can be compared with it. */
  readonly keyBounds: readonly ColumnBounds[]
  /** Length of the sequence texts; undefined without any, or when the sequence has a type of its own. */
  readonly sequenceLength: number | undefined
  /** Commit time at the source of the newest change, where the endpoint writes one. */
  readonly sourceAt: string | undefined
}

/** Looks at table `batch`. Throws `SEQUENCE_LENGTH_CHANGED`: texts of different length cannot be compared bytewise (law 2). */
export async function readBatchFacts(
  engine: Engine,
  shape: TableShape,
  options: { readonly knownLength: number | undefined; readonly timestampColumn: string | undefined },
): Promise<BatchFacts> {
  const isText = shape.sequence !== undefined && fieldOf(shape, shape.sequence).type === 'string'
  const time = shape.schema.fields.find(({ name }) => name === options.timestampColumn)
  const bounds = keyBounds(shape.key, { withOldKeys: true })
  const floats = shape.schema.fields.filter(({ type }) => type === 'double' || type === 'float')
  const isNan = floats.map(({ name }) => `coalesce(bool_or(isnan(${quoteName(name)})), false)`)
  const number = `"__n" >> ${ROW_BITS}`
  const [row = {}] =
    await engine.all(`SELECT count(*) AS rows, min(${number}) AS first, max(${number}) AS last, any_value("__file") AS file, coalesce(bool_or("__op" = 'D'), false) AS deletes,
      coalesce(bool_or(len("__unset") > 0), false) AS partial,
      ${isText ? 'min(strlen("__seq"))' : 'NULL'} AS shortest, ${isText ? 'max(strlen("__seq"))' : 'NULL'} AS longest,
      coalesce(bool_or(${movedSql(shape)}), false) AS moves,
      ${isNan.length === 0 ? 'false' : isNan.join(' OR ')} AS nan, coalesce(${changeSumOf(shape).sum}, 0) AS change_sum, count(*) = count(DISTINCT (${nameList(shape.key)})) AS unique_keys, ${bounds.select},
      ${time === undefined ? 'NULL' : `max(CAST(${quoteName(time.name)} AS VARCHAR)) FILTER (WHERE "__phase" = 1)`} AS newest
    FROM batch`)
  const { shortest, longest, newest } = row
  if (shortest !== null && shortest !== undefined) {
    const expected = options.knownLength ?? Number(shortest)
    if (Number(shortest) !== expected || Number(longest) !== expected) await refuseLength(engine, shape, expected)
  }
  const hasMoves = row['moves'] === true
  return {
    rows: Number(row['rows'] ?? 0),
    files: row['first'] === row['last'] ? onlyFile(row) : await readFiles(engine),
    hasDeletes: hasMoves || row['deletes'] === true,
    isPartial: row['partial'] === true,
    hasMoves,
    hasUniqueKeys: row['unique_keys'] === true,
    changeSum: BigInt(String(row['change_sum'] ?? 0)),
    hasNoNan: row['nan'] === false && !hasNested(shape),
    keyBounds: bounds.of(row),
    sequenceLength: shortest === null || shortest === undefined ? undefined : Number(shortest),
    sourceAt: typeof newest === 'string' ? newest : undefined,
  }
}

/**
 * SQL of a number that tells which keys are changed, and by which operations, from others, in whichever order they come, and of each row's part in it.
 * It is no proof against malice.
 */
export function changeSumOf({ key }: TableShape): { readonly sum: string; readonly part: string } {
  // Twice: DuckDB puts the hashes of several values together by exclusive or, and from two rows these would cancel out.
  const part = `hash(hash(${nameList([...key, '__op'])}))`
  return { sum: `bit_xor(${part})`, part }
}

function onlyFile({ first, file, rows }: Row): readonly BatchFile[] {
  return rows === 0n ? [] : [{ number: Number(first), key: String(file), rows: Number(rows) }]
}

async function readFiles(engine: Engine): Promise<readonly BatchFile[]> {
  const files = await engine.all(
    `SELECT "__n" >> ${ROW_BITS} AS number, any_value("__file") AS key, count(*) AS rows FROM batch GROUP BY 1`,
  )
  return files.map(({ number, key, rows }) => ({ number: Number(number), key: String(key), rows: Number(rows) }))
}

// Files of DMS have no such columns; tables that were adopted may.
function hasNested({ schema }: TableShape): boolean {
  return schema.fields.some(({ type }) => typeof type !== 'string')
}

async function refuseLength(engine: Engine, shape: TableShape, expected: number): Promise<never> {
  const [odd] = await engine.all(`SELECT strlen("__seq") AS length, "__file" AS file FROM batch
    WHERE strlen("__seq") <> ${expected} ORDER BY "__place", "__row" LIMIT 1`)
  throw sequenceLengthChanged(shape.sequence ?? '', String(odd?.['file']), { expected, found: Number(odd?.['length']) })
}
