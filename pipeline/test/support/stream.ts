// One table's way from source to landing: loads, change files, replays, late and repeated deliveries, reloads.
import { type EmitParts, type Emitted, emitFile } from './emit.ts'
import type { Delivered } from './oracle.ts'
import { advance, type Change, openSource, type Source, timeText } from './source.ts'
import type { Tally } from './tally.ts'

/** A table with its source, and what the lake has been given of it. */
export interface Stream extends EmitParts {
  readonly source: Source
  readonly tally: Tally
  /** Changes of the log that were written to a file. */
  written: number
  clockMs: number
  /** Files not delivered yet, and the step at which they will be. */
  pending: { readonly file: Emitted; readonly step: number }[]
  /** Files in the landing, by key. */
  readonly landed: Map<string, Emitted>
  /** LOAD objects that the current generation holds. */
  loadKeys: ReadonlySet<string>
  /** What the current generation took in. */
  generation: Delivered[]
  closedPlace: string
  newestPlace: string
  /** Rows and bad rows of all that was delivered, for the ledger. */
  rows: number
}

/** What a delivery means: objects to put, and what the next ingest must count. */
export interface Delivery {
  readonly puts: readonly { readonly file: Emitted; readonly modifiedMs: number }[]
  readonly rows: number
  readonly badRowsMin: number
  readonly badRowsMax: number
}

/** Changes that come twice, at most. */
const OVERLAP_MAX = 48
const START_MS = Date.UTC(2026, 2, 1, 10)

/** A table at its beginning. */
export function openStream(parts: EmitParts, tally: Tally): Stream {
  return {
    ...parts,
    source: openSource(parts.table),
    tally,
    written: 0,
    clockMs: START_MS,
    pending: [],
    landed: new Map(),
    loadKeys: new Set(),
    generation: [],
    closedPlace: '',
    newestPlace: '',
    rows: 0,
  }
}

/** Lets the source live on for one step and delivers what is due. The last step delivers all. */
export async function nextDelivery(stream: Stream, step: number, isLast: boolean): Promise<Delivery> {
  const { random, source, table, endpoint, tally } = stream
  advance(random, source, table, endpoint, random.int(step === 0 ? 2 : 0, 5))
  const loads = table.hasLoad && (step === 0 || random.chance(0.4)) ? await emitLoads(stream, step) : []
  advance(random, source, table, endpoint, random.int(0, 3))
  const changes = [...(await emitChanges(stream, source.log.slice(stream.written))), ...(await emitReplay(stream))]
  const canBeLate = table.sequence !== 'none' && endpoint.noSup === undefined
  for (const file of changes) {
    const isLate = canBeLate && random.chance(0.35)
    stream.pending.push({ file, step: isLate ? step + random.int(1, 2) : step })
  }
  const due = stream.pending.filter((pending) => isLast || pending.step <= step)
  stream.pending = stream.pending.filter((pending) => !due.includes(pending))
  const fresh = [...loads, ...due.map(({ file }) => file)]
  const delivery = takeIn(stream, fresh)
  const repeated = [...stream.landed.values()].filter(() => random.chance(0.1))
  tally.add('file delivered again', repeated.length)
  for (const file of fresh) stream.landed.set(file.key, file)
  // A load object keeps its time: a newer one would make it part of the next reload (design §3.1).
  const again = repeated
    .filter(({ key }) => !fresh.some((file) => file.key === key))
    .map((file) => ({ file, modifiedMs: file.kind === 'load' ? file.modifiedMs : stream.clockMs }))
  return { ...delivery, puts: [...fresh.map((file) => ({ file, modifiedMs: file.modifiedMs })), ...again] }
}

function takeIn(stream: Stream, fresh: readonly Emitted[]): Omit<Delivery, 'puts'> {
  const { tally } = stream
  const isReload = fresh.some((file) => file.kind === 'load' && stream.landed.has(file.key))
  if (isReload) {
    tally.add('reload')
    stream.generation = []
    stream.loadKeys = new Set()
    stream.closedPlace = stream.newestPlace
  }
  stream.loadKeys = new Set([...stream.loadKeys, ...fresh.filter(({ kind }) => kind === 'load').map(({ key }) => key)])
  let badRowsMin = 0
  for (const file of fresh) {
    for (const trait of file.traits) tally.add(trait)
    countChanges(stream, file)
    if (file.kind === 'cdc' && file.place <= stream.closedPlace) {
      tally.add('file of an older generation')
      continue
    }
    if (file.kind === 'cdc' && file.place < stream.newestPlace) tally.add('late file')
    if (file.kind === 'load' && stream.newestPlace !== '' && !isReload) tally.add('late load file')
    badRowsMin += file.badRows
    stream.generation.push(...file.delivered)
  }
  for (const file of fresh) if (file.kind === 'cdc' && file.place > stream.newestPlace) stream.newestPlace = file.place
  const rows = fresh.reduce((sum, file) => sum + file.rows, 0)
  stream.rows += rows
  return { rows, badRowsMin, badRowsMax: fresh.reduce((sum, file) => sum + file.badRows, 0) }
}

function countChanges({ tally }: Stream, file: Emitted): void {
  const seen = new Set<string>()
  for (const change of file.delivered) {
    if (file.kind === 'cdc') tally.add(`op ${change.op}`)
    if (change.movedFrom !== undefined) tally.add('key change with before image')
    if (change.unset.size > 0) tally.add('partial update')
    const order = `${change.sequence} ${change.key}`
    if (change.sequence !== '' && seen.has(order)) tally.add('tie of one key in the sequence')
    if (file.kind === 'load' && seen.has(order)) tally.add('key twice in a load')
    seen.add(order)
  }
}

async function emitLoads(stream: Stream, step: number): Promise<readonly Emitted[]> {
  const { random, source, tally } = stream
  const rows = random.shuffle([...source.rows.values()])
  if (rows.length === 0) return []
  // Rows may be read twice while the source changes them.
  const twice = random.chance(0.5) ? rows.slice(0, 1) : []
  stream.clockMs += 60_000
  const changes = [...rows, ...twice].map(
    (row): Change => ({
      op: 'I',
      row,
      before: undefined,
      isMove: false,
      unset: new Set(),
      isKeyOnly: false,
      at: timeText(stream.clockMs),
      number: 0,
    }),
  )
  const files: Emitted[] = []
  for (const [index, part] of cut(stream, changes).entries()) {
    files.push(await emitFile(stream, { kind: 'load', changes: part, writtenMs: stream.clockMs, ordinal: index + 1 }))
    stream.clockMs += 1000
  }
  if (step === 0) {
    // The first change files overlap the load.
    const overlap = random.int(0, Math.min(OVERLAP_MAX, source.log.length))
    if (overlap > 0) tally.add('change that the load holds already', overlap)
    stream.written = source.log.length - overlap
    const last = files.length > 1 && stream.endpoint.noSup === undefined && random.chance(0.5) ? files.pop() : undefined
    if (last !== undefined) stream.pending.push({ file: last, step: 1 })
    return files
  }
  const isReload = files.some((file) => stream.loadKeys.has(file.key) && differs(stream.landed.get(file.key), file))
  if (!isReload) return []
  // A load file that was still under way is overwritten.
  stream.pending = stream.pending.filter(({ file }) => file.kind === 'cdc')
  return files
}

/** A reload needs a LOAD key that the generation took in with other bytes. */
function differs(before: Emitted | undefined, now: Emitted): boolean {
  return before !== undefined && Buffer.compare(before.bytes, now.bytes) !== 0
}

async function emitChanges(stream: Stream, changes: readonly Change[]): Promise<readonly Emitted[]> {
  stream.written = stream.source.log.length
  return writeChanges(stream, changes)
}

/** After a resume DMS writes changes since a checkpoint again, under new names. */
async function emitReplay(stream: Stream): Promise<readonly Emitted[]> {
  const { random, source, table, tally } = stream
  if (!random.chance(0.3)) return []
  const recent = source.log.slice(-random.int(1, OVERLAP_MAX))
  // Law 2: with a sequence a partial row behind a newer change of its key stops the table, also when it is a repetition.
  // Nor may what ties with it come again alone: the tie would then be decided against the partial row. Nor what came before it: where a
  // load has the partial row already, that would be the newest change of its key.
  const partial = new Set(recent.filter(({ unset }) => unset.size > 0).map(({ at }) => at))
  const after = recent.findLastIndex(({ at }) => partial.has(at)) + 1
  const again = table.sequence === 'none' ? recent : recent.slice(after)
  tally.add('change replayed', again.length)
  return writeChanges(stream, again)
}

async function writeChanges(stream: Stream, changes: readonly Change[]): Promise<readonly Emitted[]> {
  const files: Emitted[] = []
  countTies(stream, changes)
  for (const part of cut(stream, changes)) {
    stream.clockMs += stream.random.int(1, 90_000)
    files.push(await emitFile(stream, { kind: 'cdc', changes: part, writtenMs: stream.clockMs, ordinal: 0 }))
  }
  return files
}

function countTies({ tally, table }: Stream, changes: readonly Change[]): void {
  for (const [at, change] of changes.entries()) {
    if (change.isKeyOnly) tally.add('delete that carries the key alone')
    if (at > 0 && changes[at - 1]?.at === change.at) tally.add('tie of commit times')
    if (changes[at - 1]?.op === 'D' && change.op === 'I' && table.beforeImage !== 'none')
      tally.add('delete and insert in a row')
  }
}

/** One file to three. */
function cut<T>({ random }: Stream, items: readonly T[]): readonly (readonly T[])[] {
  const cuts = [
    0,
    ...Array.from({ length: random.int(0, 2) }, () => random.int(0, items.length)),
    items.length,
  ].toSorted((a, b) => a - b)
  return cuts
    .slice(1)
    .map((end, at) => items.slice(cuts[at], end))
    .filter((part) => part.length > 0)
}
