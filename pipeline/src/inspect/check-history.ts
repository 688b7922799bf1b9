// The history of a table against the table: the same batch, the rows that were read, and the same rows in the end.
import {
  batchRows,
  type Engine,
  parseStats,
  quoteName,
  readSnapshot,
  type Snapshot,
  type Store,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import { historyOrderSql } from '../history-table/history-shape.ts'
import { columnsSql } from '../history-table/history-sql.ts'
import { type HistoryNote, hasGap, parseHistoryNote } from '../history-table/note.ts'
import { type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import type { TableState } from '../ledger/table-state.ts'
import type { Finding } from './finding.ts'

/** Checks the history of a table of ours. Nothing is found wrong with one that has not begun. */
export async function checkHistory(
  engine: Engine,
  { live, state, store }: { readonly live: Snapshot; readonly state: TableState; readonly store: Store },
): Promise<readonly Finding[]> {
  const note = parseHistoryNote(live.domains)
  if (note === undefined || note.batch === 0) return []
  const history = await readIfThere(store)
  const batches = [...(history?.transactions.values() ?? [])].filter(({ appId }) => appId.startsWith('tributary/'))
  const batch = Math.max(0, ...batches.map(({ version }) => Number(version)))
  const behind = checkBatch(batch, note)
  if (history === undefined || behind.length > 0) return behind
  const rows = checkRows(history, note)
  const fork = await engine.fork()
  try {
    await fork.run(`CREATE OR REPLACE TEMP VIEW history AS ${await scanSql(fork, history)}`)
    const entries = await readLedger(live.store, state.ledger)
    return [
      ...rows,
      ...(await checkFiles(fork, entries)),
      // Where batches came without their history, the next one begins with what they left.
      ...(hasGap(note, state.batch) ? [] : await checkState(fork, { live, history }, state.key)),
    ]
  } finally {
    await fork.close()
  }
}

async function readIfThere(store: Store): Promise<Snapshot | undefined> {
  try {
    return await readSnapshot(store)
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return undefined
    throw error
  }
}

function checkBatch(batch: number, note: HistoryNote): readonly Finding[] {
  if (batch === note.batch) return []
  const message =
    batch === note.previous
      ? `The history lacks batch ${note.batch}, whose commit was cut off. The next \`tributary ingest\` completes it.`
      : `The history ends with batch ${batch}, and the table says ${note.batch}: it was deleted, restored or changed by another program. Bring it back from a backup.`
  return [{ code: batch === note.previous ? 'HISTORY_INCOMPLETE' : 'HISTORY_LOST', message }]
}

function checkRows(history: Snapshot, note: HistoryNote): readonly Finding[] {
  const rows = history.files.reduce(
    (sum, { stats, deletionVector }) => sum + (parseStats(stats)?.numRecords ?? 0) - (deletionVector?.cardinality ?? 0),
    0,
  )
  if (rows === note.rows) return []
  const message = `The history has ${rows} rows, and ${note.rows} were written: another program added or deleted some. Restore its last sound version.`
  return [{ code: 'HISTORY_ROWS_DIFFER', message }]
}

const FILES_SHOWN = 5

/** Law 3 for the history: of each landing file the rows that were read and are not in quarantine, each once. */
async function checkFiles(engine: Engine, entries: readonly LedgerEntry[]): Promise<readonly Finding[]> {
  const expected = new Map<string, number>()
  for (const { kind, key, batch, read, quarantined } of entries)
    if (kind === 'load' || kind === 'cdc' || kind === 'transactions')
      expected.set(`${batch} ${key}`, read - quarantined)
  // A key that vanishes or moves leaves a delete at the place of a row that is counted already.
  const rows = engine.stream(`SELECT "__batch" || ' ' || "__file" AS place,
      count(DISTINCT "__row") FILTER ("__op" = 'L') AS loaded, count(DISTINCT "__row") FILTER ("__op" <> 'L') AS changed
    FROM history WHERE "__file" IS NOT NULL GROUP BY ALL ORDER BY 1`)
  const wrong: string[] = []
  for await (const part of rows) {
    for (const row of batchRows(part)) {
      const wanted = expected.get(String(row['place']))
      const counts = [Number(row['loaded']), Number(row['changed'])]
      if (wanted !== undefined && !counts.includes(wanted))
        wrong.push(`${String(row['place'])} (${counts.join(' and ')}, not ${wanted})`)
    }
  }
  if (wrong.length === 0) return []
  const more = wrong.length > FILES_SHOWN ? ' and more' : ''
  const message = `The history does not have the rows that were read of these files, by batch: ${wrong.slice(0, FILES_SHOWN).join(', ')}${more}. Restore its last sound version.`
  return [{ code: 'HISTORY_FILE_DIFFERS', message }]
}

/** The last change of each key is what the table holds. */
async function checkState(
  engine: Engine,
  { live, history }: { readonly live: Snapshot; readonly history: Snapshot },
  key: readonly string[],
): Promise<readonly Finding[]> {
  const known = new Set(history.schema.fields.map(({ name }) => name))
  // A column that another program added comes to the history with the next batch.
  const told = columnsSql(live.schema, (name) => (known.has(name) ? quoteName(name) : undefined))
  const columns = live.schema.fields.map(({ name }) => quoteName(name)).join(', ')
  const keys = key.map(quoteName).join(', ')
  const last = `SELECT ${told} FROM (SELECT * FROM history
    QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY ${historyOrderSql()}) = count(*) OVER (PARTITION BY ${keys})) WHERE "__op" <> 'D'`
  const stored = `SELECT ${columns} FROM (${await scanSql(engine, live)})`
  const [row] = await engine.all(`SELECT (SELECT count(*) FROM (${stored} EXCEPT ${last})) AS missing,
    (SELECT count(*) FROM (${last} EXCEPT ${stored})) AS surplus`)
  const [missing, surplus] = [Number(row?.['missing']), Number(row?.['surplus'])]
  if (missing + surplus === 0) return []
  const message = `The history does not lead to the table: ${missing} live rows are not what it says, and ${surplus} rows of it are not live. Another program wrote to one of the two, or an older Tributary put changes in a wrong order by a sequence of type float, double or binary, or by one whose type became wider. Turn the history off, ingest once, and on again: it then goes on from the table as it is.`
  return [{ code: 'HISTORY_DIVERGES', message }]
}
