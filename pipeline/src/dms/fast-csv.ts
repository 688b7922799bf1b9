import { quoteFileName, quoteText } from '@tributary/delta'
import type { Dialect } from './dialect.ts'
import type { OpenedFile } from './open-file.ts'
import type { ReadPlan } from './plan-read.ts'
import { rawName } from './relation-sql.ts'

const DELIMITER_BYTES_MAX = 4

/**
 * Whether DuckDB's reader may be tried. It skips blank lines, takes bare carriage returns for line ends, knows no other
 * row delimiters and stops at bad UTF-8: what the counter saw of these goes to the strict reader at once.
 */
export function isForFastPath({ dialect, count }: OpenedFile): boolean {
  const hasPlainEnds = dialect.rowDelimiter === '\n' || dialect.rowDelimiter === '\r\n'
  const isOdd = count.blankRecords > 0 || count.hasBareCarriageReturn || !count.isUtf8 || count.hasNul
  return hasPlainEnds && !isOdd && Buffer.byteLength(dialect.delimiter) <= DELIMITER_BYTES_MAX
}

/** The raw relation of a CSV file by DuckDB's reader. Counting the rows makes it read with one thread. */
export function csvRelation(file: Pick<OpenedFile, 'path' | 'dialect'>, plan: ReadPlan): string {
  // Neutral names: DuckDB takes `a` and `A` for one column.
  const columns = plan.fieldNames.map((_, field) => `${quoteText(rawName(field))}: 'VARCHAR'`)
  const options = [
    'auto_detect = false',
    'header = false',
    `skip = ${plan.hasHeader ? headerLines(plan) : 0}`,
    `columns = {${columns.join(', ')}}`,
    'null_padding = false',
    'ignore_errors = false',
    ...dialectOptions(file.dialect),
  ]
  return `SELECT row_number() OVER () AS "__row", * FROM read_csv(${quoteFileName(file.path)}, ${options.join(', ')})`
}

function dialectOptions({ delimiter, rowDelimiter, isQuoted, nullMarker }: Dialect): readonly string[] {
  const quote = quoteText(isQuoted ? '"' : '')
  return [
    `delim = ${quoteText(delimiter)}`,
    `quote = ${quote}`,
    `escape = ${quote}`,
    `new_line = ${rowDelimiter === '\n' ? `'\\n'` : `'\\r\\n'`}`,
    `nullstr = ${quoteText(nullMarker ?? '')}`,
    'allow_quoted_nulls = false',
  ]
}

/** A header whose names hold line breaks spans lines, and `skip` counts lines. */
function headerLines(plan: ReadPlan): number {
  return 1 + plan.fieldNames.reduce((sum, name) => sum + (name.split('\n').length - 1), 0)
}
