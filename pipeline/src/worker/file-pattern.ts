// Most change files of a table look like the one before: the same header, the same columns. What was found out about one of them
// holds for the next, and many small ones can be read as if they were one file.
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { readRecords } from '../dms/csv-records.ts'
import { isForFastPath } from '../dms/fast-csv.ts'
import type { OpenedFile } from '../dms/open-file.ts'
import type { ReadPlan } from '../dms/plan-read.ts'
import type { LandingFile } from './plan.ts'

/** A file that others may be like. */
export interface FilePattern {
  readonly plan: ReadPlan
  readonly dialect: OpenedFile['dialect']
  /** Its first record. */
  readonly header: Buffer
}

/** Larger files gain nothing. */
export const SMALL_FILE_BYTES = 1024 * 1024

/**
 * The pattern of a file that was read without a finding. Only a header says for certain that the next file's fields are the
 * same; what a headerless file holds is found out for each of them.
 */
export async function patternOf(
  file: LandingFile,
  opened: OpenedFile,
  plan: ReadPlan,
): Promise<FilePattern | undefined> {
  const isPlain = plan.warnings.length === 0 && !plan.hasLongFractions && plan.rowCount > 0
  if (file.kind !== 'cdc' || opened.format !== 'csv' || !plan.hasHeader || !isPlain || !isSmall(opened))
    return undefined
  for await (const { end } of readRecords(opened.path, opened.dialect, { recordsMax: 1 }))
    return { plan, dialect: opened.dialect, header: (await readFile(opened.path)).subarray(0, end) }
  return undefined
}

/** The records below the header of a file that is like the pattern; undefined when it is not. */
export async function bodyLike({ dialect, header }: FilePattern, opened: OpenedFile): Promise<Buffer | undefined> {
  const { count, format } = opened
  const isWhole = count.isTerminated && !count.hasUnclosedQuote
  if (format !== 'csv' || !isSmall(opened) || !isWhole || !isForFastPath(opened)) return undefined
  if (!isDeepStrictEqual(opened.dialect, dialect)) return undefined
  const bytes = await readFile(opened.path)
  return bytes.subarray(0, header.length).equals(header) ? bytes.subarray(header.length) : undefined
}

function isSmall({ plainBytes }: OpenedFile): boolean {
  return plainBytes <= SMALL_FILE_BYTES
}
