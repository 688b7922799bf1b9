import type { Store } from '@tributary/delta'
import { hashLandingFile } from '../dms/open-file.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { LandingFile, SeenFile } from './plan.ts'

/** What files had to be read to tell what they are, by key: they are not read again as long as they lie there as they did. */
export type HashedFiles = Map<string, Pick<LandingFile, 'sizeBytes' | 'modifiedMs'> & { readonly hash: string }>

/**
 * Tells for each file whether its bytes were taken in. Size and write time answer at once; a file whose write time alone
 * differs is hashed, since a copy renews it (design §2, "landing file").
 */
export async function lookUpFiles(
  landing: Store,
  files: readonly LandingFile[],
  ledger: readonly LedgerEntry[],
  hashed: HashedFiles = new Map(),
): Promise<readonly SeenFile[]> {
  const hashOf = (file: LandingFile): Promise<string> => hashOnce(landing, file, hashed)
  const { newest, byKey } = entriesOf(ledger)
  const seen: SeenFile[] = []
  for (const file of files) {
    const entry = newest.get(file.key)
    const before = answered.get(file)
    if (before !== undefined && before.entry === entry) {
      seen.push(before)
      continue
    }
    if (file.kind === 'load' && entry?.kind === 'skipped') {
      seen.push(await lookUpSkippedLoad(hashOf, file, { entry, entries: byKey.get(file.key) ?? [] }))
      continue
    }
    // A reload may bring back the bytes of an earlier generation: only the newest entry speaks for a LOAD key.
    const entries = file.kind === 'load' && entry !== undefined ? [entry] : (byKey.get(file.key) ?? [])
    if (entry === undefined) seen.push({ file, entry, seen: 'new' })
    // Nearly all files are known, and waiting for the answer would cost more than the answer.
    else if (isUnchanged(file, entries)) {
      const answer: SeenFile = { file, entry, seen: 'known' }
      answered.set(file, answer)
      seen.push(answer)
    } else seen.push({ file, entry, seen: await compare(hashOf, file, entries) })
  }
  return seen
}

// A listing gives the same object for a file that lies there as it did, and entries of a key are only added: while the newest is the
// same, so is the answer.
const answered = new WeakMap<LandingFile, SeenFile>()

interface EntriesByKey {
  readonly newest: ReadonlyMap<string, LedgerEntry>
  readonly byKey: ReadonlyMap<string, readonly LedgerEntry[]>
}

// A worker looks again and again while nothing is committed.
const sorted = new WeakMap<readonly LedgerEntry[], EntriesByKey>()

function entriesOf(ledger: readonly LedgerEntry[]): EntriesByKey {
  const known = sorted.get(ledger)
  if (known !== undefined) return known
  const newest = new Map<string, LedgerEntry>()
  const byKey = new Map<string, LedgerEntry[]>()
  for (const entry of ledger) {
    if (entry.kind === 'replay' || entry.kind === 'truncate') continue
    newest.set(entry.key, entry)
    const entries = byKey.get(entry.key)
    if (entries === undefined) byKey.set(entry.key, [entry])
    else entries.push(entry)
  }
  sorted.set(ledger, { newest, byKey })
  return { newest, byKey }
}

/** A LOAD object that was left out once: the decision is about its bytes, and whether others are a reload says what was loaded before. */
async function lookUpSkippedLoad(
  hashOf: HashOf,
  file: LandingFile,
  { entry, entries }: { readonly entry: LedgerEntry; readonly entries: readonly LedgerEntry[] },
): Promise<SeenFile> {
  const skipped = entries.filter(({ kind }) => kind === 'skipped')
  if ((await compare(hashOf, file, skipped)) === 'known') return { file, entry, seen: 'known' }
  const loaded = entries.findLast(({ kind }) => kind === 'load')
  if (loaded === undefined) return { file, entry, seen: 'changed' }
  return { file, entry: loaded, seen: await compare(hashOf, file, [loaded]) }
}

async function compare(
  hashOf: HashOf,
  file: LandingFile,
  entries: readonly LedgerEntry[],
): Promise<'known' | 'changed'> {
  if (isUnchanged(file, entries)) return 'known'
  const same = entries.filter((entry) => entry.sizeBytes === file.sizeBytes)
  if (same.length === 0) return 'changed'
  const hash = await hashOf(file)
  return same.some((entry) => entry.hash === hash) ? 'known' : 'changed'
}

type HashOf = (file: LandingFile) => Promise<string>

async function hashOnce(
  landing: Store,
  { key, sizeBytes, modifiedMs }: LandingFile,
  hashed: HashedFiles,
): Promise<string> {
  const known = hashed.get(key)
  if (known !== undefined && known.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known.hash
  const hash = await hashLandingFile(landing, key)
  hashed.set(key, { sizeBytes, modifiedMs, hash })
  return hash
}

function isUnchanged({ sizeBytes, modifiedMs }: LandingFile, entries: readonly LedgerEntry[]): boolean {
  return entries.some((entry) => entry.sizeBytes === sizeBytes && entry.modifiedMs === modifiedMs)
}
