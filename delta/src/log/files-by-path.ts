// Lists of files that are sorted by their paths as the log spells them. A busy table has ten thousands of removed files, and each commit
// touches a few.

import { decodePath } from '../protocol/paths.ts'

interface Named {
  readonly path: string
}

/** What changes in a list. */
export interface Replacement<T> {
  /** The paths of the files that are touched, as the log spells them. */
  readonly paths: readonly string[]
  /** Whether a file of one of these paths is. */
  readonly isTouched: (file: T) => boolean
  /** What comes instead, in any order. */
  readonly fresh: readonly T[]
}

/** A path, decoded once. */
export function pathKey(logPath: string): string {
  if (isPlain(logPath)) return logPath
  const place = decodePath(logPath)
  return place.kind === 'relative' ? place.path : place.url
}

/**
 * A list without what is touched and with what is fresh, sorted by path; what has the same path comes in that order. The list has to be one
 * that came from here, or empty: what is not sorted would not be found.
 */
export function replaceByPath<T extends Named>(
  list: readonly T[],
  { paths, isTouched, fresh }: Replacement<T>,
): readonly T[] {
  const arrivals = fresh.toSorted(byPath)
  const isSimple = arePlain(list) && paths.every(isPlain)
  if (isSimple && paths.length < FEW) return spliced(list, { paths, isTouched, fresh: arrivals })
  // Nearly all files differ in their paths already, which costs less to see than whether they are touched.
  const keys = new Set(paths.map(pathKey))
  const merged = mergeByPath(
    list.filter((file) => !keys.has(pathKey(file.path)) || !isTouched(file)),
    arrivals,
  )
  return isSimple ? rememberPlain(merged) : merged
}

// Paths that can be spelt in one way only; others have to be decoded before they are compared.
function isPlain(logPath: string): boolean {
  return !/[%:]|^\/|(?:^|\/)\.\//.test(logPath)
}

// What comes of plain lists is plain: each is looked through once.
const plain = new WeakSet<readonly Named[]>()

function arePlain(list: readonly Named[]): boolean {
  if (plain.has(list)) return true
  if (!list.every(({ path }) => isPlain(path))) return false
  plain.add(list)
  return true
}

function rememberPlain<T extends readonly Named[]>(list: T): T {
  plain.add(list)
  return list
}

/** So many places are looked up one by one; the pieces between them have to be arguments of a call. */
const FEW = 1000

function spliced<T extends Named>(list: readonly T[], { paths, isTouched, fresh }: Replacement<T>): readonly T[] {
  const pieces: (readonly T[])[] = []
  let [from, next] = [0, 0]
  for (const path of new Set(paths.toSorted())) {
    let at = firstFrom(list, path, from)
    pieces.push(list.slice(from, at))
    for (; list[at]?.path === path; at++) {
      const file = list[at]
      if (file !== undefined && !isTouched(file)) pieces.push([file])
    }
    const start = next
    while (fresh[next]?.path === path) next++
    if (next > start) pieces.push(fresh.slice(start, next))
    from = at
  }
  pieces.push(list.slice(from))
  const all: T[] = []
  return rememberPlain(all.concat(...pieces))
}

/** The index of the first file from `low` on whose path is not less. */
function firstFrom(list: readonly Named[], path: string, low: number): number {
  let [start, end] = [low, list.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    if ((list[middle]?.path ?? '') < path) start = middle + 1
    else end = middle
  }
  return start
}

function byPath(left: Named, right: Named): number {
  if (left.path === right.path) return 0
  return left.path < right.path ? -1 : 1
}

function mergeByPath<T extends Named>(left: readonly T[], right: readonly T[]): readonly T[] {
  if (right.length === 0) return left
  if (left.length === 0) return right
  const merged: T[] = []
  let next = 0
  for (const item of left) {
    for (let other = right[next]; other !== undefined && other.path < item.path; other = right[next]) {
      merged.push(other)
      next++
    }
    merged.push(item)
  }
  for (const other of right.slice(next)) merged.push(other)
  return merged
}
