// `check` proves a table sound, or names what is not. Each check gives findings instead of stopping at the first, and files that
// cannot be read are left out of the later ones, so that one lost file does not hide a second fault.
import {
  type AddFile,
  type Engine,
  listCommitTimes,
  quoteName,
  readSnapshot,
  type Snapshot,
  type Store,
  scanSql,
} from '@tributary/delta'
import { parseTableState, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { checkDataFile } from './check-data-file.ts'
import { checkHistory } from './check-history.ts'
import { checkPins, type PinCheck } from './check-pins.ts'
import { checkSidecars } from './check-sidecars.ts'
import { attempt, type Finding } from './finding.ts'

/** What was looked at and what was found; the `--json` of `check`, whose schema is published. */
export interface CheckReport {
  readonly schema: 'tributary.check/1'
  readonly url: string
  readonly version: number | null
  /** Data files, deletion vectors and sidecar files that were opened. */
  readonly checked: {
    readonly files: number
    readonly deletionVectors: number
    readonly sidecars: number
    readonly keys: boolean
  }
  readonly findings: readonly Finding[]
  /** What is whole and may not stay so. */
  readonly warnings: readonly Finding[]
}

export interface CheckOptions {
  /** Key columns of a table that Tributary does not write; without them its keys are not checked. */
  readonly key?: readonly string[]
  /** Where the history of the table is, if it keeps one. */
  readonly history?: Store
  /** Where its pins are; without it they are not looked at. */
  readonly pins?: PinCheck
  readonly onProgress?: (done: { readonly files: number; readonly filesTotal: number }) => void
}

const FILES_AT_ONCE = 8

/**
 * Checks a table's newest version: log, data files, statistics, deletion vectors and, on our own tables, keys, ledger and
 * conservation. Memory does not grow with the table. Throws `TABLE_NOT_FOUND`, and what a store throws that does not answer.
 */
export async function checkTable(engine: Engine, store: Store, options: CheckOptions = {}): Promise<CheckReport> {
  const nothing = { files: 0, deletionVectors: 0, sidecars: 0, keys: false }
  const gaps = await checkLog(store)
  const snapshot = await attempt(() => readSnapshot(store))
  if ('finding' in snapshot) {
    const findings = gaps.some((gap) => gap.code === snapshot.finding.code) ? gaps : [...gaps, snapshot.finding]
    return { schema: 'tributary.check/1', url: store.url, version: null, checked: nothing, findings, warnings: [] }
  }
  const { value } = snapshot
  const files = await checkFiles(value, options)
  const state = await attempt(async () => readState(value))
  const known = 'value' in state ? state.value : undefined
  const sidecars = known === undefined ? { findings: [], checked: 0 } : await checkSidecars(value, known)
  const key = options.key ?? known?.key ?? []
  const keys = await checkKeys(engine, value, { key, files: files.sound })
  const history =
    options.history === undefined || known === undefined || files.sound.length < value.files.length
      ? []
      : await checkHistoryOf(engine, { live: value, state: known, store: options.history })
  const pins = options.pins === undefined ? { findings: [], warnings: [] } : await checkPins(value, options.pins)
  return {
    schema: 'tributary.check/1',
    url: store.url,
    version: value.version,
    checked: {
      files: value.files.length,
      deletionVectors: files.deletionVectors,
      sidecars: sidecars.checked,
      keys: key.length > 0,
    },
    findings: [
      ...gaps,
      ...files.findings,
      ...('finding' in state ? [state.finding] : []),
      ...sidecars.findings,
      ...keys,
      ...history,
      ...pins.findings,
    ],
    warnings: pins.warnings,
  }
}

async function checkHistoryOf(engine: Engine, table: Parameters<typeof checkHistory>[1]): Promise<readonly Finding[]> {
  const found = await attempt(() => checkHistory(engine, table))
  return 'finding' in found ? [found.finding] : found.value
}

// A checkpoint hides a commit that is lost before it: readers go on, and history and change feed do not.
async function checkLog(store: Store): Promise<readonly Finding[]> {
  const commits = await listCommitTimes(store)
  return commits.flatMap(({ version }, index) => {
    const before = commits[index - 1]?.version ?? version - 1
    if (before === version - 1) return []
    const missing =
      before + 1 === version - 1 ? `commit ${before + 1} is` : `commits ${before + 1} to ${version - 1} are`
    return [
      {
        code: 'LOG_GAP',
        message: `The log has a gap: ${missing} missing. Restore the files of _delta_log from a backup.`,
        path: '_delta_log',
      },
    ]
  })
}

function readState(snapshot: Snapshot): TableState | undefined {
  const text = snapshot.domains.get(STATE_DOMAIN)
  return text === undefined ? undefined : parseTableState(text)
}

async function checkFiles(
  snapshot: Snapshot,
  options: CheckOptions,
): Promise<{
  readonly findings: readonly Finding[]
  readonly sound: readonly AddFile[]
  readonly deletionVectors: number
}> {
  const findings: Finding[] = []
  const sound: AddFile[] = []
  for (let start = 0; start < snapshot.files.length; start += FILES_AT_ONCE) {
    const batch = snapshot.files.slice(start, start + FILES_AT_ONCE)
    const results = await Promise.all(batch.map((file) => checkDataFile(snapshot.store, file)))
    results.forEach((result, index) => {
      findings.push(...result.findings)
      const file = batch[index]
      if (file !== undefined && result.isReadable) sound.push(file)
    })
    options.onProgress?.({
      files: Math.min(start + FILES_AT_ONCE, snapshot.files.length),
      filesTotal: snapshot.files.length,
    })
  }
  return { findings, sound, deletionVectors: snapshot.files.filter((file) => file.deletionVector !== undefined).length }
}

const KEYS_SHOWN = 5

/** Law 4: one live row a key, and no key without a value. */
async function checkKeys(
  engine: Engine,
  snapshot: Snapshot,
  { key, files }: { readonly key: readonly string[]; readonly files: readonly AddFile[] },
): Promise<readonly Finding[]> {
  if (key.length === 0 || files.length === 0) return []
  const fork = await engine.fork()
  try {
    const found = await attempt(async () => {
      const names = key.map(quoteName)
      const scan = await scanSql(fork, snapshot, { columns: key, files })
      const repeated = `SELECT ${names.join(', ')}, count(*) AS n FROM (${scan}) GROUP BY ALL HAVING count(*) > 1`
      const text = names.map((name) => `coalesce(CAST(${name} AS VARCHAR), 'NULL')`).join(` || '/' || `)
      const rows = await fork.all(
        `SELECT ${text} AS key, n FROM (${repeated}) ORDER BY n DESC, key LIMIT ${KEYS_SHOWN + 1}`,
      )
      const isNull = names.map((name) => `${name} IS NULL`).join(' OR ')
      const [nulls] = await fork.all(`SELECT count(*) AS n FROM (${scan}) WHERE ${isNull}`)
      return { rows, nulls: Number(nulls?.['n'] ?? 0) }
    })
    if ('finding' in found) return [found.finding]
    const { rows, nulls } = found.value
    const shown = rows
      .slice(0, KEYS_SHOWN)
      .map((row) => `${String(row['key'])} (${String(row['n'])} rows)`)
      .join(', ')
    const more = rows.length > KEYS_SHOWN ? ' and more' : ''
    return [
      ...(rows.length === 0
        ? []
        : [
            {
              code: 'KEY_REPEATED',
              message: `Keys have more than one live row: ${shown}${more}. Another program wrote to the table, or files were restored wrongly; restore the last sound version, or reload.`,
            },
          ]),
      ...(nulls === 0
        ? []
        : [
            {
              code: 'KEY_NULL',
              message: `${nulls} live rows have no value in a key column (${key.join(', ')}). Another program wrote to the table; delete these rows.`,
            },
          ]),
    ]
  } finally {
    await fork.close()
  }
}
