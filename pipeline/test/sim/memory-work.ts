// The rows' part of an ingest in memory (`BatchWork`): what DuckDB does with CSV and Parquet, done with a Map and JSON. Listing, ledger,
// plan, commit and cleanup around it are the real ones.
import { crc32 } from 'node:zlib'
import { type Action, type AddFile, cleanLog, removeOf, type Snapshot, type StructType } from '@tributary/delta'
import { TributaryError } from '@tributary/delta/log'
import { landingFileChanged, landingFileGone } from '../../src/errors.ts'
import type { Segment, TableState } from '../../src/ledger/table-state.ts'
import { closeGeneration } from '../../src/worker/close-generation.ts'
import type { PreparedBatch } from '../../src/worker/commit-batch.ts'
import type { LandingFile } from '../../src/worker/plan.ts'
import { isAsListed, ledgerEntry } from '../../src/worker/read-file.ts'
import type { BatchWork, TableRun } from '../../src/worker/run.ts'
import { compareOrder, type Order, readJsonRows, type StoredRow, writeRows } from './data-files.ts'
import { hashOf, parseJsonRows } from './landing-files.ts'

/** The schema of all simulated tables. */
export const SCHEMA: StructType = {
  type: 'struct',
  fields: [
    { name: 'id', type: 'long', nullable: true, metadata: {} },
    { name: 'v', type: 'string', nullable: true, metadata: {} },
    { name: 'seq', type: 'string', nullable: true, metadata: {} },
  ],
}

/** Batches in memory. */
export const memoryWork: BatchWork = {
  prepare: (run, plan) => {
    switch (plan.kind) {
      case 'load':
        return prepareLoad(run, plan)
      case 'changes':
        return prepareChanges(run, plan)
      case 'superseded':
        return prepareSuperseded(run, plan.files)
    }
  },
  keepLog: async (_engine, clock, snapshot) => {
    await writeCheckpoint(snapshot, clock.uuid())
    await cleanLog(clock, snapshot)
  },
}

interface Change extends StoredRow {
  readonly op: 'I' | 'U' | 'D'
  readonly file: string
}

interface Reading {
  readonly file: LandingFile
  readonly hash: string
  readonly sizeBytes: number
  readonly read: number
  readonly digitsCut: number
  readonly rejects: PreparedBatch['rejects']
  readonly changes: readonly Change[]
}

type Tally = Record<'applied' | 'superseded' | 'noop', number>

async function readFile({ lake }: TableRun, file: LandingFile): Promise<Reading> {
  const bytes = await lake.landing.read(file.key).catch((cause: unknown) => {
    throw cause instanceof TributaryError && cause.code === 'FILE_NOT_FOUND' ? landingFileGone(file.key) : cause
  })
  const now = await lake.landing.stat(file.key)
  if (now === undefined || !isAsListed(file, now)) throw landingFileChanged(file.key)
  const rows = parseJsonRows(bytes)
  const phase = file.kind === 'load' ? 0 : 1
  const changes: Change[] = []
  const rejects: PreparedBatch['rejects'][number][] = []
  for (const [at, row] of rows.entries()) {
    if ('bad' in row) rejects.push(reject(file, at + 1, row.bad))
    else changes.push({ ...row, phase, place: file.place, row: at + 1, file: file.key })
  }
  return { file, hash: hashOf(bytes), sizeBytes: bytes.length, read: rows.length, digitsCut: 0, rejects, changes }
}

function reject({ key, kind }: LandingFile, row: number, text: string): PreparedBatch['rejects'][number] {
  return { file: key, row, reason: 'bad', raw: text, encoding: 'utf8', fields: ['id'], kind, format: 'csv' }
}

async function prepareLoad(
  run: TableRun,
  plan: { readonly generation: number; readonly files: readonly LandingFile[] },
): Promise<PreparedBatch> {
  const { session, lake, table } = run
  const readings: Reading[] = []
  for (const file of plan.files) readings.push(await readFile(run, file))
  const { winners, tallies } = fold(readings)
  const previous = session.snapshot?.files ?? []
  const added =
    winners.size === 0 ? [] : [await writeRows(session.store, lake.clock, [...winners.values()].map(stored))]
  for (const { file } of winners.values()) count(tallies, file, 'applied')
  const last = plan.files.toSorted((a, b) => (a.place < b.place ? -1 : 1)).at(-1)
  const { state } = session
  return {
    ...batchOf(run, readings, { generation: plan.generation, tallies, added }),
    operation: previous.length > 0 || plan.generation > 1 ? 'RELOAD' : 'LOAD',
    actions: [
      ...previous.map((file) => ({ remove: removeOf(file, lake.clock.now()) })),
      ...added.map((add): Action => ({ add })),
    ],
    state: {
      generation: plan.generation,
      key: table.key,
      tombstones: [],
      horizon: undefined,
      ...(last !== undefined && last.place > (state?.lastPlace ?? '')
        ? { lastPlace: last.place, lastFile: last.key }
        : {}),
      ...(plan.generation > 1 ? closeGeneration(lake.landing, plan.files, state) : {}),
    },
  }
}

async function prepareChanges(
  run: TableRun,
  plan: { readonly files: readonly LandingFile[]; readonly guard: boolean },
): Promise<PreparedBatch> {
  const { session, lake } = run
  const readings: Reading[] = []
  for (const file of plan.files) readings.push(await readFile(run, file))
  const { winners, tallies } = fold(readings)
  const files = await readLive(run)
  const live = new Map(files.flatMap(({ rows }) => rows.map((row) => [row.id, row])))
  const graves = plan.guard ? await readGraves(run) : new Map<number, Order>()
  const applied = new Map<number, Change>()
  const buried: Change[] = []
  for (const change of winners.values()) {
    const outcome = judge(change, { live: live.get(change.id), grave: graves.get(change.id), guard: plan.guard })
    count(tallies, change.file, outcome)
    if (outcome === 'applied') applied.set(change.id, change)
    if (change.op === 'D' && outcome !== 'superseded') buried.push(change)
  }
  const touched = files.filter(({ rows }) => rows.some(({ id }) => applied.has(id)))
  const kept = touched.flatMap(({ rows }) => rows.filter(({ id }) => !applied.has(id)))
  const rows = [...kept, ...[...applied.values()].filter(({ op }) => op !== 'D').map(stored)]
  const added = rows.length === 0 ? [] : [await writeRows(session.store, lake.clock, rows)]
  const last = readings.at(-1)?.file
  const isLater = last !== undefined && last.place > (session.state?.lastPlace ?? '')
  return {
    ...batchOf(run, readings, { generation: session.state?.generation ?? 1, tallies, added }),
    operation: 'UPSERT',
    actions: [
      ...touched.map(({ file }) => ({ remove: removeOf(file, lake.clock.now()) })),
      ...added.map((add): Action => ({ add })),
    ],
    state: {
      tombstones: buried.length === 0 ? (session.state?.tombstones ?? []) : await writeGraves(run, buried),
      ...(isLater ? { lastPlace: last.place, lastFile: last.key } : {}),
    },
  }
}

async function prepareSuperseded(run: TableRun, files: readonly LandingFile[]): Promise<PreparedBatch> {
  const readings: Reading[] = []
  for (const file of files) readings.push({ ...(await readFile(run, file)), rejects: [] })
  const tallies = new Map(
    readings.map(({ file, read }): [string, Tally] => [file.key, { applied: 0, superseded: read, noop: 0 }]),
  )
  const generation = Math.max(1, (run.session.state?.generation ?? 1) - 1)
  return { ...batchOf(run, readings, { generation, tallies, added: [] }), operation: 'SUPERSEDE' }
}

/** The newest change of each key; the others are superseded. */
function fold(readings: readonly Reading[]): {
  readonly winners: Map<number, Change>
  readonly tallies: Map<string, Tally>
} {
  const winners = new Map<number, Change>()
  const tallies = new Map<string, Tally>()
  for (const { file, changes } of readings) {
    tallies.set(file.key, { applied: 0, superseded: 0, noop: 0 })
    for (const change of changes) {
      const rival = winners.get(change.id)
      const isNewer = rival === undefined || compareOrder(change, rival) > 0
      if (rival !== undefined) count(tallies, (isNewer ? rival : change).file, 'superseded')
      if (isNewer) winners.set(change.id, change)
    }
  }
  return { winners, tallies }
}

function judge(
  change: Change,
  known: { readonly live: Order | undefined; readonly grave: Order | undefined; readonly guard: boolean },
): keyof Tally {
  const rivals = known.guard ? [known.live, known.grave] : []
  const order = Math.min(1, ...rivals.map((rival) => (rival === undefined ? 1 : compareOrder(change, rival))))
  if (order < 0) return 'superseded'
  return order === 0 || (change.op === 'D' && known.live === undefined) ? 'noop' : 'applied'
}

function count(tallies: Map<string, Tally>, file: string, what: keyof Tally): void {
  const tally = tallies.get(file)
  if (tally !== undefined) tally[what] += 1
}

function stored({ id, v, phase, seq, place, row }: Change): StoredRow {
  return { id, v, phase, seq, place, row }
}

async function readLive({
  session,
}: TableRun): Promise<readonly { readonly file: AddFile; readonly rows: readonly StoredRow[] }[]> {
  const live: { readonly file: AddFile; readonly rows: readonly StoredRow[] }[] = []
  for (const file of session.snapshot?.files ?? [])
    live.push({ file, rows: await readJsonRows(session.store, file.path) })
  return live
}

async function readGraves({ session }: TableRun): Promise<Map<number, Order>> {
  const graves = new Map<number, Order>()
  for (const { path } of session.state?.tombstones ?? [])
    for (const grave of await readJsonRows(session.store, path)) {
      const rival = graves.get(grave.id)
      if (rival === undefined || compareOrder(grave, rival) > 0) graves.set(grave.id, grave)
    }
  return graves
}

/** Tombstones of all keys in one new file: the old ones are garbage from this commit on. */
async function writeGraves(run: TableRun, buried: readonly Change[]): Promise<readonly Segment[]> {
  const { session, lake } = run
  const graves = await readGraves(run)
  for (const change of buried) {
    const rival = graves.get(change.id)
    if (rival === undefined || compareOrder(change, rival) > 0) graves.set(change.id, change)
  }
  const rows = [...graves].map(([id, { phase, seq, place, row }]) => ({ id, v: '', phase, seq, place, row }))
  const bytes = Buffer.from(JSON.stringify(rows))
  const path = `_tributary/tombstones/${lake.clock.uuid()}.json`
  await session.store.create(path, bytes)
  return [{ path, entries: rows.length, sizeBytes: bytes.length, crc32: crc32(bytes) }]
}

function batchOf(
  { session }: TableRun,
  readings: readonly Reading[],
  facts: {
    readonly generation: number
    readonly tallies: ReadonlyMap<string, Tally>
    readonly added: readonly AddFile[]
  },
): Omit<PreparedBatch, 'operation'> & { readonly state: Partial<TableState> } {
  return {
    schema: session.snapshot?.schema ?? SCHEMA,
    actions: [],
    added: facts.added,
    entries: readings.map((reading) => ledgerEntry(reading, facts.generation, facts.tallies.get(reading.file.key))),
    rejects: readings.flatMap(({ rejects }) => rejects),
    state: {},
    metrics: { inserted: 0, updated: 0, deleted: 0 },
  }
}

/** PROTOCOL.md, "V2 Spec": a checkpoint of JSON lines, so that no engine is needed. */
export async function writeCheckpoint({ store, version, ...state }: Snapshot, uuid: string): Promise<void> {
  const actions: readonly object[] = [
    { checkpointMetadata: { version } },
    { protocol: state.protocol },
    { metaData: state.metadata },
    ...[...state.transactions.values()].map((txn) => ({ txn })),
    ...[...state.domains].map(([domain, configuration]) => ({
      domainMetadata: { domain, configuration, removed: false },
    })),
    ...state.tombstones.map((remove) => ({ remove })),
    ...state.files.map((add) => ({ add })),
  ]
  const bytes = Buffer.from(actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
  await store.write(`_delta_log/${String(version).padStart(20, '0')}.checkpoint.${uuid}.json`, bytes)
  const hint = { version, size: actions.length, sizeInBytes: bytes.length, numOfAddFiles: state.files.length }
  await store.write('_delta_log/_last_checkpoint', Buffer.from(JSON.stringify(hint)))
}
