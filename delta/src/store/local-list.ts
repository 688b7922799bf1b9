import { type Dirent, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { storeFailed } from '../errors.ts'
import { assertPrefixInside, compareKeys } from './keys.ts'
import type { ListOptions, StoreEntry } from './store.ts'

// Asked of a local disk one after another these take a quarter of the time that they take on the thread pool; other work
// gets its turn in between.
const STATS_A_TURN = 256

/**
 * The files below a folder as S3 would list them: by full path, in UTF-8 byte order. Hidden names (temporary files) are left out.
 * A link to a file is followed; a link to a folder is not, so that a listing ends.
 */
export async function* listFolder(
  root: string,
  prefix: string,
  { after, recall }: ListOptions = {},
): AsyncGenerator<StoreEntry> {
  assertPrefixInside(prefix)
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  for await (const paths of walk(root, start, prefix, after)) {
    for (let from = 0; from < paths.length; from += STATS_A_TURN) {
      if (from > 0) await setImmediate()
      yield* statAll(root, paths.slice(from, from + STATS_A_TURN), recall)
    }
  }
}

/** The paths of files, all that lie between two folders at a time: a path at a time would cost more than looking at the file. */
async function* walk(
  root: string,
  folder: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<readonly string[]> {
  const children = (await readFolder(root, folder))
    .filter((child) => !child.name.startsWith('.'))
    // A folder sorts by its name and the slash that follows: `a.txt` comes before `a/b`.
    .map((child) => ({ name: `${child.name}${child.isDirectory() ? '/' : ''}`, isFolder: child.isDirectory() }))
    .sort((left, right) => compareKeys(left.name, right.name))
  let files: string[] = []
  for (const { name, isFolder } of children) {
    const path = `${folder}${name}`
    if (!path.startsWith(prefix) && !(isFolder && prefix.startsWith(path))) continue
    if (after !== undefined && compareKeys(path, after) <= 0 && !(isFolder && after.startsWith(path))) continue
    if (!isFolder) files.push(path)
    else {
      yield files
      files = []
      yield* walk(root, path, prefix, after)
    }
  }
  yield files
}

async function readFolder(root: string, folder: string): Promise<Dirent[]> {
  try {
    return await readdir(join(root, folder), { withFileTypes: true })
  } catch (error) {
    if (isGone(error)) return []
    throw storeFailed(folder === '' ? root : folder, 'list', error)
  }
}

function statAll(root: string, paths: readonly string[], recall: ListOptions['recall']): readonly StoreEntry[] {
  return paths.map((path) => recall?.(path) ?? statOne(root, path)).filter((entry) => entry !== undefined)
}

function statOne(root: string, path: string): StoreEntry | undefined {
  try {
    // Undefined: it was deleted after its folder was read, or is a link to nothing.
    const found = statSync(join(root, path), { throwIfNoEntry: false })
    return found?.isFile() ? { path, sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) } : undefined
  } catch (error) {
    if (isGone(error)) return undefined
    throw storeFailed(path, 'look at', error)
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
