import type { Store, StoreEntry } from '@tributary/delta'
import { type LandingKey, parseLandingKey, placeOf } from '../dms/file-name.ts'
import type { Lake } from './lake.ts'
import type { LandingFile } from './plan.ts'

/** The landing as it is now, sorted by what each object is for. */
export interface Listing {
  /** Files by configured table; every configured table has an entry. */
  readonly tables: ReadonlyMap<string, readonly LandingFile[]>
  /** Tables that lie in the landing and are not configured, with their file counts. */
  readonly unconfigured: ReadonlyMap<string, number>
  /** Objects that are no table data: DMS control tables, validation results, odd names; with the reason. */
  readonly ignored: readonly IgnoredFile[]
  /** Names that could do harm: they are errors, and nothing is done with them. */
  readonly refused: readonly { readonly key: string; readonly why: string }[]
}

/** An object that is not taken in. */
export interface IgnoredFile {
  readonly key: string
  readonly why: string
  /** It belongs there: DMS's own tables and results, and what is no file. */
  readonly isExpected: boolean
}

interface ListedFile {
  readonly parsed: LandingKey
  readonly place: string
  readonly entry: StoreEntry
  /** The file as it is told, the same object as long as it lies there as it did. */
  landed: LandingFile | undefined
  /** When the disk was asked for size and time. */
  readonly lookedAtMs: number
}

// A watch lists the same names again and again. What they mean follows from them alone. A look at all of it forgets those that are gone.
const listedFiles = new WeakMap<Lake, Map<string, ListedFile>>()

// A file of changes that nobody has written to for a minute is not looked at again within a second: a landing keeps all of them, and few are
// new. Those of a load are written anew under their names, and which of them are new has to be seen of all at one time.
const SETTLED_MS = 60_000
const LOOK_AGAIN_MS = 1000

/** How the landing is listed. */
export interface ListingOptions {
  /** Only these; everything when it is left out. */
  readonly folders?: readonly string[]
  /** For who lists it again and again: a file of changes that is overwritten on a disk after a minute or more is seen a second later at most. */
  readonly again?: boolean
}

/**
 * Lists the landing once, for all tables, or only some of its folders. LIST is the truth: nothing else tells which files exist
 * (law 1).
 */
export async function listLanding(
  lake: Lake,
  { folders = [''], again = false }: ListingOptions = {},
): Promise<Listing> {
  const { dms } = lake.config
  const configured = lake.config.tables.map((table) => table.name)
  const tables = new Map<string, LandingFile[]>(configured.map((name) => [name, []]))
  const unconfigured = new Map<string, number>()
  const ignored: IgnoredFile[] = []
  const refused: { key: string; why: string }[] = []
  const options = { bucketFolder: dms.BucketFolder, cdcPath: dms.CdcPath, tables: configured }
  const known = listedFiles.get(lake)
  const listed = folders.includes('') || known === undefined ? new Map<string, ListedFile>() : known
  listedFiles.set(lake, listed)
  const nowMs = lake.clock.now()
  const recall = (key: string): StoreEntry | undefined => {
    const file = known?.get(key)
    if (!again || file?.parsed.kind !== 'cdc') return undefined
    // A clock that was set back says nothing, and an empty file is one that is not written yet.
    const sinceMs = nowMs - file.lookedAtMs
    if (sinceMs < 0 || sinceMs >= LOOK_AGAIN_MS || file.entry.sizeBytes === 0) return undefined
    return file.lookedAtMs - file.entry.modifiedMs >= SETTLED_MS ? file.entry : undefined
  }
  for await (const entry of listFolders(lake.landing, folders, recall)) {
    const { path: key, sizeBytes, modifiedMs } = entry
    const before = known?.get(key)
    const file = before?.entry === entry ? before : listedFile(entry, { before, nowMs, options })
    listed.set(key, file)
    const { parsed, place } = file
    if (sizeBytes === 0) {
      ignored.push({ key, why: 'empty: nothing is written in it', isExpected: key.endsWith('/') })
      continue
    }
    switch (parsed.kind) {
      case 'load':
      case 'cdc': {
        const table = `${parsed.schema}.${parsed.table}`
        const files = tables.get(table)
        if (files === undefined) unconfigured.set(table, (unconfigured.get(table) ?? 0) + 1)
        else {
          file.landed ??= { key, sizeBytes, modifiedMs, kind: parsed.kind, place }
          files.push(file.landed)
        }
        break
      }
      case 'transactions':
        for (const files of tables.values()) files.push({ key, sizeBytes, modifiedMs, kind: 'transactions', place })
        break
      case 'control':
        ignored.push({ key, why: `DMS control table ${parsed.table}`, isExpected: true })
        break
      case 'validation':
        ignored.push({ key, why: 'DMS validation result', isExpected: true })
        break
      case 'ignored':
        ignored.push({ key, why: parsed.why, isExpected: key.endsWith('/') })
        break
      case 'refused':
        refused.push({ key, why: parsed.why })
        break
    }
  }
  return { tables, unconfigured, ignored, refused }
}

function listedFile(
  entry: StoreEntry,
  {
    before,
    nowMs,
    options,
  }: {
    readonly before: ListedFile | undefined
    readonly nowMs: number
    readonly options: Parameters<typeof parseLandingKey>[1]
  },
): ListedFile {
  const isSame = before?.entry.sizeBytes === entry.sizeBytes && before.entry.modifiedMs === entry.modifiedMs
  return {
    parsed: before?.parsed ?? parseLandingKey(entry.path, options),
    place: before?.place ?? placeOf(entry.path),
    entry,
    landed: isSame ? before.landed : undefined,
    lookedAtMs: nowMs,
  }
}

async function* listFolders(
  landing: Store,
  folders: readonly string[],
  recall: (key: string) => StoreEntry | undefined,
): AsyncIterable<StoreEntry> {
  for (const folder of folders) yield* landing.list(folder, { recall })
}
