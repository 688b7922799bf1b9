import {
  dataFileMissing,
  diskFull,
  engineFailed,
  engineOutOfMemory,
  s3AccessDenied,
  s3Throttled,
  s3Unreachable,
  storeFailed,
  TributaryError,
} from '../errors.ts'

/** DuckDB tells its errors apart by their text only. */
export function wrapEngineError(cause: unknown): TributaryError {
  if (cause instanceof TributaryError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const why = text.split('\n')[0]?.replace(/\.$/, '') ?? text
  if (/No space left on device|disk is full|Disk quota exceeded|max_temp_directory_size/i.test(text))
    return diskFull(why, cause)
  if (/^Out of Memory Error|bad allocation|could not allocate/i.test(text)) return engineOutOfMemory(why, cause)
  const answer = httpAnswer(text)
  if (answer !== undefined) return wrapHttpAnswer(answer, cause)
  const refused = refusedFile(text)
  if (refused !== undefined)
    return storeFailed(refused.path, 'open', Object.assign(new Error(refused.why, { cause }), { code: refused.code }))
  const missing = missingFile(text)
  if (missing !== undefined) return dataFileMissing(missing, cause)
  return engineFailed(isCorrupt(text) ? 'corrupt' : 'invalid', why, cause)
}

interface HttpAnswer {
  readonly url: string
  /** Undefined when there was no answer. */
  readonly status: number | undefined
}

function httpAnswer(text: string): HttpAnswer | undefined {
  const [, url, status] =
    /HTTP \w+ error (?:reading|on|to) '(.*?)'[^\n]*\(HTTP (\d{3})/.exec(text) ??
    /Unable to connect to URL (\S+): [^\n]*\(HTTP code (\d{3})\)/.exec(text) ??
    /^IO Error: [^\n]*for HTTP \w+ to '(.*?)'/.exec(text) ??
    []
  return url === undefined ? undefined : { url, status: status === undefined ? undefined : Number(status) }
}

function wrapHttpAnswer({ url, status }: HttpAnswer, cause: unknown): TributaryError {
  if (status === 404) return dataFileMissing(url, cause)
  if (status === 401 || status === 403) return s3AccessDenied(url, 'read or write')
  return status === 503 || status === 429 ? s3Throttled(url, 'open', cause) : s3Unreachable(url, 'open', cause)
}

// By the words of the system, which DuckDB passes on: what Node knows by their names.
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Read-only file system', 'EROFS'],
])

function refusedFile(text: string): { readonly path: string; readonly why: string; readonly code: string } | undefined {
  const [, path = '', why = ''] = /(?:file|directory) "(.*?)": ([A-Z][a-z -]+)/.exec(text) ?? []
  const code = REFUSALS.get(why)
  return code === undefined ? undefined : { path, why, code }
}

function missingFile(text: string): string | undefined {
  const listed = /No files found that match the pattern "(.*?)"\s*(?:\n|$)/.exec(text)?.[1]
  if (listed !== undefined) return listed.replaceAll(/\[([*?[])\]/g, '$1')
  return /Cannot open file "(.*?)": No such file or directory/.exec(text)?.[1]
}

function isCorrupt(text: string): boolean {
  // Names of files hold the name of their codec.
  const words = text.replaceAll(/"[^"\n]*"|'[^'\n]*'/g, '')
  return /magic bytes|Invalid Parquet|TProtocolException|too small to be a Parquet|Parquet file.*(?:corrupt|truncated)|Could not read enough bytes|Failed to (?:read|decompress)|Snappy|ZSTD/i.test(
    words,
  )
}
