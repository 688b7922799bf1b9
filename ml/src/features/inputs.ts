import {
  changesSql,
  duckdbType,
  type Engine,
  quoteName,
  type Snapshot,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import type { NamedTable } from '@tributary/pipeline'
import type { InputStates } from './affected-keys.ts'
import type { TypedColumn } from './columns.ts'
import type { FeatureInput, FeatureQuery } from './compile.ts'
import type { FeatureState } from './feature-state.ts'
import { type KnownTables, knownTables } from './known-tables.ts'

/** Tables that a feature reads, each at one version for the whole refresh. */
export interface InputHeads {
  /** By the name that the SQL gives the table. */
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly tables: KnownTables
  readonly columnsOf: (table: string) => Promise<readonly TypedColumn[]>
}

/** Finds the inputs of a feature as they are asked for; each is read once, so that all of a refresh sees one version. */
export function openHeads(
  findTable: (name: string) => Promise<NamedTable>,
  tables: KnownTables = knownTables(),
): InputHeads {
  const snapshots = new Map<string, Snapshot>()
  const columnsOf = async (table: string): Promise<readonly TypedColumn[]> => {
    const snapshot = snapshots.get(table) ?? (await tables.latest((await findTable(table)).store))
    snapshots.set(table, snapshot)
    return snapshot.schema.fields.map(({ name, type }) => ({ name, type: duckdbType(type) }))
  }
  return { tables, snapshots, columnsOf }
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
  const scans = new Map<string, string>()
  for (const [index, { table, columns }] of inputs.entries()) {
    const snapshot = snapshots.get(table)
    if (snapshot === undefined) continue
    // A table that is named twice is laid out once.
    const scan = scans.get(table) ?? (await scanSql(engine, snapshot, { columns: columnsRead(inputs, table) }))
    scans.set(table, scan)
    const name = `${prefix}_${index}`
    const list = columns.map(quoteName).join(', ')
    await engine.run(`CREATE OR REPLACE TEMP VIEW ${name} AS SELECT ${list} FROM (${scan})`)
    names.push(name)
  }
  return names
}

/** What all inputs of one table read of it. */
function columnsRead(inputs: readonly FeatureInput[], table: string): readonly string[] {
  return [...new Set(inputs.flatMap((input) => (input.table === table ? input.columns : [])))]
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
      const then = version === head.version ? head : await heads.tables.at(head.store, version)
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
  const moves = new Map<string, string>()
  for (const [index, { table, columns }] of inputs.entries()) {
    const [from, to] = [old.get(table), now.get(table)]
    if (from === undefined || to === undefined || from.version === to.version) {
      before.push(undefined)
      after.push(undefined)
      continue
    }
    // A table may be read twice, each time in other columns.
    const moved =
      moves.get(table) ?? (await stageMoves(engine, { from, to, columns: columnsRead(inputs, table), index }))
    moves.set(table, moved)
    const difference = await subtract(engine, { moved, columns, index })
    before.push(difference.before)
    after.push(difference.after)
  }
  return { before, after }
}

/** All rows that left files or came with files. */
async function stageMoves(
  engine: Engine,
  {
    from,
    to,
    columns,
    index,
  }: { readonly from: Snapshot; readonly to: Snapshot; readonly columns: readonly string[]; readonly index: number },
): Promise<string> {
  const range = { fromVersion: from.version + 1, toVersion: to.version, start: from, end: to }
  // Without a key nothing is paired: what is equal on both sides cancels out later, also when it only moved to another file.
  const { sql } = await changesSql(engine, to.store, { ...range, net: true, key: [], columns })
  const name = `feature_moves_${index}`
  const sign = `CASE _change_type WHEN 'insert' THEN 1 ELSE -1 END AS ${SIGN}`
  await engine.run(`CREATE TEMP TABLE ${name} AS SELECT ${columns.map(quoteName).join(', ')}, ${sign} FROM (${sql})`)
  return name
}

/** Rows of which there are fewer now, and rows of which there are more; how many does not matter. */
async function subtract(
  engine: Engine,
  { moved, columns, index }: { readonly moved: string; readonly columns: readonly string[]; readonly index: number },
): Promise<{ readonly before: string | undefined; readonly after: string | undefined }> {
  const list = columns.map(quoteName).join(', ')
  const net = `feature_net_${index}`
  await engine.run(
    `CREATE TEMP TABLE ${net} AS SELECT ${list}, sum(${SIGN}) AS ${SIGN} FROM ${moved} GROUP BY ${list} HAVING sum(${SIGN}) <> 0`,
  )
  const [row] = await engine.all(`SELECT count_if(${SIGN} < 0) AS before, count_if(${SIGN} > 0) AS after FROM ${net}`)
  const side = async (kind: 'before' | 'after', condition: string): Promise<string | undefined> => {
    if (Number(row?.[kind]) === 0) return undefined
    const name = `feature_${kind}_${index}`
    await engine.run(`CREATE TEMP VIEW ${name} AS SELECT ${list} FROM ${net} WHERE ${SIGN} ${condition}`)
    return name
  }
  return { before: await side('before', '< 0'), after: await side('after', '> 0') }
}

// No column of a table is called so.
const SIGN = '__tributary_sign'
