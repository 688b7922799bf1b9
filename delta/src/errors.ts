import { redact } from './redact.ts'

/** What a caller can do about an error; a new kind needs a caller who acts differently. */
export type ErrorKind =
  /** The request itself is wrong: change it. */
  | 'invalid'
  /** The thing asked for is not there. */
  | 'not-found'
  /** Somebody else won a race and repeating from the start may work. */
  | 'conflict'
  /** A store or a server did not answer: the same call may work later. */
  | 'unavailable'
  /** The table uses something this library does not know. */
  | 'unsupported'
  /** Bytes on disk are not what the protocol says they must be. */
  | 'corrupt'
  /** The data of that version or range are gone. */
  | 'expired'
  /** A policy forbids it. */
  | 'refused'

/** The one error class. `code` is stable and listed in `docs/errors.md`; the message says what, why and what to do. */
export class TributaryError extends Error {
  readonly kind: ErrorKind
  readonly code: string

  constructor(kind: ErrorKind, code: string, message: string, options?: { readonly cause?: unknown }) {
    // Messages quote what servers and engines say, and those quote what they were given.
    super(redact(message), options)
    this.name = 'TributaryError'
    this.kind = kind
    this.code = code
  }
}

// --- Store ---

/** An object that something names is not in the store. */
export function fileNotFound(path: string, options?: { readonly cause?: unknown }): TributaryError {
  return new TributaryError(
    'not-found',
    'FILE_NOT_FOUND',
    `There is no file ${path}: it was deleted, or was never written. Check the path, or restore the file from a backup.`,
    options,
  )
}

/** An object is shorter than what refers to it says. */
export function fileTruncated(
  path: string,
  sizes: { readonly wantedBytes: number; readonly sizeBytes: number },
): TributaryError {
  return new TributaryError(
    'corrupt',
    'FILE_TRUNCATED',
    `The file ${path} ends after ${sizes.sizeBytes} bytes and ${sizes.wantedBytes} were expected: it was cut or replaced. Restore the file from a backup.`,
  )
}

/** A path would leave the store's root, or cannot be a path at all. */
export function pathClimbs(path: string): TributaryError {
  return new TributaryError(
    'refused',
    'PATH_CLIMBS',
    `The path ${JSON.stringify(path)} is refused: it is absolute, empty, no well-formed text, or leaves its folder, by a part of it or by a symbolic link. Use a path below the root, without ".." and without NUL.`,
  )
}

/** The disk or the server did not do what was asked. */
export function storeFailed(path: string, doing: string, cause: unknown): TributaryError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TributaryError(
    'unavailable',
    'STORE_FAILED',
    `Could not ${doing} ${path}: ${reason}. ${storeRemedy(cause)}`,
    { cause },
  )
}

function storeRemedy(cause: unknown): string {
  if (cause instanceof Error && '$metadata' in cause)
    return 'Run again, and look at the state of the server if it stays.'
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'The disk is full: free some space and run again.'
  if (code === 'EACCES' || code === 'EPERM') return 'Give this user the right to that file or folder and run again.'
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return 'A file stands where a folder has to be: move it away, or name another folder, and run again.'
  if (code === 'EROFS') return 'The disk is read-only: mount it for writing and run again.'
  return 'Look at the disk or mount and run again.'
}

/** A store that lives in memory has no names that another program could open. */
export function storeNotLocatable(path: string): TributaryError {
  return new TributaryError(
    'invalid',
    'STORE_NOT_LOCATABLE',
    `${path} is in memory and has no name that a query engine could open. Use a store on disk for tables whose data files are read or written.`,
  )
}

// --- S3 ---

/** The name of an object holds what DuckDB takes for options of its URL. */
export function s3KeyRefused(path: string): TributaryError {
  return new TributaryError(
    'refused',
    'S3_KEY_REFUSED',
    `The object ${JSON.stringify(path.slice(0, 200))} is refused: its name holds a question mark, and DuckDB reads options after one, the server to ask among them. Write the file under another name.`,
  )
}

/** Text that should name a bucket and does not. */
export function s3UrlInvalid(url: string): TributaryError {
  return new TributaryError(
    'invalid',
    'S3_URL_INVALID',
    `${JSON.stringify(url)} is not a place in S3: it has no bucket name, or a part that is empty or leaves its folder. Write s3://bucket/prefix.`,
  )
}

/** The SDK is an optional part of the library and was not installed. */
export function s3SdkMissing(cause: unknown): TributaryError {
  return new TributaryError(
    'invalid',
    'S3_SDK_MISSING',
    'S3 cannot be used: the package @aws-sdk/client-s3 is not installed. Add it with npm install @aws-sdk/client-s3.',
    { cause },
  )
}

/** No region is known, and AWS has no default one. */
export function s3RegionMissing(bucket: string): TributaryError {
  return new TributaryError(
    'invalid',
    'S3_REGION_MISSING',
    `The region of the bucket ${bucket} is not known: neither AWS_REGION nor the profile names one. Set AWS_REGION.`,
  )
}

/** The bucket is somewhere else. */
export function s3RegionWrong(bucket: string, region: string | undefined): TributaryError {
  const remedy = region === undefined ? 'AWS_REGION to the region of the bucket' : `AWS_REGION=${region}`
  return new TributaryError(
    'invalid',
    'S3_REGION_WRONG',
    `The bucket ${bucket} answers from another region: requests went to a region that does not hold it. Set ${remedy}.`,
  )
}

/** Nobody said who we are. */
export function s3CredentialsMissing(bucket: string): TributaryError {
  return new TributaryError(
    'invalid',
    'S3_CREDENTIALS_MISSING',
    `There are no credentials for the bucket ${bucket}: the environment, the profile and the machine's role give none. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.`,
  )
}

/** The server does not take the credentials. */
export function s3CredentialsRefused(bucket: string, reason: string): TributaryError {
  return new TributaryError(
    'refused',
    'S3_CREDENTIALS_REFUSED',
    `The credentials for the bucket ${bucket} were refused: the server says ${reason}. Renew them, and compare the clock of this machine.`,
  )
}

/** The credentials are good and the right is missing. */
export function s3AccessDenied(url: string, doing: string): TributaryError {
  return new TributaryError(
    'refused',
    'S3_ACCESS_DENIED',
    `Access denied to ${doing} ${url}: the role or the bucket's policy does not allow it, or the object is not there and the role may not list the bucket. Allow s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject below the prefix.`,
  )
}

/** There is no such bucket. */
export function s3BucketNotFound(bucket: string): TributaryError {
  return new TributaryError(
    'not-found',
    'S3_BUCKET_NOT_FOUND',
    `There is no bucket ${bucket}: its name is wrong, it was deleted, or it belongs to another server. Check the name and AWS_ENDPOINT_URL.`,
  )
}

/** The server asked for fewer requests and went on asking. */
export function s3Throttled(url: string, doing: string, cause: unknown): TributaryError {
  return new TributaryError(
    'unavailable',
    'S3_THROTTLED',
    `Could not ${doing} ${url}: the server asks to slow down and did so at each try. Run again later, or run fewer writers at once.`,
    { cause },
  )
}

/** No answer came. */
export function s3Unreachable(url: string, doing: string, cause: unknown): TributaryError {
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'the connection broke'
  return new TributaryError(
    'unavailable',
    'S3_UNREACHABLE',
    `Could not ${doing} ${url}: the server did not answer (${reason}). Check the network and AWS_ENDPOINT_URL and run again.`,
    { cause },
  )
}

/** A bucket on which two writers could both believe that they wrote a version. */
export function conditionalPutMissing(bucket: string): TributaryError {
  return new TributaryError(
    'unsupported',
    'CONDITIONAL_PUT_MISSING',
    `The bucket ${bucket} cannot hold a table that is written: its server overwrites in spite of If-None-Match, so that two writers could undo each other's commits. Use AWS S3, or a server with conditional writes (MinIO, SeaweedFS, Cloudflare R2).`,
  )
}

/** A write was sent, no answer came, and asking again brought none either. Nothing that it refers to may be deleted. */
export function writeUnknown(url: string, cause: unknown): TributaryError {
  return new TributaryError(
    'unavailable',
    'WRITE_UNKNOWN',
    `It is not known whether ${url} was written: the server stopped answering, and what was sent may still arrive. Delete nothing and run again: the next run reads what became of it.`,
    { cause },
  )
}

// --- Log ---

/** There is no table here. */
export function tableNotFound(url: string): TributaryError {
  return new TributaryError(
    'not-found',
    'TABLE_NOT_FOUND',
    `There is no Delta table at ${url}: its folder _delta_log holds no commit. Check the path, or create the table first.`,
  )
}

/** A version that was never written. */
export function versionNotFound(version: number, latest: number): TributaryError {
  return new TributaryError(
    'not-found',
    'VERSION_NOT_FOUND',
    `Version ${version} does not exist: the latest is ${latest}. Ask for a version from 0 to ${latest}.`,
  )
}

/** A version whose log files were cleaned up. */
export function versionExpired(version: number, earliest: number): TributaryError {
  return new TributaryError(
    'expired',
    'VERSION_EXPIRED',
    `Version ${version} can no longer be read: the log before version ${earliest} was cleaned up. Ask for ${earliest} or later.`,
  )
}

/** Files of a version are gone that newer versions do without. */
export function versionVacuumed(
  url: string,
  vacuumed: { readonly version: number; readonly missing: readonly string[]; readonly wholeSince: number },
  options?: { readonly cause?: unknown },
): TributaryError {
  const { version, missing, wholeSince } = vacuumed
  return new TributaryError(
    'expired',
    'VERSION_VACUUMED',
    `Version ${version} of ${url} can no longer be read: ${missing.length} of its files are gone, deleted by VACUUM or by hand: ${listNames(missing)}. Ask for version ${wholeSince} or later.`,
    options,
  )
}

/** A time before the first commit that is still there. */
export function timestampTooEarly(timestampMs: number, earliestMs: number): TributaryError {
  return new TributaryError(
    'expired',
    'TIMESTAMP_TOO_EARLY',
    `There is no version as old as ${isoTime(timestampMs)}: the earliest commit that can be read is of ${isoTime(earliestMs)}. Ask for that time or a later one.`,
  )
}

function isoTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}

/** A commit between two others is missing. */
export function logGap(url: string, missing: number): TributaryError {
  return new TributaryError(
    'corrupt',
    'LOG_GAP',
    `The log of ${url} has no commit ${missing}, but has later ones: a file was deleted or not copied. Restore _delta_log/${String(missing).padStart(20, '0')}.json.`,
  )
}

/** A line of a commit is not an action. */
export function commitCorrupt(
  path: string,
  line: number,
  why: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError(
    'corrupt',
    'COMMIT_CORRUPT',
    `The commit ${path} is damaged at line ${line}: ${why}. Restore the file from a backup.`,
    options,
  )
}

/** A checkpoint cannot be read. */
export function checkpointCorrupt(path: string, why: string, options?: { readonly cause?: unknown }): TributaryError {
  return new TributaryError(
    'corrupt',
    'CHECKPOINT_CORRUPT',
    `The checkpoint ${path} is damaged: ${why}. Restore the file from a backup, or delete it if all commits before it are still there.`,
    options,
  )
}

/** The log never says by which protocol, or with which schema, the table is to be read. */
export function tableStateMissing(url: string, what: 'protocol' | 'metaData'): TributaryError {
  return new TributaryError(
    'corrupt',
    'TABLE_STATE_MISSING',
    `The log of ${url} holds no ${what} action: its first commit or its checkpoint is incomplete. Restore _delta_log from a backup.`,
  )
}

// --- Protocol ---

/** The schema text in the log is not a schema. */
export function schemaCorrupt(where: string, why: string, options?: { readonly cause?: unknown }): TributaryError {
  return new TributaryError(
    'corrupt',
    'SCHEMA_CORRUPT',
    `The table's schema is damaged at ${where}: ${why}. Restore _delta_log from a backup, or write the schema anew with the engine that made the table.`,
    options,
  )
}

/** The table needs a reader that knows more. */
export function unsupportedReaderFeature(names: readonly string[]): TributaryError {
  return new TributaryError(
    'unsupported',
    'UNSUPPORTED_READER_FEATURE',
    `The table cannot be read here: it needs ${names.join(', ')}, which this version of Tributary does not know. Read it with a newer version or another engine, or drop the feature there.`,
  )
}

/** The table needs a writer that knows more. */
export function unsupportedWriterFeature(names: readonly string[]): TributaryError {
  return new TributaryError(
    'unsupported',
    'UNSUPPORTED_WRITER_FEATURE',
    `The table cannot be written here: it needs ${names.join(', ')}, which this version of Tributary does not know. Write it with a newer version or another engine, or drop the feature there.`,
  )
}

/** A partition value in the log does not fit the type of its column. */
export function partitionValueCorrupt(type: string, text: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'PARTITION_VALUE_CORRUPT',
    `The partition value ${JSON.stringify(text)} is no ${type}: the log was damaged or written by a faulty program. Restore the commit that holds it, or rewrite the partition.`,
  )
}

/** A value cannot be written as a partition value. */
export function partitionValueInvalid(type: string, why: string): TributaryError {
  return new TributaryError(
    'invalid',
    'PARTITION_VALUE_INVALID',
    `A value of type ${type} cannot be a partition value: ${why}. Partition by another column.`,
  )
}

/** A deletion vector is not what its descriptor says. */
export function deletionVectorCorrupt(
  file: string,
  why: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError(
    'corrupt',
    'DELETION_VECTOR_CORRUPT',
    `The deletion vector in ${file} is damaged: ${why}. Restore the file from a backup, or restore the table to a version before it.`,
    options,
  )
}

// --- Writing ---

/** A list of actions breaks a rule of the protocol for one commit. */
export function commitInvalid(why: string): TributaryError {
  return new TributaryError(
    'invalid',
    'COMMIT_INVALID',
    `The commit was not written: ${why}. Merge these actions into one, or make two commits.`,
  )
}

/** The table may only grow. */
export function tableAppendOnly(path: string): TributaryError {
  return new TributaryError(
    'refused',
    'TABLE_APPEND_ONLY',
    `The commit was not written: the table has delta.appendOnly=true and the commit would remove rows of ${path}. Set the property to false first.`,
  )
}

/** A table cannot be created like this. */
export function tableDefinitionInvalid(why: string): TributaryError {
  return new TributaryError(
    'invalid',
    'TABLE_DEFINITION_INVALID',
    `The table cannot be created: ${why}. Change the columns or the partition columns.`,
  )
}

/** There is a table where one was to be made. */
export function tableExists(url: string): TributaryError {
  return new TributaryError(
    'invalid',
    'TABLE_EXISTS',
    `The table cannot be created: there is a Delta table at ${url} already. Open it, or choose another place.`,
  )
}

/** Rows of a file cannot be deleted without knowing how many it holds. */
export function recordCountUnknown(path: string): TributaryError {
  return new TributaryError(
    'unsupported',
    'RECORD_COUNT_UNKNOWN',
    `Rows of ${path} cannot be marked as deleted: its statistics have no numRecords. Rewrite the file with statistics (OPTIMIZE) first.`,
  )
}

/** A row number lies outside of its file. */
export function positionInvalid(path: string, position: number, numRecords: number): TributaryError {
  return new TributaryError(
    'invalid',
    'POSITION_INVALID',
    `Row ${position} of ${path} cannot be marked as deleted: the file has ${numRecords} rows, counted from 0. Locate the rows again in the current snapshot.`,
  )
}

/** A rule of the table is written in SQL that we cannot enforce in the same sense. */
export function expressionUnsupported(rule: string, text: string, why: string): TributaryError {
  return new TributaryError(
    'unsupported',
    'EXPRESSION_UNSUPPORTED',
    `Nothing was written: ${rule} says ${JSON.stringify(text)}, and ${why}. Write the table with the engine that set the rule, or change the rule to comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, + - *, literals and columns.`,
  )
}

/** A row breaks a rule of the table. */
export function constraintViolated(rule: string, row: string, options?: { readonly cause?: unknown }): TributaryError {
  return new TributaryError(
    'invalid',
    'CONSTRAINT_VIOLATED',
    `Nothing was written: the row ${row} breaks ${rule}. Change the row, or drop the rule first.`,
    options,
  )
}

/** A row was given to the table that cannot be one of its rows. */
export function rowInvalid(why: string): TributaryError {
  return new TributaryError('invalid', 'ROW_INVALID', `Nothing was written: ${why}. Change the rows and write again.`)
}

/** A change of a table's columns or properties that the protocol does not allow. */
export function alterationInvalid(why: string, remedy: string): TributaryError {
  return new TributaryError('invalid', 'ALTERATION_INVALID', `The table was not changed: ${why}. ${remedy}`)
}

/** A property that says how data files are written has a value that we cannot follow. */
export function fileSettingInvalid(property: string, value: string, remedy: string): TributaryError {
  return new TributaryError(
    'invalid',
    'FILE_SETTING_INVALID',
    `No data file is written: the table's property ${property} is ${JSON.stringify(value)}, which asks for what is not known here. ${remedy}`,
  )
}

// --- Maintenance ---

/** VACUUM was asked to delete files that readers and writers at work may still need. */
export function retentionTooShort(
  url: string,
  { askedMs, tableMs }: { readonly askedMs: number; readonly tableMs: number },
): TributaryError {
  return new TributaryError(
    'refused',
    'RETENTION_TOO_SHORT',
    `Nothing was deleted of ${url}: removed files were to stay ${hoursText(askedMs)}, and the table keeps them ${hoursText(tableMs)} for those who still read older versions. Ask for a longer retention, or say that a shorter one is meant: \`--short-retention\`, in code \`allowShortRetention\`.`,
  )
}

function hoursText(ms: number): string {
  const hours = ms / 3_600_000
  return hours >= 48 && hours % 24 === 0 ? `${hours / 24} days` : `${Math.round(hours * 100) / 100} hours`
}

/** A version whose files are to be kept cannot be read, so nobody knows which files these are. */
export function pinUnreadable(url: string, version: number, cause: Error): TributaryError {
  return new TributaryError(
    'refused',
    'PIN_UNREADABLE',
    `Nothing was deleted of ${url}: version ${version} is pinned and can't be read any more (${cause.message}). Remove the pin, then run again.`,
    { cause },
  )
}

/** Files of a version that is to come back are gone. */
export function restoreFilesMissing(version: number, paths: readonly string[]): TributaryError {
  return new TributaryError(
    'expired',
    'RESTORE_FILES_MISSING',
    `Version ${version} can't be restored: ${paths.length} of its files are gone, deleted by VACUUM or by hand: ${listNames(paths)}. Restore a newer version, or bring these files back from a backup.`,
  )
}

/** A column has a name that is needed beside the table's columns. */
export function columnNameReserved(name: string): TributaryError {
  return new TributaryError(
    'unsupported',
    'COLUMN_NAME_RESERVED',
    `The column ${JSON.stringify(name)} has a name that changes, upserts and rewrites need for themselves. Read the table without them, or rename the column where the table is written.`,
  )
}

/** A table cannot be clustered by a column. */
export function clusterColumnInvalid(
  name: string,
  why: string,
  options?: { readonly cause?: unknown },
): TributaryError {
  return new TributaryError(
    'invalid',
    'CLUSTER_COLUMN_INVALID',
    `The table can't be clustered by ${JSON.stringify(name)}: ${why}. Name columns of numbers, texts, dates or times.`,
    options,
  )
}

const NAMED_MAX = 5

function listNames(paths: readonly string[]): string {
  const more = paths.length > NAMED_MAX ? ` and ${paths.length - NAMED_MAX} more` : ''
  return `${paths.slice(0, NAMED_MAX).join(', ')}${more}`
}

// --- DuckDB and data files ---

/** DuckDB lacks a part that is not in its package. */
export function extensionMissing(name: string, cause: unknown): TributaryError {
  return new TributaryError(
    'invalid',
    'EXTENSION_MISSING',
    `DuckDB cannot open files in S3: its extension ${name} is not beside the program, or is of another version. Run make setup in a checkout; elsewhere INSTALL ${name} with a DuckDB of the same version, or put the file into duckdb-extensions/.`,
    { cause },
  )
}

/** The engine could not run a statement; DuckDB's own words are in the message and in the cause. */
export function engineFailed(kind: 'invalid' | 'corrupt', why: string, cause: unknown): TributaryError {
  return new TributaryError(
    kind,
    'ENGINE_FAILED',
    `DuckDB could not run the query: ${why}. ${kind === 'corrupt' ? 'A file is damaged: restore it from a backup.' : 'Change the query or the data it reads.'}`,
    { cause },
  )
}

/** The engine's memory limit is too small for the work. */
export function engineOutOfMemory(why: string, cause: unknown): TributaryError {
  return new TributaryError(
    'unavailable',
    'ENGINE_OUT_OF_MEMORY',
    `DuckDB ran out of the memory it may use: ${why}. Give it more memory or do the work in smaller parts; nothing was committed.`,
    { cause },
  )
}

/** The disk below the table or the temporary folder is full. */
export function diskFull(why: string, cause: unknown): TributaryError {
  return new TributaryError(
    'unavailable',
    'DISK_FULL',
    `The disk is full: ${why}. Free some space and run again; nothing was committed.`,
    { cause },
  )
}

/** A data file that the table names is not there. */
export function dataFileMissing(path: string, cause: unknown): TributaryError {
  return new TributaryError(
    'corrupt',
    'DATA_FILE_MISSING',
    `The data file ${path} is named by the table and is not there: it was deleted by hand, or vacuumed while an older version was read. Restore the file from a backup, or read a newer version.`,
    { cause },
  )
}

/** A data file is no Parquet file, or a damaged one. */
export function dataFileUnreadable(path: string, why: string, cause: unknown): TributaryError {
  return new TributaryError(
    'corrupt',
    'DATA_FILE_UNREADABLE',
    `The data file ${path} cannot be read: ${why}. Restore the file from a backup, or read a version before it was added.`,
    { cause },
  )
}

/** A data file holds something else than the table's schema says. */
export function dataFileMismatched(path: string, why: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'DATA_FILE_MISMATCHED',
    `The data file ${path} does not fit the table's schema: ${why}. Read a version before the file was added, or rewrite it with the engine that made it.`,
  )
}

/** A column has a type that the engine cannot hold. */
export function columnTypeUnsupported(type: string): TributaryError {
  return new TributaryError(
    'unsupported',
    'COLUMN_TYPE_UNSUPPORTED',
    `A column has the type ${type}, which this version of Tributary can neither read nor write. Read it with another engine, or leave the column out.`,
  )
}

/** A column was asked for that the table does not have. */
export function columnNotFound(name: string, known: readonly string[]): TributaryError {
  return new TributaryError(
    'invalid',
    'COLUMN_NOT_FOUND',
    `There is no column ${JSON.stringify(name)}: the table has ${known.map((column) => JSON.stringify(column)).join(', ')}. Use one of these.`,
  )
}

/** A name that no SQL can spell. */
export function nameHasNul(name: string): TributaryError {
  return new TributaryError(
    'invalid',
    'NAME_HAS_NUL',
    `The name ${JSON.stringify(name.slice(0, 100))} holds a NUL character, which no query can spell. Give the column another name.`,
  )
}
