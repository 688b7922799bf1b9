// What has to be done so that a commit can follow a winner that touched files. Pure: the steps that need bytes are only named.
//
//   winner \ ours | marks rows              | removes the file        | rewrites it (no data change)
//   marks rows    | unite, if rows differ   | same rows               | carry the marks over
//   removes it    | same rows               | same rows               | carry: all of its rows are gone
//   rewrites it   | relocate by key         | relocate by key         | one of the two is in vain

import type { AddFile } from '../protocol/actions.ts'
import type { CommitSummary, Conflict, FileChange } from './conflicts.ts'

/** What of the table a transaction looked at to decide what to write. */
export type Reads =
  /** A blind append. */
  | { readonly kind: 'nothing' }
  /** Everything. */
  | { readonly kind: 'table' }
  /** The files of a predicate, by partition values and statistics; said yes in doubt. */
  | { readonly kind: 'files'; readonly mayMatch: (file: AddFile) => boolean }
  /** The rows of a predicate, all of which were marked as deleted: rows elsewhere do not matter. Asked about files that a winner added. */
  | { readonly kind: 'rows'; readonly areIn: (files: readonly AddFile[]) => Promise<boolean> }

/** A file that both commits changed. */
export interface Collision {
  readonly ours: FileChange
  readonly theirs: FileChange
}

/** The way to follow a winner; each step may still find a conflict in the rows. */
export type RebasePlan =
  | ({ readonly kind: 'conflict' } & Conflict)
  | {
      readonly kind: 'steps'
      /** Files with new rows, to be asked about when rows were read. */
      readonly appended: readonly AddFile[]
      /** Vectors that changed and are none of our business unless they gave rows back. */
      readonly changed: readonly FileChange[]
      /** Both marked rows: our marks go onto the winner's vector. */
      readonly unite: readonly Collision[]
      /** The winner's marks go onto the files that we wrote from this one. */
      readonly carry: readonly Collision[]
      /** Our marks go onto the files that the winner wrote from this one. */
      readonly relocate: readonly Collision[]
    }

/** What the author of the transaction can do. */
export interface RebaseSkills {
  readonly canCarry: boolean
  readonly canRelocate: boolean
  /** `delta.isolationLevel` is Serializable, or our own commit changes metadata: then a winner's blind append counts too. */
  readonly isStrict: boolean
  /** The file of a path as it was read, where the winner's remove says too little about it. */
  readonly fileAt: (path: string) => AddFile | undefined
}

/** Plan how to follow a winner. */
export function planRebase(ours: CommitSummary, theirs: CommitSummary, reads: Reads, skills: RebaseSkills): RebasePlan {
  const [appended, changed]: [AddFile[], FileChange[]] = [[], []]
  const steps: Record<Step, Collision[]> = { unite: [], carry: [], relocate: [] }
  for (const change of theirs.files.values()) {
    const own = ours.files.get(change.path)
    if (own !== undefined) {
      const step = planCollision({ ours: own, theirs: change }, skills)
      if (step === 'conflict') return { kind: 'conflict', ...collisionConflict(change) }
      steps[step].push({ ours: own, theirs: change })
      continue
    }
    const conflict = readConflict(change, theirs, reads, skills)
    if (conflict !== undefined) return { kind: 'conflict', because: conflict, subject: change.path }
    if (reads.kind !== 'rows' || change.after === undefined || !change.dataChange) continue
    if (change.before !== undefined) changed.push(change)
    else if (skills.isStrict || !theirs.isBlindAppend) appended.push(change.after)
  }
  return { kind: 'steps', appended, changed, ...steps }
}

type Step = 'unite' | 'carry' | 'relocate'

function planCollision({ ours, theirs }: Collision, skills: RebaseSkills): Step | 'conflict' {
  // Two files of one name, or statistics written anew: no rule of rows helps.
  if (ours.before === undefined || theirs.before === undefined) return 'conflict'
  const isRewrite = !ours.dataChange
  const isTheirRewrite = !theirs.dataChange && theirs.after === undefined
  if (isTheirRewrite) return !isRewrite && skills.canRelocate ? 'relocate' : 'conflict'
  // Vectors that are rearranged without a change of data belong to no operation that we know.
  if (!theirs.dataChange) return 'conflict'
  if (isRewrite) return skills.canCarry && ours.after === undefined ? 'carry' : 'conflict'
  return ours.after !== undefined && theirs.after !== undefined ? 'unite' : 'conflict'
}

function collisionConflict(theirs: FileChange): Conflict {
  const isRewrite = !theirs.dataChange || theirs.before === undefined
  return { because: isRewrite ? 'file-rewritten' : 'same-rows', subject: theirs.path }
}

/** Whether a change to a file that we do not touch spoils what we read. Rows that were read are asked about later. */
function readConflict(
  change: FileChange,
  theirs: CommitSummary,
  reads: Reads,
  skills: RebaseSkills,
): 'rows-added' | 'rows-removed' | undefined {
  const isNew = change.before === undefined
  if (isNew && theirs.isBlindAppend && !skills.isStrict) return undefined
  const reason = isNew ? 'rows-added' : 'rows-removed'
  if (reads.kind === 'table') return reason
  if (reads.kind !== 'files' || !change.dataChange) return undefined
  const file = change.after ?? skills.fileAt(change.path)
  return file === undefined || reads.mayMatch(file) ? reason : undefined
}

/** The rows in `rows` that are not in `known`; both ascend. */
export function rowsBeyond(rows: Iterable<number>, known: Iterable<number>): Float64Array {
  const others = new Set(known)
  return Float64Array.from(Array.from(rows).filter((row) => !others.has(row)))
}

/** Whether two lists of rows have one in common. */
export function shareRows(left: Iterable<number>, right: Iterable<number>): boolean {
  const rows = new Set(left)
  for (const row of right) if (rows.has(row)) return true
  return false
}
