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
  readonly ignored: readonly { readonly key: string; readonly why: string }[]
  /** Names that could do harm: they are errors, and nothing is done with them. */
  readonly refused: readonly { readonly key: string; readonly why: string }[]
}

interface ReadName {
  readonly parsed: LandingKey
  readonly place: string
}

// A watch lists the same names again and again. What they mean follows from them alone. A look at all of it forgets those that are gone.
const readNames = new WeakMap<Lake, Map<string, ReadName>>()

/**
 * Lists the landing once, for all tables, or only some of its folders. LIST is the truth: nothing else tells which files exist
 * (law 1).
 */
export async function listLanding(lake: Lake, folders: readonly string[] = ['']): Promise<Listing> {
  const { dms } = lake.config
  const configured = lake.config.tables.map((table) => table.name)
  const tables = new Map<string, LandingFile[]>(configured.map((name) => [name, []]))
  const unconfigured = new Map<string, number>()
  const ignored: { key: string; why: string }[] = []
  const refused: { key: string; why: string }[] = []
  const options = { bucketFolder: dms.BucketFolder, cdcPath: dms.CdcPath, tables: configured }
  const known = readNames.get(lake)
  const names = folders.includes('') || known === undefined ? new Map<string, ReadName>() : known
  readNames.set(lake, names)
  for await (const { path: key, sizeBytes, modifiedMs } of listFolders(lake.landing, folders)) {
    const name = known?.get(key) ?? { parsed: parseLandingKey(key, options), place: placeOf(key) }
    names.set(key, name)
    const { parsed, place } = name
    if (sizeBytes === 0) {
      ignored.push({ key, why: 'empty object' })
      continue
    }
    switch (parsed.kind) {
      case 'load':
      case 'cdc': {
        const table = `${parsed.schema}.${parsed.table}`
        const files = tables.get(table)
        if (files === undefined) unconfigured.set(table, (unconfigured.get(table) ?? 0) + 1)
        else files.push({ key, sizeBytes, modifiedMs, kind: parsed.kind, place })
        break
      }
      case 'transactions':
        for (const files of tables.values()) files.push({ key, sizeBytes, modifiedMs, kind: 'transactions', place })
        break
      case 'control':
        ignored.push({ key, why: `DMS control table ${parsed.table}` })
        break
      case 'validation':
        ignored.push({ key, why: 'DMS validation result' })
        break
      case 'ignored':
        ignored.push({ key, why: parsed.why })
        break
      case 'refused':
        refused.push({ key, why: parsed.why })
        break
    }
  }
  return { tables, unconfigured, ignored, refused }
}

async function* listFolders(landing: Store, folders: readonly string[]): AsyncIterable<StoreEntry> {
  for (const folder of folders) yield* landing.list(folder)
}
