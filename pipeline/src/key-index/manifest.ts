// Which runs make up the index of a table, and which version of the table they cover. Manifests are numbered, and each number is taken
// once: of two processes that bring the index up to date, one wins, and what the other did is dropped.
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { indexDamaged } from '../errors.ts'

/** What an index is about: of anything else it knows nothing. */
export interface IndexSubject {
  readonly url: string
  readonly tableId: string
  readonly key: readonly IndexedColumn[]
  readonly sequence: IndexedColumn | null
}

/** A column's name, its type, and its name in the files. */
export type IndexedColumn = readonly [name: string, type: string, physicalName: string]

/** One run of an index. */
export interface RunEntry {
  readonly name: string
  readonly entries: number
}

/** An index at a version of its table. */
export interface Manifest {
  readonly format: 1
  readonly subject: IndexSubject
  /** Hashed in front of each key, so that nobody can prepare keys that meet. */
  readonly salt: string
  readonly version: number
  /** Of the snapshot at that version: another table may have been put in this one's place. */
  readonly fingerprint: string
  /** Why only a scan can answer for this table, null when the index can. */
  readonly unusable: 'duplicate keys' | 'long sequences' | null
  /** Newest first. */
  readonly runs: readonly RunEntry[]
}

const DIGITS = 12
// A slow reader may be at the runs of an older manifest.
const KEPT_MANIFESTS = 8

/** The newest manifest with its number; undefined when there is none. Throws `INDEX_DAMAGED`. */
export function readManifest(folder: string): { readonly number: number; readonly manifest: Manifest } | undefined {
  if (!existsSync(folder)) return undefined
  const number = manifestNumbers(folder).at(-1)
  if (number === undefined) return undefined
  const path = join(folder, manifestName(number))
  const manifest = parseManifest(readFileSync(path, 'utf8'))
  if (manifest === undefined) throw indexDamaged(path, 'it is not what was written, or of another format')
  return { number, manifest }
}

/** Puts a manifest in its place; false when the number is taken. */
export function createManifest(folder: string, number: number, manifest: Manifest): boolean {
  mkdirSync(folder, { recursive: true })
  const body = JSON.stringify(manifest)
  const temporary = join(folder, `${manifestName(number)}.${process.pid}.new`)
  writeFileSync(temporary, `${crc32(body)} ${body}`)
  try {
    linkSync(temporary, join(folder, manifestName(number)))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(temporary)
  }
}

/** Removes old manifests, and runs that none of the newest names. What a process still has open it can go on reading. */
export function cleanIndex(folder: string, grace: { readonly nowMs: number; readonly graceMs: number }): void {
  try {
    removeOld(folder, grace)
  } catch (error) {
    // Another process removes the same, and was faster: it does the rest, too.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

function removeOld(folder: string, { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number }): void {
  const numbers = manifestNumbers(folder)
  const named = new Set(numbers.slice(-KEPT_MANIFESTS).flatMap((number) => runNames(folder, number)))
  for (const number of numbers.slice(0, -KEPT_MANIFESTS)) {
    // A run that had a manifest is whole, and nobody writes it: a worker leaves one behind at each commit.
    const left = runNames(folder, number).filter((name) => !named.has(name))
    for (const name of [manifestName(number), ...left]) rmSync(join(folder, name), { force: true })
  }
  for (const name of readdirSync(folder)) {
    if (isManifest(name) || named.has(name)) continue
    // Another process may be writing it.
    const { mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? { mtimeMs: nowMs }
    if (nowMs - mtimeMs > graceMs) rmSync(join(folder, name), { force: true })
  }
}

function runNames(folder: string, number: number): readonly string[] {
  return parseManifest(readFileSync(join(folder, manifestName(number)), 'utf8'))?.runs.map(({ name }) => name) ?? []
}

/** Puts an index out of the way at once: no process finds it any more, though one may be reading it. */
export function dropIndex(folder: string): void {
  try {
    renameSync(folder, `${folder}.dropped`)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTEMPTY')))
      throw error
  }
  rmSync(`${folder}.dropped`, { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}

function manifestName(number: number): string {
  return `${String(number).padStart(DIGITS, '0')}.json`
}

function isManifest(name: string): boolean {
  return /^\d+\.json$/.test(name)
}

function manifestNumbers(folder: string): readonly number[] {
  return readdirSync(folder)
    .filter(isManifest)
    .map((name) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

// The checksum says that we wrote it.
function parseManifest(text: string): Manifest | undefined {
  const space = text.indexOf(' ')
  const body = text.slice(space + 1)
  if (space < 0 || text.slice(0, space) !== String(crc32(body))) return undefined
  const manifest = JSON.parse(body) as Manifest
  return manifest.format === 1 ? manifest : undefined
}
