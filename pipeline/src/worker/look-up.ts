import type { Store } from '@tributary/delta'
import { hashLandingFile } from '../dms/open-file.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { LandingFile, SeenFile } from './plan.ts'

/**
 * Tells for each file whether its bytes were taken in. Size and write time answer at once; a file whose write time alone
 * differs is hashed, since a copy renews it (design §2, "landing file").
 */
export async function lookUpFiles(
  landing: Store,
  files: readonly LandingFile[],
  ledger: readonly LedgerEntry[],
): Promise<readonly SeenFile[]> {
  const newest = new Map<string, LedgerEntry>()
  const byKey = new Map<string, LedgerEntry[]>()
  for (const entry of ledger) {
    if (entry.kind === 'replay' || entry.kind === 'truncate') continue
    newest.set(entry.key, entry)
    const entries = byKey.get(entry.key)
    if (entries === undefined) byKey.set(entry.key, [entry])
    else entries.push(entry)
  }
  const seen: SeenFile[] = []
  for (const file of files) {
    const entry = newest.get(file.key)
    // A reload may bring back the bytes of an earlier generation: only the newest entry speaks for a LOAD key.
    const entries = file.kind === 'load' && entry !== undefined ? [entry] : (byKey.get(file.key) ?? [])
    if (entry === undefined) seen.push({ file, entry, seen: 'new' })
    // Nearly all files are known, and waiting for the answer would cost more than the answer.
    else if (entries.some((same) => same.sizeBytes === file.sizeBytes && same.modifiedMs === file.modifiedMs))
      seen.push({ file, entry, seen: 'known' })
    else seen.push({ file, entry, seen: await compareBytes(landing, file, entries) })
  }
  return seen
}

async function compareBytes(
  landing: Store,
  file: LandingFile,
  entries: readonly LedgerEntry[],
): Promise<'known' | 'changed'> {
  const same = entries.filter((entry) => entry.sizeBytes === file.sizeBytes)
  if (same.length === 0) return 'changed'
  const hash = await hashLandingFile(landing, file.key)
  return same.some((entry) => entry.hash === hash) ? 'known' : 'changed'
}
