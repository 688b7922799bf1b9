// The life of a row, without reading the table version by version: one scan finds every physical row that ever had the key, and the
// log tells when each of them came alive and when it died. A row that dies as another comes alive is an update.
import { type AddFile, type Engine, type Row, readSnapshot, type Snapshot, type Store, scanSql } from '@tributary/delta'
import { keyUnknown, rowNotFound } from '../errors.ts'
import { parseTableState, STATE_DOMAIN } from '../ledger/table-state.ts'
import { isoText } from '../query/time-text.ts'
import { placeColumns } from '../upsert/locate.ts'
import { type FileEvents, readFileEvents } from './file-events.ts'
import { isSameJson, type JsonValue, jsonRow } from './json-row.ts'
import { filesWithKey, keyCondition, keyFields, parseKey } from './row-key.ts'

/** One change of a row. Several changes of one batch appear as one. */
export interface RowChange {
  readonly version: number
  readonly committedAt: string
  /**
   * When the source committed the change: the row's own time, where it keeps one, else the newest in that commit, where the files carry it.
   * ISO 8601 text.
   */
  readonly sourceAt: string | null
  readonly op: 'I' | 'U' | 'D'
  /** Of an update the columns that differ; of an insert or delete all columns. */
  readonly changed: readonly { readonly column: string; readonly from: JsonValue; readonly to: JsonValue }[]
  /** Landing file and row number; null for a delete and for rows that another program wrote. */
  readonly file: string | null
  readonly row: number | null
  /** The landing files of the commit, for a delete. */
  readonly commitFiles: readonly string[]
}

/** A row from its first version to its last; the `--json` of `row`, whose schema is published. */
export interface RowLife {
  readonly schema: 'tributary.row/1'
  readonly key: Readonly<Record<string, string>>
  /** The version that `row` is of. */
  readonly version: number
  /** The row at that version, null when it is not there. */
  readonly row: Readonly<Record<string, JsonValue>> | null
  readonly changes: readonly RowChange[]
  /** What came before this version is not known: log or data files of it were cleaned up. 0 when all is known. */
  readonly completeFrom: number
}

export interface RowOptions {
  /** The row as it was at this version, and its life until then. */
  readonly version?: number
  /** Key columns, for a table that Tributary does not write. */
  readonly key?: readonly string[]
  /** The column with the commit time at the source, in the table's name. */
  readonly timestampColumn?: string | undefined
}

/** Tells the life of one row. Throws `KEY_UNKNOWN`, `KEY_TEXT_INVALID`, `ROW_NOT_FOUND`, and what `readSnapshot` and `scanSql` throw. */
export async function rowLife(
  engine: Engine,
  store: Store,
  keyText: string,
  options: RowOptions = {},
): Promise<RowLife> {
  const snapshot = await readSnapshot(store, options.version === undefined ? {} : { version: options.version })
  const fields = keyFields(snapshot.schema, options.key ?? keyOf(snapshot))
  if (fields.length === 0) throw keyUnknown(store.url)
  const key = parseKey(keyText, fields)
  const events = await readFileEvents(store, snapshot.version)
  const candidates = filesWithKey({ ...snapshot, files: [...events.files.values()] }, key)
  const { present, lost } = await sortByPresence(store, candidates, events)
  const rows = await readPhysicalRows(engine, { ...snapshot, files: present }, keyCondition(key))
  if (rows.length === 0) throw rowNotFound(keyText, store.url)
  const stays = await events.staysOf(rows.map(({ path, position }) => ({ path, position })))
  const columns = snapshot.schema.fields.map((field) => field.name)
  const life = rows.map((row, index) => ({ ...row, stays: stays[index] ?? [] }))
  const alive = life.find((row) => row.stays.some((stay) => stay.until === undefined))
  return {
    schema: 'tributary.row/1',
    key: Object.fromEntries(key.map(({ field, text }) => [field.name, text])),
    version: snapshot.version,
    row: alive === undefined ? null : jsonRow(alive.values, columns),
    changes: pairChanges(life, events, { columns, timestampColumn: options.timestampColumn }),
    completeFrom: Math.max(events.fromVersion, ...lost.map((version) => version + 1)),
  }
}

function keyOf(snapshot: Snapshot): readonly string[] {
  const text = snapshot.domains.get(STATE_DOMAIN)
  return text === undefined ? [] : parseTableState(text).key
}

interface PhysicalRow {
  readonly path: string
  readonly position: number
  readonly values: Row
}

/** Files that VACUUM deleted can no longer be scanned: what they held is unknown up to the version that removed them. */
async function sortByPresence(
  store: Store,
  files: readonly AddFile[],
  events: FileEvents,
): Promise<{ readonly present: readonly AddFile[]; readonly lost: readonly number[] }> {
  const present: AddFile[] = []
  const lost: number[] = []
  for (const file of files) {
    const removedIn = events.removedIn(file.path)
    if (removedIn === undefined || (await store.stat(events.plainPath(file.path))) !== undefined) present.push(file)
    else lost.push(removedIn)
  }
  return { present, lost }
}

async function readPhysicalRows(
  engine: Engine,
  snapshot: Snapshot,
  condition: string,
): Promise<readonly PhysicalRow[]> {
  if (snapshot.files.length === 0) return []
  const fork = await engine.fork()
  try {
    const scan = await scanSql(fork, snapshot, { withPlace: true, extraColumns: placeColumns })
    const rows = await fork.all(`SELECT * FROM (${scan}) WHERE ${condition}`)
    return rows.map((values) => ({ path: String(values['__path']), position: Number(values['__position']), values }))
  } finally {
    await fork.close()
  }
}

interface LivedRow extends PhysicalRow {
  readonly stays: readonly { readonly from: number; readonly until: number | undefined }[]
}

function pairChanges(
  life: readonly LivedRow[],
  events: FileEvents,
  { columns, timestampColumn }: { readonly columns: readonly string[]; readonly timestampColumn: string | undefined },
): readonly RowChange[] {
  const moments = life.flatMap((row) =>
    row.stays.flatMap(({ from, until }) => (until === undefined ? [from] : [from, until])),
  )
  const versions = [...new Set(moments)].sort((left, right) => left - right)
  return versions.flatMap((version) => {
    const before = life.find((row) => row.stays.some((stay) => stay.until === version))
    const after = life.find((row) => row.stays.some((stay) => stay.from === version))
    const commit = events.commitOf(version)
    const old = before === undefined ? undefined : jsonRow(before.values, columns)
    const now = after === undefined ? undefined : jsonRow(after.values, columns)
    const changed = columns.flatMap((column) => {
      const [from, to] = [old?.[column] ?? null, now?.[column] ?? null]
      return isSameJson(from, to) ? [] : [{ column, from, to }]
    })
    const [oldPlace, place] = [placeOf(before), placeOf(after)]
    // A rewrite (optimize, copy-on-write) moves rows without changing them, and a reload brings all of them anew.
    const isSameChange =
      place.file === null || isSameJson({ ...oldPlace }, { ...place }) || commit?.operation === 'RELOAD'
    const isMoved = before !== undefined && after !== undefined && changed.length === 0 && isSameChange
    // What a rewrite moved came before; where the file that it was in is gone, nobody knows when.
    const isRewrite = before === undefined && commit?.operation === 'OPTIMIZE'
    if (isMoved || isRewrite || commit === undefined) return []
    const ownTime = timestampColumn === undefined ? null : (now?.[timestampColumn] ?? null)
    const sourceAt = typeof ownTime === 'string' ? ownTime : commit.sourceAt
    const op = before === undefined ? 'I' : after === undefined ? 'D' : 'U'
    return [
      {
        version,
        committedAt: commit.timestamp,
        sourceAt: sourceAt === null ? null : isoText(sourceAt),
        op,
        changed,
        ...place,
        commitFiles: commit.sourceFiles,
      } satisfies RowChange,
    ]
  })
}

function placeOf(row: PhysicalRow | undefined): { readonly file: string | null; readonly row: number | null } {
  const [file, number] = [row?.values['__file'] ?? null, row?.values['__row'] ?? null]
  return { file: file === null ? null : String(file), row: number === null ? null : Number(number) }
}
