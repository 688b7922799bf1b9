import type { Clock, Store } from '@tributary/delta'
import { z } from 'zod'
import { segmentCorrupt } from '../errors.ts'
import { readSegment, writeSegment } from './segments.ts'
import type { Segment } from './table-state.ts'

const row = z
  .object({
    id: z.string(),
    /** Key of the landing file. */
    file: z.string(),
    /** Physical line on which the record starts, header counted; absent for Parquet. */
    line: z.number().int().positive().optional(),
    /** Number of the record in the file, from 1, header not counted. */
    row: z.number().int().positive(),
    column: z.string().optional(),
    /** The offending text. */
    text: z.string().optional(),
    reason: z.string(),
    /** The whole record: its text, or base64 of its bytes when they are not UTF-8. */
    raw: z.string(),
    encoding: z.enum(['utf8', 'base64']),
    /** Column names of the record's fields in file order, so that it can be read again alone. */
    fields: z.array(z.string()).readonly(),
    kind: z.enum(['load', 'cdc', 'transactions']),
    format: z.enum(['csv', 'parquet']),
    batch: z.number().int().nonnegative(),
    /** The generation that the row belongs to: a later one replaces it. */
    generation: z.number().int().positive(),
  })
  .readonly()

/** A row that could not be applied (law 7), with all that is needed to read it again. */
export type QuarantinedRow = z.infer<typeof row>

function parseRow(json: unknown): QuarantinedRow {
  const parsed = row.safeParse(json)
  if (!parsed.success) throw segmentCorrupt(`quarantine row: ${parsed.error.message}`)
  return parsed.data
}

/** The rows that wait, oldest first. */
export async function readQuarantine(store: Store, segments: readonly Segment[]): Promise<readonly QuarantinedRow[]> {
  const rows: QuarantinedRow[] = []
  for (const segment of segments) rows.push(...(await readSegment(store, segment, parseRow)))
  return rows
}

/** Writes rows as a new segment; returns the list with it, or the list as it was when there are none. */
export async function appendQuarantine(
  parts: { readonly store: Store; readonly clock: Clock },
  segments: readonly Segment[],
  rows: readonly QuarantinedRow[],
): Promise<readonly Segment[]> {
  return rows.length === 0 ? segments : [...segments, await writeSegment(parts, 'quarantine', rows)]
}
