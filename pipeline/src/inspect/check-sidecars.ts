import { crc32 } from 'node:zlib'
import type { Snapshot, Store } from '@tributary/delta'
import { type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import { readQuarantine } from '../ledger/quarantine.ts'
import { addCounts, type Counts, isConserved, NO_COUNTS, type Segment, type TableState } from '../ledger/table-state.ts'
import { attempt, type Finding } from './finding.ts'

/** Checks what Tributary keeps beside the rows: sidecar files, conservation (law 3), and the batch number (law 1). */
export async function checkSidecars(
  snapshot: Snapshot,
  state: TableState,
): Promise<{ readonly findings: readonly Finding[]; readonly checked: number }> {
  const { store } = snapshot
  const findings: Finding[] = []
  const entries: LedgerEntry[] = []
  let isLedgerWhole = true
  for (const segment of state.ledger) {
    const read = await attempt(() => readLedger(store, [segment]), segment.path)
    if ('value' in read) entries.push(...read.value)
    else findings.push(read.finding)
    isLedgerWhole &&= 'value' in read
  }
  for (const segment of state.quarantine) {
    const read = await attempt(() => readQuarantine(store, [segment]), segment.path)
    if ('finding' in read) findings.push(read.finding)
  }
  for (const segment of state.tombstones) findings.push(...(await checkBytes(store, segment)))
  findings.push(...checkEntries(entries))
  // Sums over a ledger with holes would only repeat that it has holes.
  if (isLedgerWhole) findings.push(...checkTotals(entries, state))
  findings.push(...checkBatch(snapshot, state))
  return { findings, checked: state.ledger.length + state.quarantine.length + state.tombstones.length }
}

function checkEntries(entries: readonly LedgerEntry[]): readonly Finding[] {
  const seen = new Set<string>()
  return entries.flatMap((entry) => {
    const findings: Finding[] = []
    if (!isConserved(entry)) {
      findings.push({
        code: 'COUNTS_NOT_CONSERVED',
        message: `The ledger's counts of ${entry.key} do not add up: ${sumText(entry)}. Restore the ledger from a backup, or reload the table.`,
        path: entry.key,
      })
    }
    const id = JSON.stringify([entry.generation, entry.key, entry.hash])
    if (entry.kind !== 'replay' && seen.has(id)) {
      findings.push({
        code: 'FILE_TAKEN_TWICE',
        message: `The ledger holds ${entry.key} twice with the same bytes: it took effect more than once. Reload the table.`,
        path: entry.key,
      })
    }
    if (entry.kind !== 'replay') seen.add(id)
    return findings
  })
}

function checkTotals(entries: readonly LedgerEntry[], { totals }: TableState): readonly Finding[] {
  const sum = entries.reduce<Counts>(addCounts, NO_COUNTS)
  const names = ['read', 'applied', 'superseded', 'noop', 'quarantined'] as const
  const differing = names.filter((name) => sum[name] !== totals[name])
  if (differing.length === 0) return []
  const text = differing.map((name) => `${name} ${sum[name]} and not ${totals[name]}`).join(', ')
  return [
    {
      code: 'TOTALS_DIFFER',
      message: `The ledger's entries do not add up to the table's totals: ${text}. An entry was lost or changed; restore _tributary/ledger from a backup.`,
    },
  ]
}

/** Law 1: rows and ledger are one commit, so the transaction that both named has the batch's number. */
function checkBatch(snapshot: Snapshot, state: TableState): readonly Finding[] {
  const ours = [...snapshot.transactions.values()].filter(({ appId }) => appId.startsWith('tributary/'))
  if (ours.some(({ version }) => version === state.batch)) return []
  const found =
    ours.length === 0 ? 'no transaction of ours' : `transaction ${ours.map(({ version }) => version).join(', ')}`
  return [
    {
      code: 'BATCH_DIFFERS',
      message: `The table's state is of batch ${state.batch} and the log has ${found}: another program changed one of them. Restore the last sound version.`,
    },
  ]
}

const CHUNK_BYTES = 4 * 1024 * 1024

async function checkBytes(store: Store, segment: Segment): Promise<readonly Finding[]> {
  const { path, sizeBytes } = segment
  const entry = await store.stat(path)
  if (entry === undefined)
    return [
      {
        code: 'SEGMENT_LOST',
        message: `The sidecar file ${path} is missing: it was deleted or not copied. Restore it from a backup.`,
        path,
      },
    ]
  const damaged = {
    code: 'SEGMENT_CORRUPT',
    message: `The sidecar file ${path} is not what was written: its bytes changed. Restore it from a backup.`,
    path,
  }
  if (entry.sizeBytes !== sizeBytes) return [damaged]
  let sum = 0
  for (let offset = 0; offset < sizeBytes; offset += CHUNK_BYTES) {
    sum = crc32(await store.readRange(path, { offset, length: Math.min(CHUNK_BYTES, sizeBytes - offset) }), sum)
  }
  return sum === segment.crc32 ? [] : [damaged]
}

function sumText(counts: Counts): string {
  const parts = counts.applied + counts.superseded + counts.noop + counts.quarantined
  return `${counts.read} rows read, and ${parts} applied, superseded, without effect or in quarantine`
}
