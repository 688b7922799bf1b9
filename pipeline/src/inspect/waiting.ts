import type { Store } from '@tributary/delta'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { TableState } from '../ledger/table-state.ts'
import { lookUpFiles } from '../worker/look-up.ts'
import { isLeftover, isWaiting, type LandingFile } from '../worker/plan.ts'

/** A table's landing files against its ledger. */
export interface WaitingFiles {
  readonly files: number
  readonly sizeBytes: number
  /** Write time of the oldest one. */
  readonly oldestMs: number | null
  /** LOAD objects of an earlier generation that were not written again (design §3.1). */
  readonly leftoverLoads: readonly string[]
}

/** Which listed files the ledger does not hold yet. */
export async function findWaiting(
  landing: Store,
  files: readonly LandingFile[],
  table: { readonly state: TableState | undefined; readonly ledger: readonly LedgerEntry[] },
): Promise<WaitingFiles> {
  const leftoverLoads: string[] = []
  const waiting: LandingFile[] = []
  for (const seen of await lookUpFiles(landing, files, table.ledger)) {
    const { file, entry } = seen
    if (file.kind === 'load' && isLeftover(file, entry, table.state)) leftoverLoads.push(file.key)
    else if (isWaiting(seen, table.state)) waiting.push(file)
  }
  return {
    files: waiting.length,
    sizeBytes: waiting.reduce((sum, file) => sum + file.sizeBytes, 0),
    oldestMs: waiting.reduce<number | null>(
      (oldest, file) => Math.min(oldest ?? file.modifiedMs, file.modifiedMs),
      null,
    ),
    leftoverLoads,
  }
}
