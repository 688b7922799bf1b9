import { TributaryError } from '@tributary/delta/log'
import { z } from 'zod'
import { tableStateCorrupt } from '../errors.ts'
import { STATE_FORMAT, upgradeState } from './upgrade-state.ts'

/** The metadata domain that holds a table's `TableState`; on a table without it we did not write. */
export const STATE_DOMAIN = 'tributary.state'

const segment = z
  .object({
    path: z.string(),
    entries: z.number().int().nonnegative(),
    sizeBytes: z.number().int().nonnegative(),
    crc32: z.number().int().nonnegative(),
    /** Of tombstones that expire: the least place in it, to see without reading whether any may go. */
    oldestPlace: z.string().optional(),
  })
  .readonly()

const horizon = z.object({ seq: z.string().nullable(), place: z.string(), row: z.number().int() }).readonly()

const counts = z
  .object({
    read: z.number().int(),
    applied: z.number().int(),
    superseded: z.number().int(),
    noop: z.number().int(),
    quarantined: z.number().int(),
  })
  .readonly()

const state = z
  .object({
    format: z.literal(STATE_FORMAT),
    key: z.array(z.string()).min(1).readonly(),
    sequence: z.string().optional(),
    /** The number of the batch that made this commit; also the version of the table's SetTransaction. */
    batch: z.number().int().nonnegative(),
    generation: z.number().int().positive(),
    /** Place of the newest CDC file of earlier generations: nothing at or before it belongs to this one. */
    closedPlace: z.string(),
    /** Place of the newest file applied, and its key, for the order rule without a sequence column. */
    lastPlace: z.string(),
    lastFile: z.string(),
    /** Length of the non-empty sequence texts seen so far; absent before the first, or when the column has a type. */
    sequenceLength: z.number().int().positive().optional(),
    /** The source's columns in file order, for files without a header. */
    sourceColumns: z.array(z.string()).readonly(),
    /** Number of fields of headerless files, by kind of file: another number is a change at the source. */
    widths: z.object({ load: z.number().int().optional(), cdc: z.number().int().optional() }).readonly().optional(),
    ledger: z.array(segment).readonly(),
    tombstones: z.array(segment).readonly(),
    /** The newest delete whose tombstone was dropped: whether an older change of an absent key is late is not known any more. */
    horizon: horizon.optional(),
    quarantine: z.array(segment).readonly(),
    totals: counts,
    /** Commit time at the source of the newest change taken in, where the files carry it; ISO 8601 text. */
    sourceAt: z.string().optional(),
    /** Columns whose absence from a file was already warned of. */
    missingWarned: z.array(z.string()).readonly(),
  })
  .readonly()

/** A sidecar file under `_tributary/` that the current commit names. */
export type Segment = z.infer<typeof segment>

/** The order of a delete: its sequence as text, the place of its file, its row. */
export type Horizon = z.infer<typeof horizon>

/** Conservation counts (law 3): `read = applied + superseded + noop + quarantined`. */
export type Counts = z.infer<typeof counts>

/** What Tributary keeps of a table in its Delta log, so that rows and the record of their files are one commit (law 1). */
export type TableState = z.infer<typeof state>

/** Reads the domain's text, of an older format too. Throws `LEDGER_FORMAT_UNKNOWN` for one written by a newer Tributary, `TABLE_STATE_CORRUPT` for anything else. */
export function parseTableState(text: string): TableState {
  const parsed = state.safeParse(upgradeState(parseJson(text)))
  if (!parsed.success) throw tableStateCorrupt(parsed.error.message)
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw tableStateCorrupt(cause.message)
    throw cause instanceof TributaryError ? cause : tableStateCorrupt(String(cause))
  }
}

export const NO_COUNTS: Counts = { read: 0, applied: 0, superseded: 0, noop: 0, quarantined: 0 }

/** Adds counts up, part by part. */
export function addCounts(left: Counts, right: Counts): Counts {
  return {
    read: left.read + right.read,
    applied: left.applied + right.applied,
    superseded: left.superseded + right.superseded,
    noop: left.noop + right.noop,
    quarantined: left.quarantined + right.quarantined,
  }
}

/** Law 3 as arithmetic. */
export function isConserved(counts: Counts): boolean {
  return counts.read === counts.applied + counts.superseded + counts.noop + counts.quarantined
}

/** The state of a table that has taken in nothing. */
export function emptyState(table: {
  readonly key: readonly string[]
  readonly sequence: string | undefined
}): TableState {
  return {
    format: STATE_FORMAT,
    key: table.key,
    ...(table.sequence === undefined ? {} : { sequence: table.sequence }),
    batch: 0,
    generation: 1,
    closedPlace: '',
    lastPlace: '',
    lastFile: '',
    sourceColumns: [],
    ledger: [],
    tombstones: [],
    quarantine: [],
    totals: NO_COUNTS,
    missingWarned: [],
  }
}
