import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, sep } from 'node:path'
import { pathClimbs } from '../errors.ts'

/** What symbolic links below a root may not do. Both throw `PATH_CLIMBS`. */
export interface LinkGuard {
  /** The folder that a path is in must be inside. */
  readonly checkFolder: (target: string, path: string) => void
  /** So must what the path itself leads to. */
  readonly checkFile: (target: string, path: string) => void
}

/**
 * Refuses paths that a symbolic link below the root leads out of it, so that nothing outside is read or replaced under a table's name.
 * The root itself may be a link. Whoever can change links while we run can change the files too: this is no wall against them.
 */
export function linkGuard(root: string): LinkGuard {
  // Asked for each file of a scan: a folder is looked at once.
  const known = new Set<string>()
  const checkFolder = (target: string, path: string): void => {
    const parent = dirname(target)
    if (known.has(parent)) return
    const there = nearest(parent)
    if (there !== undefined && isOutside(root, there)) throw pathClimbs(path)
    if (there === parent) known.add(parent)
  }
  return {
    checkFolder,
    checkFile: (target, path) => {
      checkFolder(target, path)
      if (entryOf(target)?.isSymbolicLink() === true && isOutside(root, target)) throw pathClimbs(path)
    },
  }
}

function isOutside(root: string, place: string): boolean {
  const realRoot = realPlace(root)
  const real = realPlace(place)
  if (realRoot === undefined || real === undefined) return false
  return real !== realRoot && !real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)
}

/** The folder, or of those above it the first that is there. */
function nearest(folder: string): string | undefined {
  let place = folder
  while (entryOf(place) === undefined && place !== dirname(place)) place = dirname(place)
  return entryOf(place) === undefined ? undefined : place
}

// Whatever else is wrong with a path is told by the work on it.
function entryOf(place: string): Stats | undefined {
  try {
    return lstatSync(place, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Undefined for what is not there, and for a link that leads nowhere. */
function realPlace(place: string): string | undefined {
  try {
    return realpathSync.native(place)
  } catch {
    return undefined
  }
}
