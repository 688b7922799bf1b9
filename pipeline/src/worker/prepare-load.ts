import {
  type AddFile,
  createTableActions,
  deletionVectorActions,
  parseStats,
  removeOf,
  type Snapshot,
  type StructType,
  scanSql,
  writeDataFiles,
} from '@tributary/delta'
import type { OpenedFile } from '../dms/open-file.ts'
import { commitContended } from '../errors.ts'
import { writeLoadHistory } from '../history-table/write-history.ts'
import { nameList } from '../upsert/batch.ts'
import { findRepeatedKeys, writeLoadFile } from '../upsert/load.ts'
import { placeColumns } from '../upsert/locate.ts'
import { closeGeneration } from './close-generation.ts'
import type { PreparedBatch } from './commit-batch.ts'
import { firstChangeUs } from './first-change.ts'
import { openAhead } from './open-ahead.ts'
import type { LandingFile, SeenFile } from './plan.ts'
import { type FileReading, ledgerEntry, readLandingFile } from './read-file.ts'
import type { TableRun } from './run.ts'
import { type EvolvingSchema, evolvingSchema } from './schema.ts'
import { configuredSettings } from './table-metadata.ts'

// The row number of a CSV record comes from a single-threaded operator, so files are read side by side;
// one more than two cores, so that none idles while a file is planned or the last one is left.
const FILES_AT_ONCE = 3

interface LoadedFile {
  readonly reading: FileReading
  readonly added: readonly AddFile[]
}

type Loaded =
  | { readonly kind: 'loaded'; readonly schema: EvolvingSchema; readonly files: readonly LoadedFile[] }
  | { readonly kind: 'widen'; readonly schema: StructType }

/**
 * Streams the files of a load into data files and, for a reload, takes the old generation's files out; undefined when a
 * new table's load has no row and so tells no types.
 */
export async function prepareLoad(
  run: TableRun,
  plan: { readonly generation: number; readonly files: readonly LandingFile[] },
  seen: readonly SeenFile[] = [],
): Promise<PreparedBatch | undefined> {
  const { session, table, lake } = run
  const { schema, files: loaded } = await loadAll(run, plan.files)
  if (schema.current().fields.length === 0) return undefined
  const pending = pendingSnapshot(
    run,
    schema,
    loaded.flatMap((file) => file.added),
  )
  const repeated = await findRepeatedKeys(run.engine, pending, table.key)
  const files = await withoutRepeated(run, pending, repeated)
  const shape = { schema: schema.current(), key: table.key, sequence: table.sequence }
  const history = await writeLoadHistory(run, shape, {
    pending,
    files: loaded.map(({ reading, added }) => ({ ...reading, rows: reading.read - reading.rejects.length, added })),
    // In a bucket a reload's times are DMS's own, and what waits may still be of the generation before.
    firstChangeUs:
      lake.landing.remote !== undefined && plan.generation > 1
        ? undefined
        : await firstChangeUs(run, seen, { files: plan.files, schema }),
  })
  const lost = new Map<string, number>()
  for (const { landingKey, positions } of repeated) lost.set(landingKey, (lost.get(landingKey) ?? 0) + positions.length)
  const last = plan.files.toSorted((a, b) => (a.place < b.place ? -1 : 1)).at(-1)
  const previous = session.snapshot?.files ?? []
  const state = session.state
  return {
    operation: previous.length > 0 || plan.generation > 1 ? 'RELOAD' : 'LOAD',
    schema: schema.current(),
    actions: [
      ...previous.map((file) => ({ remove: removeOf(file, lake.clock.now()) })),
      ...files.map((add) => ({ add })),
    ],
    added: files,
    entries: loaded.map(({ reading }) => {
      const superseded = lost.get(reading.file.key) ?? 0
      const applied = reading.read - reading.rejects.length - superseded
      return ledgerEntry(reading, plan.generation, { applied, superseded, noop: 0 })
    }),
    rejects: loaded.flatMap(({ reading }) => reading.rejects),
    history,
    state: {
      generation: plan.generation,
      key: table.key,
      // The deletes of the generation before are of no concern to this one.
      tombstones: [],
      horizon: undefined,
      ...(last !== undefined && last.place > (state?.lastPlace ?? '')
        ? { lastPlace: last.place, lastFile: last.key }
        : {}),
      ...(plan.generation > 1 ? closeGeneration(lake.landing, plan.files, state) : {}),
      ...schema.state(),
    },
    metrics: {
      inserted: loaded.reduce((sum, { reading }) => sum + reading.read - reading.rejects.length, 0) - sumOf(lost),
      updated: 0,
      deleted: 0,
    },
  }
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

// A schema has a few columns and a type widens a few times at most.
const WIDENINGS_MAX = 100

/** Loads the files; when one needs wider types than those before it, begins again with these. */
async function loadAll(run: TableRun, files: readonly LandingFile[]): Promise<Extract<Loaded, { kind: 'loaded' }>> {
  let start: StructType | undefined
  for (let attempt = 0; attempt < WIDENINGS_MAX; attempt += 1) {
    const loaded = await loadFiles(run, files, evolvingSchema(run, start))
    if (loaded.kind === 'loaded') return loaded
    start = loaded.schema
  }
  throw commitContended(run.table.name, WIDENINGS_MAX)
}

/** Reads and writes the files, some at a time on connections of their own; the result keeps the order of the files. */
async function loadFiles(run: TableRun, files: readonly LandingFile[], schema: EvolvingSchema): Promise<Loaded> {
  const loaded = new Array<LoadedFile | undefined>(files.length)
  // The first file of a new table decides types: the others wait until it has.
  const { promise: isLaidOut, resolve: laidOut } = Promise.withResolvers<void>()
  let widen: StructType | undefined
  let next = 0
  let rows = 0
  let hasEnded = false
  const ahead = openAhead(run, files)
  const lane = async (): Promise<void> => {
    const engine = await run.engine.fork()
    try {
      for (let at = next++; at < files.length && !hasEnded; at = next++) {
        const file = files[at]
        if (file === undefined) return
        if (at > 0) await isLaidOut
        const opened = await ahead.take(at)
        const outcome = await loadFile({ ...run, engine }, { file, opened, schema, laidOut })
        if (outcome.kind === 'widen') {
          widen = outcome.schema
          hasEnded = true
          return
        }
        loaded[at] = outcome.file
        rows += outcome.file.reading.read
        run.options.onEvent?.({
          kind: 'progress',
          table: run.table.name,
          files: Math.min(next, files.length),
          filesTotal: files.length,
          rows,
        })
      }
    } catch (error) {
      hasEnded = true
      throw error
    } finally {
      laidOut()
      await engine.close()
    }
  }
  // All lanes must have ended before an error rises: they write files that the caller then discards.
  const count = Math.min(FILES_AT_ONCE, files.length)
  const lanes = await run.engine.sideBySide(count, () => Promise.allSettled(Array.from({ length: count }, lane)))
  await ahead.end()
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
  return widen === undefined
    ? { kind: 'loaded', schema, files: loaded.filter((file) => file !== undefined) }
    : { kind: 'widen', schema: widen }
}

async function loadFile(
  run: TableRun,
  {
    file,
    opened,
    schema,
    laidOut,
  }: {
    readonly file: LandingFile
    readonly opened: OpenedFile
    readonly schema: EvolvingSchema
    readonly laidOut: () => void
  },
): Promise<
  { readonly kind: 'file'; readonly file: LoadedFile } | { readonly kind: 'widen'; readonly schema: StructType }
> {
  const { session, lake, table, engine } = run
  const parts = { engine, store: session.store, clock: lake.clock }
  let added: readonly AddFile[] = []
  const outcome = await readLandingFile(run, engine, { file, schema, isOpen: opened }, async (staged) => {
    laidOut()
    // The strict path reads a file again after the fast one failed: what that one wrote is dropped.
    for (const { path } of added) await session.store.delete(path)
    added = await writeLoadFile(parts, staged, {
      schema: schema.current(),
      partitionColumns: table.partitionBy,
      settings: configuredSettings(run.table, session.snapshot),
    })
    return added.reduce((sum, { stats }) => sum + recordsOf(stats), 0)
  })
  laidOut()
  return outcome.kind === 'widen' ? outcome : { kind: 'file', file: { reading: outcome.reading, added } }
}

function recordsOf(stats: string | undefined): number {
  const parsed = parseStats(stats)
  return parsed?.numRecords ?? 0
}

/** The table as the load would leave it, to be scanned before it is committed. */
function pendingSnapshot(run: TableRun, schema: EvolvingSchema, files: readonly AddFile[]): Snapshot {
  const { session, lake, table } = run
  const [{ protocol }, { metaData }] = createTableActions(lake.clock, {
    schema: schema.current(),
    partitionColumns: table.partitionBy,
    deletionVectors: true,
    domainMetadata: true,
  })
  return {
    store: session.store,
    version: -1,
    timestampMs: lake.clock.now(),
    protocol,
    metadata: metaData,
    schema: schema.current(),
    files,
    tombstones: [],
    transactions: new Map(),
    domains: new Map(),
  }
}

/** The load's files with the repeated rows marked dead, or for a copy-on-write table written again without them. */
async function withoutRepeated(
  run: TableRun,
  pending: Snapshot,
  repeated: readonly { readonly file: AddFile; readonly positions: readonly number[] }[],
): Promise<readonly AddFile[]> {
  if (repeated.length === 0) return pending.files
  const { session, lake, table, engine } = run
  const actions = await deletionVectorActions(session.store, lake.clock, repeated)
  const marked = actions.flatMap((action) => ('add' in action ? [action.add] : []))
  const touched = new Set(repeated.map(({ file }) => file))
  const untouched = pending.files.filter((file) => !touched.has(file))
  if (table.write === 'merge-on-read') return [...untouched, ...marked]
  const scan = await scanSql(engine, pending, { files: marked, extraColumns: placeColumns })
  const rewritten = await writeDataFiles(engine, session.store, lake.clock, {
    relation: `SELECT ${nameList(pending.schema.fields.map((field) => field.name))}, "__file", "__row" FROM (${scan})`,
    schema: pending.schema,
    partitionColumns: table.partitionBy,
    extraColumns: placeColumns,
    settings: configuredSettings(table, session.snapshot),
  })
  return [...untouched, ...rewritten]
}
