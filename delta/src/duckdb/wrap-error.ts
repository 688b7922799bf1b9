import { dataFileMissing, diskFull, engineFailed, engineOutOfMemory, TributaryError } from '../errors.ts'

/** DuckDB tells its errors apart by their text only. */
export function wrapEngineError(cause: unknown): TributaryError {
  if (cause instanceof TributaryError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const why = text.split('\n')[0]?.replace(/\.$/, '') ?? text
  if (/No space left on device|disk is full|Disk quota exceeded|max_temp_directory_size/i.test(text))
    return diskFull(why, cause)
  if (/^Out of Memory Error|bad allocation|could not allocate/i.test(text)) return engineOutOfMemory(why, cause)
  const missing = missingFile(text)
  if (missing !== undefined) return dataFileMissing(missing, cause)
  return engineFailed(isCorrupt(text) ? 'corrupt' : 'invalid', why, cause)
}

function missingFile(text: string): string | undefined {
  const listed = /No files found that match the pattern "(.*?)"\s*(?:\n|$)/.exec(text)?.[1]
  if (listed !== undefined) return listed.replaceAll(/\[([*?[])\]/g, '$1')
  return /Cannot open file "(.*?)": No such file or directory/.exec(text)?.[1]
}

function isCorrupt(text: string): boolean {
  return /magic bytes|Invalid Parquet|TProtocolException|too small to be a Parquet|Parquet file.*(?:corrupt|truncated)|Could not read enough bytes|Failed to (?:read|decompress)|Snappy|ZSTD/i.test(
    text,
  )
}
