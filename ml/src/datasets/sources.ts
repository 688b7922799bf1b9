// The tables that a dataset is made of, each at one version: the cut. What is cut once is read by version ever after.
import { createHash } from 'node:crypto'
import {
  type Engine,
  quoteName,
  readSnapshot,
  type Snapshot,
  type Store,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import { type Arrears, findNamedTable, type Lake, type NamedTable, readArrears } from '@tributary/pipeline'
import { historyMissing } from '../errors.ts'
import { parseFeatureState } from '../features/feature-state.ts'
import { featureStore, readFeature } from '../features/write-feature.ts'

/** A table at the version that a dataset sees. */
export interface Source {
  readonly name: string
  readonly key: readonly string[]
  readonly snapshot: Snapshot
}

/** The tables of one extraction; each is opened once. */
export interface Sources {
  /** A live table. Throws `TABLE_UNKNOWN`, and what `readSnapshot` throws. */
  readonly live: (name: string) => Promise<Source>
  /** All changes of a live table. Throws `HISTORY_MISSING`. */
  readonly history: (name: string) => Promise<Source>
  /** The values of a feature as they were served. Throws `HISTORY_MISSING`. */
  readonly served: (name: string) => Promise<Source>
  /** For `prepareQuery`: a table of the spine, and its version. */
  readonly find: (name: string) => Promise<NamedTable>
  readonly versionOf: (table: NamedTable) => Promise<number>
  /** What was opened so far, by name. */
  readonly all: () => readonly Source[]
  /** What is known to be missing from the tables that were opened, and from those whose histories were. */
  readonly arrears: () => Promise<ReadonlyMap<string, Arrears>>
  /** Tables for which a version was given and that were not opened so far. */
  readonly unread: () => readonly string[]
}

/** Opens tables of a lake at given versions, and at their newest where none is given. */
export function openSources(lake: Lake, versions: ReadonlyMap<string, number>): Sources {
  const opened = new Map<string, Source>()
  const open = async (name: string, store: Store, key: readonly string[]): Promise<Source> => {
    const known = opened.get(name)
    if (known !== undefined) return known
    const version = versions.get(name)
    const source = { name, key, snapshot: await readSnapshot(store, version === undefined ? {} : { version }) }
    opened.set(name, source)
    return source
  }
  const find = async (name: string): Promise<NamedTable> =>
    name.endsWith(HISTORY) || name.startsWith('features.')
      ? { name, store: lake.tableStore(name), key: [] }
      : findNamedTable(lake, name)
  const live = async (name: string): Promise<Source> => {
    const table = await find(name)
    return open(table.name, table.store, table.key)
  }
  return {
    live,
    find,
    versionOf: async (table) => (await open(table.name, table.store, table.key)).snapshot.version,
    history: async (name) => {
      const { name: full, key } = await findNamedTable(lake, name)
      return orMissing(full, () => open(full + HISTORY, lake.tableStore(full + HISTORY), key))
    },
    served: async (name) => {
      const full = `features.${name}${HISTORY}`
      // What was built before is read as it was then, whatever the feature has become.
      const entity = versions.has(full) ? [] : await entityOf(lake, name)
      return orMissing(`features.${name}`, () => open(full, lake.tableStore(full), entity))
    },
    all: () => [...opened.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    arrears: () => readArrears(lake, [...new Set([...opened.keys()].map(liveName))]),
    unread: () => [...versions.keys()].filter((name) => !opened.has(name)),
  }
}

const HISTORY = '__history'

/** The table that a history is of, or the table itself. */
export function liveName(name: string): string {
  return name.endsWith(HISTORY) ? name.slice(0, -HISTORY.length) : name
}

/** The entity of a stored feature, as its newest refresh says; none where there is only the history. */
async function entityOf(lake: Lake, name: string): Promise<readonly string[]> {
  const table = await readFeature(featureStore(lake, name))
  return (table === undefined ? undefined : parseFeatureState(table)?.entity) ?? []
}

async function orMissing(name: string, work: () => Promise<Source>): Promise<Source> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') throw historyMissing(name)
    throw error
  }
}

/** The same tables without rows: what they give has the right columns and types, and costs nothing. */
export function withoutRows(sources: Sources): Sources {
  const emptied = ({ snapshot, ...source }: Source): Source => ({ ...source, snapshot: { ...snapshot, files: [] } })
  return {
    ...sources,
    live: async (name) => emptied(await sources.live(name)),
    history: async (name) => emptied(await sources.history(name)),
    served: async (name) => emptied(await sources.served(name)),
  }
}

/** Whether a source has a column, without regard to case. */
export function columnOf({ snapshot }: Source, name: string): string | undefined {
  return snapshot.schema.fields.find((field) => field.name.toLowerCase() === name.toLowerCase())?.name
}

/** A digest of the files that a version consists of; the order of the log does not matter. */
export function snapshotDigest({ files }: Snapshot): string {
  const lines = files.map(({ path, size, deletionVector }) =>
    JSON.stringify([
      path,
      Number(size),
      deletionVector === undefined
        ? null
        : [deletionVector.storageType, deletionVector.pathOrInlineDv, deletionVector.offset ?? 0],
    ]),
  )
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex')
}

/** Some columns of a source as a subquery. */
export async function sourceSql(engine: Engine, source: Source, columns: readonly string[]): Promise<string> {
  const wanted = [...new Set(columns.map((column) => columnOf(source, column) ?? column))]
  return `SELECT ${wanted.map(quoteName).join(', ')} FROM (${await scanSql(engine, source.snapshot, { columns: wanted })})`
}
