import { duckdbType, type Engine, quoteName, type Store, unskippedSql } from '@tributary/delta'
import { changeBeyondHorizon, latePartialRow } from '../errors.ts'
import type { Horizon, Segment } from '../ledger/table-state.ts'
import {
  fieldOf,
  horizonSql,
  movedSql,
  nameList,
  ROW_COLUMNS,
  sameKey,
  type TableShape,
  type Winners,
} from './batch.ts'
import { compareOrder, newestFirst, orderColumns } from './order.ts'
import { tombstonesSql } from './tombstones.ts'

/** Counts of law 3 for one landing file, as the path that applies rows sees them. */
export interface FileOutcome {
  readonly key: string
  readonly applied: number
  readonly superseded: number
  readonly noop: number
}

/** What the batch does to the table. */
export interface BatchOutcome {
  readonly files: readonly FileOutcome[]
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** Updates of a key that the table did not hold: a sign of a key change without a before image. */
  readonly updatesOfAbsent: number
  /** Keys whose delete a tombstone must remember. */
  readonly buried: number
}

/**
 * Decides each winner (table `decided`): applied, superseded by a newer stored change, or no-op.
 * Without `guard` the order of files alone is the order of changes, and only a delete of an absent key is a no-op.
 * Where rows are partial, table `overtaken` names the effects (`__n`, `__sub`) that are no newer than what their key last took.
 */
export async function decideWinners(
  { engine, store }: { readonly engine: Engine; readonly store: Store },
  shape: TableShape,
  options: {
    readonly winners: Winners
    readonly guard: boolean
    readonly isPartial: boolean
    /** SELECT of the located rows with the order that each last took; undefined when there are none. */
    readonly ranked: string | undefined
    readonly tombstones: readonly Segment[]
  },
): Promise<void> {
  const { winners, guard, isPartial, ranked, tombstones } = options
  const key = nameList(shape.key)
  if (guard && isPartial && ranked !== undefined) await refuseLatePartialRows(engine, shape, ranked)
  const newest = guard ? newestFirst : '"__path", "__position"'
  const stored = (sql: string): Rival => ({ alias: 's', mark: '"__live"', sql, decides: guard })
  const buried: Rival[] = []
  if (guard && tombstones.length > 0) {
    const rows = unskippedKeys(await tombstonesSql({ engine, store }, tombstones), shape)
    const dead = `SELECT * FROM (${rows}) t SEMI JOIN ${winners.relation} w USING (${key})`
    buried.push({ alias: 'd', mark: '"__dead"', sql: newestOfKey(dead, key, newestFirst), decides: true })
  }
  if (isPartial)
    await writeOvertaken(engine, shape, guard && ranked !== undefined ? [stored(ranked), ...buried] : buried)
  if (ranked === undefined) {
    await writeDecisions(engine, shape, { winners, rivals: buried })
    return
  }
  // A key has one live row (law 4), so each winner has one decision. Only where another writer broke that, the newest row has to be found.
  if ((await writeDecisions(engine, shape, { winners, rivals: [stored(ranked), ...buried] })) !== winners.rows)
    await writeDecisions(engine, shape, { winners, rivals: [stored(newestOfKey(ranked, key, newest)), ...buried] })
}

/** The segments of earlier versions have bloom filters (decision 26). */
function unskippedKeys(rows: string, shape: TableShape): string {
  const items = shape.key.map((name) => {
    const column = quoteName(name)
    return { column, sql: unskippedSql(column, duckdbType(fieldOf(shape, name).type)) }
  })
  const replaced = items.filter(({ column, sql }) => sql !== column).map(({ column, sql }) => `${sql} AS ${column}`)
  return replaced.length === 0 ? rows : `SELECT * REPLACE (${replaced.join(', ')}) FROM (${rows})`
}

interface Contest {
  readonly winners: Winners
  readonly rivals: readonly Rival[]
}

/** Table `decided`; tells how many rows it has. */
async function writeDecisions(engine: Engine, shape: TableShape, contest: Contest): Promise<number> {
  const [created] = await engine.all(`CREATE OR REPLACE TEMP TABLE decided AS ${decisionsSql(shape, contest)}`)
  return Number(created?.['Count'] ?? 0)
}

function decisionsSql(shape: TableShape, { winners, rivals }: Contest): string {
  const order = { hasSequence: shape.sequence !== undefined }
  const columns = ['__n', '__sub', '__delete', ...(winners.areAll ? ROW_COLUMNS : []), ...shape.key]
  const joins = rivals.map(
    ({ alias, mark, sql }) =>
      `LEFT JOIN (SELECT *, true AS ${mark} FROM (${sql})) ${alias} ON ${sameKey(shape.key, 'w', alias)}`,
  )
  const orders = rivals
    .filter(({ decides }) => decides)
    .map(({ alias, mark }) => `CASE WHEN ${alias}.${mark} THEN ${compareOrder('w', alias, order)} ELSE 1 END`)
  const isLive = rivals.some(({ alias }) => alias === 's') ? 'coalesce(s."__live", false)' : 'false'
  return `SELECT * EXCLUDE ("__order"), CASE
      WHEN "__order" < 0 THEN 'superseded'
      WHEN "__order" = 0 THEN 'noop'
      WHEN "__delete" AND NOT "__live" THEN 'noop'
      ELSE 'applied' END AS "__outcome"
    FROM (SELECT ${nameList(columns, 'w')}, ${isLive} AS "__live", ${orders.length === 0 ? '1' : `least(${orders.join(', ')})`} AS "__order"
      FROM ${winners.relation} w ${joins.join(' ')})`
}

/** Values of such a change do not shine through those of a row that lacks them: the stored row, or its end, came after them. */
async function writeOvertaken(engine: Engine, shape: TableShape, rivals: readonly Rival[]): Promise<void> {
  const order = { hasSequence: shape.sequence !== undefined }
  const found = rivals.map(
    ({
      alias,
      sql,
    }) => `SELECT e."__n", e."__sub" FROM effects e JOIN (${sql}) ${alias} ON ${sameKey(shape.key, 'e', alias)}
      WHERE ${compareOrder('e', alias, order)} <= 0`,
  )
  const none = 'SELECT "__n", "__sub" FROM effects WHERE false'
  await engine.run(`CREATE OR REPLACE TEMP TABLE overtaken AS ${[none, ...found].join(' UNION ')}`)
}

/** What a winner may be older than: the row that is stored, or a delete that is remembered. */
interface Rival {
  readonly alias: string
  readonly mark: string
  readonly sql: string
  /** Whether its order counts. */
  readonly decides: boolean
}

/** SELECT of one row a key: the first in an order. */
export function newestOfKey(rows: string, key: string, order: string): string {
  return `SELECT * FROM (${rows}) QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY ${order}) = 1`
}

/** Throws `CHANGE_BEYOND_HORIZON` when a change of the batch is beyond the horizon. */
export async function refuseBeyondHorizon(engine: Engine, shape: TableShape, horizon: Horizon): Promise<void> {
  const [late] = await rowsBeyondHorizon(engine, shape, horizon)
  if (late !== undefined) throw changeBeyondHorizon(late.file, late.row)
}

/**
 * The changes in `decided` that would bring a key back and are older than a delete that is no longer remembered. A key that the
 * table holds is safe: its row says what it last took.
 */
export async function rowsBeyondHorizon(
  engine: Engine,
  shape: TableShape,
  horizon: Horizon,
): Promise<readonly { readonly file: string; readonly row: number }[]> {
  const order = { hasSequence: shape.sequence !== undefined }
  const rows = await engine.all(`SELECT b."__file" AS file, b."__row" AS row
    FROM decided d JOIN batch b ON b."__n" = d."__n", (${horizonSql(shape, horizon)}) h
    WHERE d."__outcome" = 'applied' AND NOT d."__delete" AND NOT d."__live" AND ${compareOrder('b', 'h', order)} <= 0
    ORDER BY 1, 2`)
  return rows.map(({ file, row }) => ({ file: String(file), row: Number(row) }))
}

const isBuried = `"__delete" AND "__outcome" <> 'superseded'`

/** SELECT over `decided` of the deletes that tombstones must remember, also of keys that the table did not hold. */
export function buriedSql(shape: TableShape): string {
  return `SELECT ${nameList(shape.key, 'd')}, ${nameList(orderColumns, 'b')} FROM decided d JOIN batch b ON b."__n" = d."__n" WHERE ${isBuried}`
}

/**
 * Adds the decisions up, file by file. A row with two effects counts once, by the stronger of them; without moves each row has one
 * effect at most.
 */
export async function countOutcomes(
  engine: Engine,
  shape: TableShape,
  { winners, hasMoves }: { readonly winners: Winners; readonly hasMoves: boolean },
): Promise<BatchOutcome> {
  const count = (condition: string): string =>
    hasMoves ? `count(*) FILTER (WHERE ${condition})` : `(${condition})::INTEGER`
  const strongest = `CASE "__outcome" WHEN 'applied' THEN 3 WHEN 'superseded' THEN 2 ELSE 1 END`
  const effects = `SELECT "__n", ${winners.areAll ? `${nameList(ROW_COLUMNS)}, ` : ''}${hasMoves ? `max(${strongest})` : strongest} AS strongest,
        ${count(`"__outcome" = 'applied' AND NOT "__delete" AND NOT "__live"`)} AS inserted,
        ${count(`"__outcome" = 'applied' AND NOT "__delete" AND "__live"`)} AS updated,
        ${count(`"__outcome" = 'applied' AND "__delete" AND "__live"`)} AS deleted,
        ${count(isBuried)} AS buried
      FROM decided${hasMoves ? ' GROUP BY "__n"' : ''}`
  const isUnmoved = `"__op" = 'U'${hasMoves ? ` AND NOT "__moved"` : ''}`
  const rows = `SELECT "__n", ${nameList(ROW_COLUMNS)}${hasMoves ? `, ${movedSql(shape)} AS "__moved"` : ''} FROM batch`
  // Rows that are all winners bring what is counted by with them: a decision that went missing shows in the counts then.
  const counted = winners.areAll ? `(${effects})` : `(${rows}) b LEFT JOIN (${effects}) e USING ("__n")`
  const files = await engine.all(`SELECT "__file" AS file,
      count(*) FILTER (WHERE strongest = 3) AS applied,
      count(*) FILTER (WHERE strongest IS NULL OR strongest = 2) AS superseded,
      count(*) FILTER (WHERE strongest = 1) AS noop,
      sum(inserted) AS inserted, sum(updated) AS updated, sum(deleted) AS deleted,
      sum(buried) AS buried, sum(inserted) FILTER (WHERE ${isUnmoved}) AS absent
    FROM ${counted} GROUP BY "__file"`)
  const total = (name: string): number => files.reduce((sum, row) => sum + Number(row[name] ?? 0), 0)
  const absent = total('absent')
  return {
    files: files.map((row) => ({
      key: String(row['file']),
      applied: Number(row['applied']),
      superseded: Number(row['superseded']),
      noop: Number(row['noop']),
    })),
    inserted: total('inserted'),
    updated: total('updated'),
    deleted: total('deleted'),
    // Where no key comes twice, no row of the batch inserts what another one updates.
    updatesOfAbsent:
      absent === 0 || winners.areAll ? absent : absent - (await countInsertedHere(engine, shape, { isUnmoved, rows })),
    buried: total('buried'),
  }
}

/** Of the updates whose key the table did not hold, those whose key the same batch inserts: nothing is strange about them. */
async function countInsertedHere(
  engine: Engine,
  shape: TableShape,
  { isUnmoved, rows }: { readonly isUnmoved: string; readonly rows: string },
): Promise<number> {
  const [found] = await engine.all(`SELECT count(*) AS n FROM decided d JOIN (${rows}) b ON b."__n" = d."__n"
    WHERE ${isUnmoved} AND d."__outcome" = 'applied' AND NOT d."__delete" AND NOT d."__live"
      AND EXISTS (SELECT 1 FROM batch i WHERE i."__op" = 'I' AND ${sameKey(shape.key, 'i', 'd')})`)
  return Number(found?.['n'])
}

/** A late row that lacks columns cannot be merged: what it would have left untouched is no longer known (law 2). */
async function refuseLatePartialRows(engine: Engine, shape: TableShape, ranked: string): Promise<void> {
  const order = { hasSequence: shape.sequence !== undefined }
  const [late] = await engine.all(`SELECT b."__file" AS file, b."__row" AS row
    FROM batch b JOIN (${ranked}) s ON ${sameKey(shape.key, 'b', 's')}
    WHERE len(b."__unset") > 0 AND ${compareOrder('b', 's', order)} < 0 LIMIT 1`)
  if (late !== undefined) throw latePartialRow(String(late['file']), Number(late['row']))
}
