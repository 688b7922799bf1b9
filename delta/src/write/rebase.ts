import type { Clock } from '../clock.ts'
import type { Positions } from '../deletion-vectors/bitmap.ts'
import { recallDeletionVector } from '../deletion-vectors/recall.ts'
import { recordCountUnknown } from '../errors.ts'
import type { Action, AddFile, DeletionVectorDescriptor } from '../protocol/actions.ts'
import { parseStats } from '../protocol/stats.ts'
import type { Store } from '../store/store.ts'
import { type Conflict, type FileChange, plainPath } from './conflicts.ts'
import { deletionVectorActions, type FileDeletions } from './deletion-vector-actions.ts'
import { type Collision, type Reads, type RebasePlan, rowsBeyond, shareRows } from './plan-rebase.ts'

/** Rows of a file by their physical positions, ascending. */
export interface FilePositions {
  /** As the log spells it. */
  readonly path: string
  readonly positions: Positions
}

/** How the author of a transaction follows rows that moved. */
export interface RowMoves {
  /**
   * Where rows of files that this transaction rewrites are in the files that it adds. Rows that it did not copy are left out.
   * With it a rewrite (`optimize`) survives winners that marked or removed rows of those files. Undefined: they are too many to be
   * followed, and the race is lost.
   */
  readonly carry?: (rows: readonly FilePositions[]) => Promise<readonly FilePositions[] | undefined>
  /** Awaited once all winners are followed, before the next attempt: proves what was carried, at once for all of them. */
  readonly settle?: () => Promise<void>
  /**
   * Where the rows that this transaction takes away are in files that a winner wrote by rewriting; found by their keys.
   * With it an upsert or a delete survives an `optimize`.
   */
  readonly relocate?: (files: readonly AddFile[]) => Promise<readonly FileDeletions[]>
}

/** Our actions, fit to follow the winner; or the rows that speak against it. */
export type Rebased =
  | { readonly kind: 'rebased'; readonly actions: readonly Action[] }
  | ({ readonly kind: 'conflict' } & Conflict)

type Steps = Extract<RebasePlan, { kind: 'steps' }>

/** What a rebase works on. */
export interface RebaseWork {
  readonly store: Store
  readonly clock: Clock
  readonly actions: readonly Action[]
  readonly reads: Reads
  readonly moves: RowMoves
  /** Files that the winner added without changing data: where relocated rows can be. */
  readonly rewritten: readonly AddFile[]
  readonly fileAt: (path: string) => AddFile | undefined
}

/** Carry out the steps of a plan. Writes deletion vectors, which are garbage until the commit succeeds. */
export async function rebaseActions(work: RebaseWork, steps: Steps): Promise<Rebased> {
  const returned = await findReturned(work, steps.changed)
  if (returned !== undefined) return { kind: 'conflict', because: 'rows-added', subject: returned }
  const marks: FileDeletions[] = []
  for (const collision of steps.unite) {
    const united = await uniteRows(work.store, collision)
    if (united === undefined) return { kind: 'conflict', because: 'same-rows', subject: collision.ours.path }
    marks.push(united)
  }
  const [first] = steps.appended
  if (first !== undefined && work.reads.kind === 'rows' && (await work.reads.areIn(steps.appended)))
    return { kind: 'conflict', because: 'rows-added', subject: first.path }
  const found = await relocateRows(work, steps.relocate)
  if (found === undefined)
    return { kind: 'conflict', because: 'file-rewritten', subject: steps.relocate[0]?.ours.path ?? '' }

  const replaced = new Set([...steps.unite, ...steps.relocate].map(({ ours }) => ours.path))
  const kept = work.actions.filter((action) => !replaced.has(filePath(action) ?? ''))
  const marked = await deletionVectorActions(work.store, work.clock, [...marks, ...found])
  const carried = await carryRows(work, [...kept, ...marked], steps.carry)
  if (carried === undefined)
    return { kind: 'conflict', because: 'file-rewritten', subject: steps.carry[0]?.ours.path ?? '' }
  return { kind: 'rebased', actions: carried }
}

function filePath(action: Action): string | undefined {
  if ('add' in action) return plainPath(action.add.path)
  return 'remove' in action ? plainPath(action.remove.path) : undefined
}

/** A file in which rows are live again: whoever looked for rows may have missed them. */
async function findReturned(work: RebaseWork, changes: readonly FileChange[]): Promise<string | undefined> {
  for (const { path, before, after } of changes) {
    const [olds, news] = [await vectorOf(work.store, before), await vectorOf(work.store, after)]
    if (rowsBeyond(olds, news).length > 0) return path
  }
  return undefined
}

async function uniteRows(store: Store, { ours, theirs }: Collision): Promise<FileDeletions | undefined> {
  const base = await vectorOf(store, ours.before)
  const own = rowsBeyond(await vectorOf(store, ours.after), base)
  const theirVector = await vectorOf(store, theirs.after)
  const isGivenBack = rowsBeyond(base, theirVector).length > 0
  if (theirs.after === undefined || isGivenBack || shareRows(own, theirVector)) return undefined
  return { file: theirs.after, positions: own }
}

async function relocateRows(
  work: RebaseWork,
  collisions: readonly Collision[],
): Promise<readonly FileDeletions[] | undefined> {
  if (collisions.length === 0) return []
  let lost = 0
  for (const { ours } of collisions) lost += (await rowsTaken(work, ours)).length
  const found = (await work.moves.relocate?.(work.rewritten)) ?? []
  const count = found.reduce((sum, { positions }) => sum + Array.from(positions).length, 0)
  // Every row has to turn up again, or one of them was changed on the way.
  return count === lost ? found : undefined
}

/** The rows that our change of a file takes away. */
async function rowsTaken({ store, fileAt }: RebaseWork, { path, before, after }: FileChange): Promise<Positions> {
  const dead = await vectorOf(store, before)
  return after === undefined ? liveRows(fileAt(path), path, dead) : rowsBeyond(await vectorOf(store, after), dead)
}

function liveRows(file: AddFile | undefined, path: string, dead: Positions): Positions {
  const count = parseStats(file?.stats)?.numRecords
  if (count === undefined) throw recordCountUnknown(path)
  return rowsBeyond(Array(count).keys(), dead)
}

async function carryRows(
  work: RebaseWork,
  actions: readonly Action[],
  collisions: readonly Collision[],
): Promise<readonly Action[] | undefined> {
  if (collisions.length === 0) return actions
  const gone: FilePositions[] = []
  for (const { ours, theirs } of collisions) {
    const dead = await vectorOf(work.store, ours.before)
    const positions =
      theirs.after === undefined
        ? liveRows(work.fileAt(ours.path), ours.path, dead)
        : rowsBeyond(await vectorOf(work.store, theirs.after), dead)
    gone.push({ path: ours.before?.path ?? ours.path, positions })
  }
  const carried = work.moves.carry === undefined ? [] : await work.moves.carry(gone)
  if (carried === undefined) return undefined
  const byPath = new Map(carried.map(({ path, positions }) => [plainPath(path), positions]))
  const marked = new Map<string, Action | undefined>()
  for (const action of actions) {
    if (!('add' in action)) continue
    const positions = byPath.get(plainPath(action.add.path))
    if (positions === undefined || positions.length === 0) continue
    const vectors = await deletionVectorActions(work.store, work.clock, [{ file: action.add, positions }])
    const add = vectors.flatMap((vector) => ('add' in vector ? [vector.add] : []))[0]
    marked.set(
      plainPath(action.add.path),
      add === undefined ? undefined : { add: { ...add, dataChange: action.add.dataChange } },
    )
  }
  const theirs = new Map(collisions.map((collision) => [collision.ours.path, collision.theirs]))
  return actions.flatMap((action) => followWinner(action, marked, theirs))
}

function followWinner(
  action: Action,
  marked: ReadonlyMap<string, Action | undefined>,
  theirs: ReadonlyMap<string, FileChange>,
): readonly Action[] {
  const path = filePath(action) ?? ''
  // A file that the winner left without a row is not added at all.
  if ('add' in action && marked.has(path)) return [marked.get(path) ?? []].flat()
  const winner = theirs.get(path)
  if (!('remove' in action) || winner === undefined) return [action]
  // The winner already removed it, or gave it another vector: the remove has to name the file as it is now.
  if (winner.after === undefined) return []
  const { deletionVector: _, ...remove } = action.remove
  return [{ remove: winner.after.deletionVector ? { ...remove, deletionVector: winner.after.deletionVector } : remove }]
}

async function vectorOf(
  store: Store,
  file: { readonly deletionVector?: DeletionVectorDescriptor } | undefined,
): Promise<Positions> {
  return file?.deletionVector === undefined ? new Uint32Array() : recallDeletionVector(store, file.deletionVector)
}
