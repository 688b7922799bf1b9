import { TributaryError } from '@tributary/delta/log'

/** A fault in `tributary.yaml`, by line, with the remedy. */
export function configInvalid(
  path: string,
  line: number,
  problem: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError('invalid', 'CONFIG_INVALID', `${path}, line ${line}: ${problem}`, options)
}

/** The landing file's bytes are not whole. */
export function landingFileCorrupt(
  key: string,
  problem: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError(
    'corrupt',
    'LANDING_FILE_CORRUPT',
    `${key} cannot be read: ${problem}. Nothing of it was applied. Put a whole copy in its place, or skip it with \`tributary resolve\`.`,
    options,
  )
}

/** Somebody wrote the file while it was read. */
export function landingFileChanged(key: string): TributaryError {
  return new TributaryError(
    'unavailable',
    'LANDING_FILE_CHANGED',
    `${key} changed while it was read. Nothing of it was applied: run again when it is complete.`,
  )
}

/** A file that the listing named is gone. */
export function landingFileGone(key: string, options?: { readonly cause?: unknown }): TributaryError {
  return new TributaryError(
    'not-found',
    'LANDING_FILE_GONE',
    `${key} was listed and is gone: its changes are lost unless it comes back. DMS deletes a table's files on TRUNCATE and DROP. Restore the file, or choose a way on with \`tributary resolve\`.`,
    options,
  )
}

/** A path that leads out of the landing. */
export function landingPathRefused(key: string): TributaryError {
  return new TributaryError(
    'refused',
    'LANDING_PATH_REFUSED',
    `${key} leads out of the landing folder, by .. or by a symbolic link. Remove it or put the file itself there.`,
  )
}

/** The file inflates to more than any honest file would. */
export function landingFileTooLarge(key: string, problem: string): TributaryError {
  return new TributaryError(
    'refused',
    'LANDING_FILE_TOO_LARGE',
    `${key} is refused: ${problem}. If it is honest, store it uncompressed or in smaller files.`,
  )
}

/** The columns of a file do not fit the table, and going on could put values into wrong columns. */
export function schemaMismatch(key: string, table: string, problem: string): TributaryError {
  return new TributaryError(
    'refused',
    'SCHEMA_MISMATCH',
    `${key} does not fit ${table}: ${problem}. See the ways on with \`tributary resolve ${table}\`.`,
  )
}

/** A CSV file without header for a table without `columns`. */
export function columnsUnknown(key: string, table: string): TributaryError {
  return new TributaryError(
    'invalid',
    'COLUMNS_UNKNOWN',
    `${key} has no header and ${table} has no columns. List them, in file order, as \`columns\` in tributary.yaml, or set AddColumnName on the DMS endpoint.`,
  )
}

/** Two readings of a headerless file are left. */
export function layoutAmbiguous(key: string, table: string, readings: readonly string[]): TributaryError {
  return new TributaryError(
    'refused',
    'LAYOUT_AMBIGUOUS',
    `${key} of ${table} can be read in ${readings.length} ways (${readings.join('; ')}) and nothing decides. Set AddColumnName on the DMS endpoint, or list every column of the file under \`columns\`.`,
  )
}

/** The two witnesses of law 3 disagree. */
export function recordCountMismatch(
  key: string,
  counts: { readonly counted: number; readonly read: number; readonly rejected: number },
): TributaryError {
  return new TributaryError(
    'corrupt',
    'RECORD_COUNT_MISMATCH',
    `${key} has ${counts.counted} records by an independent count, but ${counts.read} were read and ${counts.rejected} rejected. Nothing of it was applied. Check CsvDelimiter, CsvRowDelimiter and Rfc4180 in \`dms:\`, then run again.`,
  )
}

// --- Ledger and state ---

/** The table's state was written by a newer Tributary. */
export function ledgerFormatUnknown(format: number): TributaryError {
  return new TributaryError(
    'unsupported',
    'LEDGER_FORMAT_UNKNOWN',
    `The table's state has format ${format} and this version knows 1: a newer Tributary wrote it. Upgrade this one.`,
  )
}

/** The text of our metadata domain cannot be read. */
export function tableStateCorrupt(reason: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'TABLE_STATE_CORRUPT',
    `The metadata domain tributary.state cannot be read: ${reason}. Something else wrote it; restore the table to a version before that.`,
  )
}

/** A sidecar file that the newest commit names is gone. */
export function segmentLost(path: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'SEGMENT_LOST',
    `The sidecar file ${path} is missing and the table's newest commit names it: it was deleted by hand or by a cleaning job. Restore it from a backup, and leave _tributary/ alone.`,
  )
}

/** A sidecar file has other bytes than were written. */
export function segmentCorrupt(path: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'SEGMENT_CORRUPT',
    `The sidecar file ${path} does not have the size, checksum or entries that its commit records: it was changed or damaged. Restore it from a backup.`,
  )
}

/** Rows read and rows accounted for differ (law 3). */
export function countMismatch(
  file: string,
  counts: {
    readonly read: number
    readonly applied: number
    readonly superseded: number
    readonly noop: number
    readonly quarantined: number
  },
): TributaryError {
  const { read, applied, superseded, noop, quarantined } = counts
  return new TributaryError(
    'corrupt',
    'COUNT_MISMATCH',
    `${file} holds ${read} records by an independent count, but ${applied} applied + ${superseded} superseded + ${noop} no-op + ${quarantined} quarantined is ${applied + superseded + noop + quarantined}. Nothing was committed. Report this with the file: it is a bug or a format that is not known yet.`,
  )
}

// --- Order and keys ---

/** A file arrives behind its successors and there is no sequence column to order by (law 2). */
export function lateFile(file: string, last: string): TributaryError {
  return new TributaryError(
    'conflict',
    'LATE_FILE',
    `${file} sorts at or before ${last}, which was already applied, and the table has no sequence column to put its rows in order. Set "sequence" and reload the table, or skip the file with: tributary resolve TABLE --skip ${file} --reason TEXT`,
  )
}

/** A CDC file that was applied has other bytes now. */
export function cdcFileChanged(file: string): TributaryError {
  return new TributaryError(
    'conflict',
    'CDC_FILE_CHANGED',
    `${file} was applied before and has other bytes now; without a sequence column its rows cannot be put in order. Find out who rewrote it; skip the new content with: tributary resolve TABLE --skip ${file} --reason TEXT`,
  )
}

/** Sequence texts of different length cannot be compared bytewise (law 2). */
export function sequenceLengthChanged(
  column: string,
  file: string,
  lengths: { readonly expected: number; readonly found: number },
): TributaryError {
  return new TributaryError(
    'invalid',
    'SEQUENCE_LENGTH_CHANGED',
    `The sequence column ${column} has texts of ${lengths.found} characters in ${file} and of ${lengths.expected} before: compared as text their order would be wrong. Give the column a number type in "columns", or reload the table.`,
  )
}

/** A late row lacks columns (law 2). */
export function latePartialRow(file: string, row: number): TributaryError {
  return new TributaryError(
    'conflict',
    'LATE_PARTIAL_ROW',
    `Row ${row} of ${file} is older than the stored row and lacks columns that the source did not log: it cannot be merged any more. Log all columns at the source and reload the table, or skip the file with: tributary resolve TABLE --skip ${file} --reason TEXT`,
  )
}

/** A change that may be older than a forgotten delete (`tombstones:`, design §3.1). */
export function changeBeyondHorizon(file: string, row: number): TributaryError {
  return new TributaryError(
    'conflict',
    'CHANGE_BEYOND_HORIZON',
    `Row ${row} of ${file} is older than deletes that the table no longer remembers (\`tombstones\` in its settings): whether its key was deleted since is not known. Reload the table, or skip the file with: tributary resolve TABLE --skip ${file} --reason TEXT`,
  )
}

/** A row changes its key, lacks columns, and its old key is touched by the same batch. */
export function partialKeyChange(file: string, row: number): TributaryError {
  return new TributaryError(
    'unsupported',
    'PARTIAL_KEY_CHANGE',
    `Row ${row} of ${file} changes its key and lacks columns, and another change of the batch touches the old key: what the missing columns held cannot be told. Log all columns at the source and reload the table.`,
  )
}

/** A file lacks key columns. */
export function keyColumnsMissing(file: string, columns: readonly string[]): TributaryError {
  return new TributaryError(
    'invalid',
    'KEY_COLUMNS_MISSING',
    `${file} has no column ${columns.map((column) => JSON.stringify(column)).join(', ')}, which the table's key needs. Check "key" in tributary.yaml against the file's header.`,
  )
}

/** A name that is no configured table, or that fits several. */
export function tableNotConfigured(name: string, known: readonly string[]): TributaryError {
  return new TributaryError(
    'not-found',
    'TABLE_NOT_CONFIGURED',
    `There is no one table ${JSON.stringify(name)} in tributary.yaml. Configured: ${known.join(', ') || 'none'}.`,
  )
}

/** Too many lost races in a row. */
export function commitContended(table: string, attempts: number): TributaryError {
  return new TributaryError(
    'conflict',
    'COMMIT_CONTENDED',
    `${table} was changed by others during each of ${attempts} attempts to commit. Run again; if it goes on, see who else writes the table.`,
  )
}

/** A schema change that the table does not take by itself. */
export function typeNarrowed(
  table: string,
  column: string,
  types: { readonly from: string; readonly to: string },
): TributaryError {
  return new TributaryError(
    'invalid',
    'TYPE_NOT_WIDENED',
    `Column ${JSON.stringify(column)} of ${table} is ${types.from} and the source now has ${types.to}, which does not hold every old value. Correct "columns" in tributary.yaml, or reload the table into a new folder.`,
  )
}

// --- Queries and inspection ---

/** The text is not SQL, or asks for what cannot be. */
export function queryInvalid(why: string): TributaryError {
  return new TributaryError(
    'invalid',
    'QUERY_INVALID',
    `The query cannot be run: ${why}. Correct it and run it again; \`tributary help sql\` shows what is possible.`,
  )
}

/** Only one SELECT may be run: everything else could change something. */
export function queryNotSelect(why: string): TributaryError {
  return new TributaryError(
    'invalid',
    'QUERY_NOT_SELECT',
    `Only a single SELECT can be run, and of this query ${why}. Write one SELECT (or FROM, VALUES, DESCRIBE, SUMMARIZE) without others before or after it.`,
  )
}

/** A table function that could read what the query may not. */
export function queryFunctionRefused(name: string, known: readonly string[]): TributaryError {
  return new TributaryError(
    'refused',
    'QUERY_FUNCTION_REFUSED',
    `The function ${name} is refused, because a query may read the lake's tables only. Of functions in FROM there are ${known.join(', ')}; use DuckDB itself for other files.`,
  )
}

/** Nobody knows a table by that name. */
export function tableUnknown(name: string, closest: readonly string[]): TributaryError {
  const hint =
    closest.length === 0
      ? 'Use schema.table as in tributary.yaml, or the path of a Delta table'
      : `Did you mean ${closest.join(' or ')}?`
  return new TributaryError(
    'not-found',
    'TABLE_UNKNOWN',
    `There is no table ${JSON.stringify(name)}: it is not configured (or not unique), and no folder of that name holds a Delta table. ${hint}`,
  )
}

/** A text that names no version and no time. */
export function versionTextInvalid(text: string): TributaryError {
  return new TributaryError(
    'invalid',
    'VERSION_TEXT_INVALID',
    `${JSON.stringify(text)} names no version and no time. Write v118, 2026-01-31, 2026-01-31T10:00:00Z, or a duration such as 15m, 2h, 1d.`,
  )
}

/** An interval that ends before it begins. */
export function rangeEmpty(since: number, until: number): TributaryError {
  return new TributaryError(
    'invalid',
    'RANGE_EMPTY',
    `There is nothing between version ${since} and version ${until}: the interval ends before it begins. Swap since and until.`,
  )
}

/** A table whose key nobody told. */
export function keyUnknown(url: string): TributaryError {
  return new TributaryError(
    'invalid',
    'KEY_UNKNOWN',
    `The key of the table at ${url} is not known: Tributary does not write it. Name the key columns with --key, for changes with --derive --key.`,
  )
}

/** A key in a form that the key columns do not have. */
export function keyTextInvalid(text: string, columns: string, why: string): TributaryError {
  return new TributaryError(
    'invalid',
    'KEY_TEXT_INVALID',
    `${JSON.stringify(text)} is no key of this table: ${why}. Write the values of ${columns} with slashes between.`,
  )
}

/** No row, now or before, had that key. */
export function rowNotFound(key: string, url: string): TributaryError {
  return new TributaryError(
    'not-found',
    'ROW_NOT_FOUND',
    `The table at ${url} never had a row with the key ${JSON.stringify(key)}, as far as its files still tell. Check the spelling and the order of the parts.`,
  )
}

/** A decision that has nothing to decide on. */
export function nothingToResolve(what: string, why: string): TributaryError {
  return new TributaryError('invalid', 'NOTHING_TO_RESOLVE', `Nothing was done about ${JSON.stringify(what)}: ${why}.`)
}

/** Another writer was first. */
export function resolveLost(table: string): TributaryError {
  return new TributaryError(
    'conflict',
    'RESOLVE_LOST',
    `${table} was changed by another writer at the same moment. Look at its status and decide again.`,
  )
}

/** `init` found nothing to configure. */
export function landingEmpty(url: string): TributaryError {
  return new TributaryError(
    'not-found',
    'LANDING_EMPTY',
    `There are no files of DMS in ${url}: none is called LOAD00000001.csv or 20260301-101502123.csv and lies below <schema>/<table>/. Give --from the folder that the DMS endpoint writes.`,
  )
}

/** The landing is something else than a folder. */
export function landingNotFolder(path: string): TributaryError {
  return new TributaryError(
    'invalid',
    'LANDING_NOT_FOLDER',
    `The landing ${path} is a file: DMS writes files into a folder. Name that folder as \`landing\` in tributary.yaml.`,
  )
}

/** A table of another program has no change feed for some version of the range. */
export function changeFeedMissing(url: string, version: number): TributaryError {
  return new TributaryError(
    'unsupported',
    'CHANGE_FEED_MISSING',
    `The table ${url} has no change feed at version ${version}: delta.enableChangeDataFeed was not on. Ask for versions since it is on, or derive the changes with --derive --key and the columns that tell rows apart.`,
  )
}

/** Commits of the interval, or files that they name, were cleaned up. */
export function changesExpired(
  url: string,
  range: {
    readonly since: number
    readonly oldest: {
      readonly since: number
      readonly timestampMs: number | undefined
      readonly missing: string | undefined
    }
  },
): TributaryError {
  const { since, timestampMs, missing } = range.oldest
  const at = timestampMs === undefined ? '' : ` (${minuteText(timestampMs)})`
  const wanted = range.since < 0 ? 'from the first version on' : `since version ${range.since}`
  return new TributaryError(
    'expired',
    'CHANGES_EXPIRED',
    `The changes of ${url} ${wanted} can no longer be read: ${missing ?? 'a file'} was cleaned up, oldest readable is v${since}${at}. Ask with --since v${since}, or read the table anew.`,
  )
}

function minuteText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

/** A cursor that never read anything, and nobody said where it begins. */
export function cursorNotStarted(name: string, table: string): TributaryError {
  return new TributaryError(
    'not-found',
    'CURSOR_NOT_STARTED',
    `The cursor ${name} of ${table} has no place yet: nothing was acknowledged with it. Add --bootstrap to begin with all rows, or --since to begin with the changes after a version or time.`,
  )
}

/** A cursor that has a place is told another one. */
export function cursorStarted(name: string, table: string, version: number): TributaryError {
  return new TributaryError(
    'invalid',
    'CURSOR_STARTED',
    `The cursor ${name} of ${table} stands at version ${version}: --since and --from-version only say where a new one begins. Leave them out, or add --reset to begin anew.`,
  )
}

/** The table is not the one that a cursor read from. */
export function cursorLeft(name: string, table: string, why: string): TributaryError {
  return new TributaryError(
    'refused',
    'CURSOR_LEFT',
    `The cursor ${name} can't go on in ${table}: ${why}, so what it handed out may belong to another table. Add --reset --bootstrap to begin anew with all rows.`,
  )
}

/** Another process moved the cursor while this one was reading. */
export function cursorLost(name: string, table: string): TributaryError {
  return new TributaryError(
    'conflict',
    'CURSOR_LOST',
    `The cursor ${name} of ${table} was moved by another process while this one was reading: both were handed the same changes. Throw this output away and run again.`,
  )
}

/** A name that would not make a file name of its own. */
export function cursorNameInvalid(name: string): TributaryError {
  return new TributaryError(
    'invalid',
    'CURSOR_NAME_INVALID',
    `${JSON.stringify(name)} is no name for a cursor: it must begin with a letter or digit and have up to 100 letters, digits, dots, dashes and underscores. Choose another one.`,
  )
}

/** The place of a cursor cannot be read. */
export function cursorCorrupt(path: string, cause: unknown): TributaryError {
  return new TributaryError(
    'corrupt',
    'CURSOR_CORRUPT',
    `The cursor's file ${path} can't be read: its bytes are not what was written. Restore it, or delete it to go back to the place before it.`,
    { cause },
  )
}

/** A source column has a name that Tributary needs. */
export function columnReserved(file: string, table: string, column: string): TributaryError {
  return new TributaryError(
    'invalid',
    'COLUMN_RESERVED',
    `${file} of ${table} has a column ${JSON.stringify(column)}, a name that Tributary needs for itself. Give it another one under "rename" in tributary.yaml.`,
  )
}

/** The table's settings changed in a way that would fit new rows only. */
export function settingsChanged(
  table: string,
  setting: string,
  values: { readonly from: string; readonly to: string },
): TributaryError {
  return new TributaryError(
    'refused',
    'SETTINGS_CHANGED',
    `${table} was made with ${setting} ${values.from} and tributary.yaml now says ${values.to}: old and new rows would not fit together. Set it back, or load the table into a new lake folder.`,
  )
}

/** Another program's table lies where ours would go. */
export function tableNotOurs(table: string, url: string): TributaryError {
  return new TributaryError(
    'refused',
    'TABLE_NOT_OURS',
    `${table} would be written to ${url}, where a Delta table of another program lies. Nothing was changed. Take it over with tributary adopt ${table}, choose another lake folder, or move that table away.`,
  )
}

/** A pin cannot have that name. */
export function pinNameInvalid(name: string): TributaryError {
  return new TributaryError(
    'invalid',
    'PIN_NAME_INVALID',
    `${JSON.stringify(name)} can't name a pin: it becomes the name of a file. Use up to 100 letters, digits, points, dashes and underscores, beginning with a letter or a digit.`,
  )
}

/** A pin of that name is there. */
export function pinExists(name: string, table: string): TributaryError {
  return new TributaryError(
    'refused',
    'PIN_EXISTS',
    `${table} has a pin ${name} already: a pin never moves. Choose another name, or remove that pin first.`,
  )
}

/** There is no such pin. */
export function pinNotFound(name: string, version: number | undefined, table: string): TributaryError {
  const at = version === undefined ? '' : ` at version ${version}`
  return new TributaryError(
    'not-found',
    'PIN_NOT_FOUND',
    `${table} has no pin ${name}${at}: it was removed, or never made. Look at the files below _tributary/pins of the lake.`,
  )
}

/** A pin cannot be read, so nobody knows what it keeps. */
export function pinCorrupt(path: string, cause: unknown): TributaryError {
  return new TributaryError(
    'corrupt',
    'PIN_CORRUPT',
    `The pin ${path} can't be read: its bytes are not what was written, and it might keep any version. Mend the file, or delete it if nobody needs it.`,
    { cause },
  )
}

/** The table is fed by Tributary already. */
export function tableIsOurs(table: string): TributaryError {
  return new TributaryError(
    'invalid',
    'TABLE_IS_OURS',
    `${table} needs no adoption: Tributary feeds it already. Run tributary ingest.`,
  )
}

/** The table is not fed by Tributary. */
export function tableNotFed(table: string): TributaryError {
  return new TributaryError(
    'invalid',
    'TABLE_NOT_FED',
    `${table} can't be released: Tributary does not feed it. Nothing has to be done.`,
  )
}

/** The rows of a table that is to be adopted do not fit its key. */
export function adoptKeyInvalid(table: string, key: readonly string[], why: string): TributaryError {
  return new TributaryError(
    'refused',
    'ADOPT_KEY_INVALID',
    `${table} can't be adopted with the key [${key.join(', ')}]: ${why}. Correct the key in tributary.yaml, or the rows.`,
  )
}

/** Nobody said which files of the landing the rows hold already. */
export function adoptHoldsUnknown(table: string, files: number, named?: string): TributaryError {
  const problem =
    named === undefined
      ? `the landing has ${files} files of it, and their changes may be in its rows or not`
      : `the landing has no file ${JSON.stringify(named)} of it`
  return new TributaryError(
    'invalid',
    'ADOPT_HOLDS_UNKNOWN',
    `${table} can't be adopted yet: ${problem}. Add --holds all, --holds none, or --holds FILE with the key of the last file that the rows hold.`,
  )
}

/** Another writer was first. */
export function adoptLost(
  table: string,
  { winner, because }: { readonly winner: number; readonly because: string },
): TributaryError {
  return new TributaryError(
    'conflict',
    'ADOPT_LOST',
    `Nothing was changed of ${table}: version ${winner} came in between (${because}). Run again.`,
  )
}

/** A table of ours is restored with its ledger, and that needs to see the landing. */
export function restoreNeedsProject(url: string): TributaryError {
  return new TributaryError(
    'invalid',
    'RESTORE_NEEDS_PROJECT',
    `${url} can't be restored by its path: Tributary feeds it from a landing, and the files taken in since that version have to be looked for there. Restore it by its name, in the folder of its tributary.yaml.`,
  )
}

/** Sidecars of the version are gone, so its ledger cannot come back. */
export function restoreSidecarsGone(version: number, paths: readonly string[]): TributaryError {
  return new TributaryError(
    'expired',
    'RESTORE_SIDECARS_GONE',
    `Version ${version} can't be restored: ${listPaths(paths)} of its ledger are gone, deleted by vacuum or by hand. Restore a newer version, or bring these files back from a backup.`,
  )
}

/** Files taken in since the version are no longer in the landing. */
export function restoreFilesLeft(table: string, keys: readonly string[]): TributaryError {
  return new TributaryError(
    'refused',
    'RESTORE_FILES_LEFT',
    `${table} can't be restored: the next ingest would have to read again what came since, and ${listPaths(keys)} left the landing or changed there. Put them back, restore a newer version, or load the table anew.`,
  )
}

/** Another writer was first. */
export function restoreLost(
  url: string,
  { winner, because }: { readonly winner: number; readonly because: string },
): TributaryError {
  return new TributaryError(
    'conflict',
    'RESTORE_LOST',
    `Nothing was restored of ${url}: version ${winner} came in between (${because}). Look at it and run again.`,
  )
}

function listPaths(paths: readonly string[]): string {
  const named = paths.slice(0, 5).join(', ')
  return paths.length > 5 ? `${named} and ${paths.length - 5} more` : named
}

/** A landing object whose name could lead out of a folder or into a query. */
export function landingNameRefused(key: string, why: string): TributaryError {
  return new TributaryError(
    'refused',
    'LANDING_NAME_REFUSED',
    `${JSON.stringify(key)} is refused: ${why}. It was not read.`,
  )
}

/** Text that should name a queue and does not. */
export function queueInvalid(url: string): TributaryError {
  return new TributaryError(
    'invalid',
    'QUEUE_INVALID',
    `${JSON.stringify(url)} is no queue of SQS. Write its URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.`,
  )
}

/** The package for SQS is not installed. */
export function queueSdkMissing(cause: unknown): TributaryError {
  return new TributaryError(
    'invalid',
    'QUEUE_SDK_MISSING',
    'Queues need the package @aws-sdk/client-sqs, and it cannot be loaded. Install it beside Tributary.',
    { cause },
  )
}

/** There is no such queue. */
export function queueNotFound(url: string): TributaryError {
  return new TributaryError(
    'not-found',
    'QUEUE_NOT_FOUND',
    `There is no queue ${url}, or these credentials may not see it. Correct \`queue\` in tributary.yaml, or leave it out: files are then found by listing.`,
  )
}

/** The credentials are missing, not taken, or lack the right. */
export function queueRefused(url: string, doing: string, code: string): TributaryError {
  return new TributaryError(
    'refused',
    'QUEUE_REFUSED',
    `The queue ${url} was refused (${code}) while ${doing}. Give credentials that may ReceiveMessage, DeleteMessage, ChangeMessageVisibility and GetQueueAttributes on it, and SendMessage on its dead-letter queue.`,
  )
}

/** No useful answer came. */
export function queueUnreachable(url: string, doing: string, cause: unknown): TributaryError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return new TributaryError(
    'unavailable',
    'QUEUE_UNREACHABLE',
    `The queue ${url} gave no answer while ${doing} (${reason}). No message is lost: what was not deleted comes again. Check the network and the URL.`,
    { cause },
  )
}

/** The port for metrics is taken, or may not be opened. */
export function metricsNotServed(address: string, cause: unknown): TributaryError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new TributaryError(
    'invalid',
    'METRICS_NOT_SERVED',
    `Metrics cannot be served at ${address} (${reason}). Give \`--metrics\` another port, or leave it out.`,
    { cause },
  )
}

/** A file of a key index is not what was written. The index is dropped and built again; nothing was decided by it. */
export function indexDamaged(path: string, why: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'INDEX_DAMAGED',
    `The key index at ${path} is damaged: ${why}. It holds nothing that the table does not: it is dropped and built again.`,
  )
}

/** A batch needs more than the machine has, and there is nothing larger to give it to. */
export function batchTooLarge(
  table: string,
  needs: {
    readonly files: number
    readonly storedBytes: number
    readonly scratchBytes: number
    readonly expectedMs: number
  },
  room: { readonly memoryBytes: number; readonly diskBytes: number; readonly wholeMs: number },
): TributaryError {
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`
  return new TributaryError(
    'refused',
    'BATCH_TOO_LARGE',
    `The next batch of ${table} does not fit here: ${needs.files} files of ${mib(needs.storedBytes)} may need ${mib(needs.scratchBytes)} of memory and temporary disk and ${Math.ceil(needs.expectedMs / 1000)} s; there are ${mib(room.memoryBytes)}, ${mib(room.diskBytes)} and ${Math.floor(room.wholeMs / 1000)} s, ten of them for the commit. Give the function more, or run \`tributary ingest --table ${table}\` once on a larger machine; what it takes in is found here.`,
  )
}

/** What called the function is neither a queue nor a timer. */
export function functionEventUnknown(problem: string): TributaryError {
  return new TributaryError(
    'invalid',
    'FUNCTION_EVENT_UNKNOWN',
    `The event is neither a batch of messages of SQS nor a call of EventBridge Scheduler (${problem}). Connect the function to the queue with ReportBatchItemFailures, and let a schedule send {"source": "aws.scheduler"}.`,
  )
}

/** A function that its configuration does not suit. */
export function functionConfigInvalid(path: string, problem: string): TributaryError {
  return new TributaryError(
    'invalid',
    'FUNCTION_CONFIG_INVALID',
    `${path} does not suit a function: ${problem}. Give a landing in S3, s3://bucket/prefix.`,
  )
}

/** The note of a table's history in its log is not one. */
export function historyNoteCorrupt(problem: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'HISTORY_NOTE_CORRUPT',
    `What the table's log says of its history cannot be read (${problem}). Another program changed the domain tributary.history, or a newer Tributary wrote it. Use that version, or restore the table.`,
  )
}

/** The history lacks batches that it had. */
export function historyLost(name: string, batches: { readonly has: number; readonly had: number }): TributaryError {
  return new TributaryError(
    'corrupt',
    'HISTORY_LOST',
    `${name} ends with batch ${batches.has}, and it had batch ${batches.had}: it was deleted, or restored to an older version. The live table is whole. Bring the history back from a backup; or move its folder away, ingest once with "history: false" and then begin a new one with "history: true".`,
  )
}

/** Another program's table is where the history belongs. */
export function historyNotOurs(name: string, url: string): TributaryError {
  return new TributaryError(
    'refused',
    'HISTORY_NOT_OURS',
    `${name} would be written to ${url}, where a Delta table of another program lies. Nothing was changed there. Move that table away, and ingest again.`,
  )
}

/** A data file of the history that waited for its commit is gone. */
export function historyFileLost(name: string, path: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'HISTORY_FILE_LOST',
    `${path} of ${name} is gone before it was committed: a vacuum of another program took it, or somebody deleted it. The live table is whole. Bring the file back from a backup; or ingest once with "history: false", and begin anew with "history: true".`,
  )
}
