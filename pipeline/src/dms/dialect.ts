import type { S3Settings } from '../config/s3-settings.ts'

/** How the text of a CSV landing file is cut into records and fields. */
export interface Dialect {
  readonly delimiter: string
  readonly rowDelimiter: string
  /** Whether fields may be quoted (`Rfc4180`). */
  readonly isQuoted: boolean
  readonly nullMarker: string | undefined
  /** Text for a column that the source did not log; only with `UseCsvNoSupValue`. */
  readonly noSupMarker: string | undefined
}

/** The dialect that the settings describe. `head`, the first bytes of the file, decides a row delimiter that is not set. */
export function dialectOf(settings: S3Settings, head: Uint8Array): Dialect {
  const isQuoted = settings.Rfc4180 ?? true
  const { CsvNullValue: nullMarker, CsvNoSupValue: noSup } = settings
  return {
    delimiter: unescapeEnds(settings.CsvDelimiter ?? ','),
    rowDelimiter:
      settings.CsvRowDelimiter === undefined ? firstLineEnd(head, isQuoted) : unescapeEnds(settings.CsvRowDelimiter),
    isQuoted,
    nullMarker: nullMarker === '' ? undefined : nullMarker,
    noSupMarker: settings.UseCsvNoSupValue === true && noSup !== '' ? noSup : undefined,
  }
}

/** `\n` as two characters is how the AWS console shows a line feed. */
function unescapeEnds(text: string): string {
  return text.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll('\\t', '\t')
}

// Files that went through another tool have CRLF although DMS writes LF.
function firstLineEnd(head: Uint8Array, isQuoted: boolean): string {
  let inQuotes = false
  for (const [at, byte] of head.entries()) {
    if (isQuoted && byte === 0x22) inQuotes = !inQuotes
    else if (byte === 0x0a && !inQuotes) return head[at - 1] === 0x0d ? '\r\n' : '\n'
  }
  return '\n'
}
