import {
  changesSql,
  duckdbType,
  type Engine,
  quoteName,
  readSnapshot,
  type Snapshot,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import type { NamedTable } from '@tributary/pipeline'
import type { InputStates } from './affected-keys.ts'
import type { TypedColumn } from './columns.ts'
import type { FeatureInput, FeatureQuery } from './compile.ts'
import type { FeatureState } from './feature-state.ts'

/** Tables that a feature reads, each at one version for the whole refresh. */
export interface InputHeads {
  /** By the name that the SQL gives the table. */
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly columnsOf: (table: string) => Promise<readonly TypedColumn[]>
}

/** Finds the inputs of a feature as they are asked for; each is read once, so that all of a refresh sees one version. */
export function openHeads(findTable: (name: string) => Promise<NamedTable>): InputHeads {
  const snapshots = new Map<string, Snapshot>()
  const columnsOf = async (table: string): Promise<readonly TypedColumn[]> => {
    const snapshot = snapshots.get(table) ?? (await readSnapshot((await findTable(table)).store))
    snapshots.set(table, snapshot)
    return snapshot.schema.fields.map(({ name, type }) => ({ name, type: duckdbType(type) }))
  }
  return { snapshots, columnsOf }
}

/** The versions of the inputs, as the state of a feature keeps them. */
export function versionsOf({ snapshots }: InputHeads): FeatureState['inputs'] {
  return [...snapshots].map(([table, { metadata, version }]) => ({ table, id: metadata.id, version }))
}

/** Views of the inputs at their snapshots, one an input; what the feature does not read is left out. */
export async function createViews(
  engine: Engine,
  { inputs }: Pick<FeatureQuery, 'inputs'>,
  snapshots: ReadonlyMap<string, Snapshot>,
  prefix: string,
): Promise<readonly string[]> {
  const names: string[] = []
  for (const [index, { table, columns }] of inputs.entries()) {
    const snapshot = snapshots.get(table)
    if (snapshot === undefined) continue
    const name = `${prefix}_${index}`
    const sql = await scanSql(engine, snapshot, { columns })
    await engine.run(`CREATE OR REPLACE TEMP VIEW ${name} AS ${sql}`)
    names.push(name)
  }
  return names
}

/** Why the changes of an input cannot be followed. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly reason: string
}

/**
 * The inputs as they were and as they are, with what differs. Whatever keeps the old state from being read is an answer: then the whole
 * feature is computed.
 */
export async function readStates(
  engine: Engine,
  query: FeatureQuery,
  heads: InputHeads,
  { state, now }: { readonly state: FeatureState; readonly now: readonly string[] },
): Promise<InputStates | Unreadable> {
  try {
    const old = new Map<string, Snapshot>()
    for (const { table, version } of state.inputs) {
      const head = heads.snapshots.get(table)
      if (head === undefined) continue
      const then = version === head.version ? head : await readSnapshot(head.store, { version })
      const changed = query.inputs.find((input) => input.table === table && !isSameShape(input, then, head))
      if (changed !== undefined) return { kind: 'unreadable', reason: `columns of ${table} have changed` }
      old.set(table, then)
    }
    const names = await createViews(engine, query, old, 'feature_old')
    const differences = await readDifferences(engine, query, { old, now: heads.snapshots })
    return { old: names, now, ...differences }
  } catch (error) {
    // Versions and files that VACUUM and log cleanup took.
    if (error instanceof TributaryError && GONE.has(error.code))
      return { kind: 'unreadable', reason: `the old state of its tables cannot be read any more (${error.code})` }
    throw error
  }
}

const GONE: ReadonlySet<string> = new Set([
  'VERSION_EXPIRED',
  'DATA_FILE_MISSING',
  'FILE_NOT_FOUND',
  'LOG_GAP',
  'VERSION_NOT_FOUND',
])

function isSameShape({ columns }: FeatureInput, then: Snapshot, now: Snapshot): boolean {
  const typeIn = ({ schema }: Snapshot, name: string): string =>
    JSON.stringify(schema.fields.find((field) => field.name === name)?.type ?? null)
  return columns.every((name) => typeIn(then, name) === typeIn(now, name))
}

async function readDifferences(
  engine: Engine,
  { inputs }: FeatureQuery,
  { old, now }: { readonly old: ReadonlyMap<string, Snapshot>; readonly now: ReadonlyMap<string, Snapshot> },
): Promise<Pick<InputStates, 'before' | 'after'>> {
  const [before, after]: [(string | undefined)[], (string | undefined)[]] = [[], []]
  for (const [index, { table, columns }] of inputs.entries()) {
    const [from, to] = [old.get(table), now.get(table)]
    if (from === undefined || to === undefined || from.version === to.version) {
      before.push(undefined)
      after.push(undefined)
      continue
    }
    // Without a key nothing is paired: what is equal on both sides cancels out below, also when it only moved to another file.
    const range = { fromVersion: from.version + 1, toVersion: to.version }
    const { sql } = await changesSql(engine, to.store, { ...range, net: true, key: [] })
    const list = columns.map(quoteName).join(', ')
    const moves = `feature_moves_${index}`
    await engine.run(`CREATE TEMP TABLE ${moves} AS SELECT ${list}, _change_type = 'insert' AS __came FROM (${sql})`)
    before.push(await subtract(engine, { name: `feature_before_${index}`, moves, list, isBefore: true }))
    after.push(await subtract(engine, { name: `feature_after_${index}`, moves, list, isBefore: false }))
  }
  return { before, after }
}

async function subtract(
  engine: Engine,
  {
    name,
    moves,
    list,
    isBefore,
  }: { readonly name: string; readonly moves: string; readonly list: string; readonly isBefore: boolean },
): Promise<string | undefined> {
  const [left, right] = isBefore ? ['NOT __came', '__came'] : ['__came', 'NOT __came']
  const side = (condition: string): string => `SELECT ${list} FROM ${moves} WHERE ${condition}`
  await engine.run(`CREATE TEMP TABLE ${name} AS ${side(left)} EXCEPT ALL ${side(right)}`)
  const [row] = await engine.all(`SELECT count(*) AS n FROM ${name}`)
  return Number(row?.['n']) === 0 ? undefined : name
}
