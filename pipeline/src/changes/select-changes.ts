import {
  CHANGE_FIELDS,
  type ChangesSelect,
  changePairsSql,
  changesSql,
  type Engine,
  quoteName,
  quoteText,
  readSnapshot,
  type StructField,
  scanSql,
} from '@tributary/delta'
import type { PlannedChanges } from './plan-changes.ts'

/** The kinds of change. */
export const CHANGE_OPS = ['insert', 'update', 'delete'] as const
/** A kind of change. */
export type ChangeOp = (typeof CHANGE_OPS)[number]

/** What of the changes is wanted. */
export interface ChangesView {
  /** Only these kinds; all, unless set. */
  readonly ops?: readonly ChangeOp[]
}

/**
 * A SELECT of planned changes as design.md §6 has them: an update is two rows. Puts temporary tables on the engine, as `changesSql` does,
 * and throws what that throws.
 */
export async function changeRowsSql(
  engine: Engine,
  planned: PlannedChanges,
  { ops }: ChangesView = {},
): Promise<ChangesSelect> {
  const { newest, request, isSnapshot, isEmpty } = planned
  if (isSnapshot) {
    const { sql, fields } = await snapshotSql(engine, planned)
    const all = [...fields, ...CHANGE_FIELDS]
    return { sql: `SELECT ${names(all)} FROM (${sql}) WHERE ${typesSql(ops)}`, fields: all }
  }
  const { sql, fields } = await changesSql(engine, newest.store, request)
  if (!isEmpty && ops === undefined) return { sql, fields }
  return { sql: `SELECT * FROM (${sql}) WHERE ${isEmpty ? 'false' : typesSql(ops)}`, fields }
}

/** A SELECT of planned changes with one row for each: see `changePairsSql`. */
export async function changePairs(
  engine: Engine,
  planned: PlannedChanges,
  { ops }: ChangesView = {},
): Promise<ChangesSelect> {
  const { newest, request, isSnapshot, isEmpty } = planned
  const { sql, fields } = isSnapshot
    ? await snapshotSql(engine, planned)
    : await changePairsSql(engine, newest.store, request)
  return { sql: `SELECT * FROM (${sql}) WHERE ${isEmpty ? 'false' : typesSql(ops)}`, fields }
}

/** The table as inserts, in the form of `changePairsSql`; it streams, since nothing has to be paired. */
async function snapshotSql(engine: Engine, { newest, until, key, request }: PlannedChanges): Promise<ChangesSelect> {
  const snapshot = until === newest.version ? newest : await readSnapshot(newest.store, { version: until })
  const wanted = request.columns === undefined ? undefined : [...key, ...request.columns]
  const lower = wanted?.map((name) => name.toLowerCase())
  const fields = snapshot.schema.fields.filter(({ name }) => lower?.includes(name.toLowerCase()) ?? true)
  // By the names that were asked for, so that one that is no column is told.
  const columns = wanted?.filter((name, index) => lower?.indexOf(name.toLowerCase()) === index)
  const scan = await scanSql(engine, snapshot, columns === undefined ? {} : { columns })
  const time = `make_timestamptz(${Math.round(snapshot.timestampMs * 1000)})`
  const record = fields.map(({ name }) => `${quoteName(name)} := ${quoteName(name)}`).join(', ')
  const sql = `SELECT ${names(fields)}, 'insert' AS _change_type, ${until}::BIGINT AS _commit_version, ${time} AS _commit_timestamp,
    CASE WHEN false THEN struct_pack(${record}) END AS __before, 0 AS __group FROM (${scan})`
  return { sql, fields }
}

function names(fields: readonly StructField[]): string {
  return fields.map(({ name }) => quoteName(name)).join(', ')
}

function typesSql(ops: readonly ChangeOp[] | undefined): string {
  if (ops === undefined) return 'true'
  const types = ops.flatMap((op) => (op === 'update' ? ['update', 'update_preimage', 'update_postimage'] : [op]))
  return `_change_type IN (${types.map(quoteText).join(', ')})`
}
