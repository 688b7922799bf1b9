import { listCommitTimes, readSnapshot, type Store, TributaryError } from '@tributary/delta'
import { versionTextInvalid } from '../errors.ts'
import { readSourceTimes } from './source-times.ts'
import { parseTime } from './time-text.ts'

/** What a person wrote for a point in a table's life. */
export type PointInTime =
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  | { readonly kind: 'ago'; readonly durationMs: number }

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Reads `v118`, `118`, `2026-01-31T10:00:00Z`, `2026-01-31` (UTC) or a duration such as `15m`. Throws `VERSION_TEXT_INVALID`. */
export function parsePoint(text: string): PointInTime {
  const trimmed = text.trim()
  const version = /^v?(\d{1,15})$/i.exec(trimmed)
  if (version) return { kind: 'version', version: Number(version[1]) }
  const duration = /^(\d{1,9})([smhdw])$/i.exec(trimmed)
  const unitMs = UNITS_MS[duration?.[2]?.toLowerCase() ?? '']
  if (duration && unitMs !== undefined) return { kind: 'ago', durationMs: Number(duration[1]) * unitMs }
  const timestampMs = parseTime(trimmed)
  if (timestampMs === undefined) throw versionTextInvalid(text)
  return { kind: 'time', timestampMs }
}

/** By which clock a time or duration is meant: that of the commits, or that of the source's changes in them. */
export interface PointOptions {
  /** What durations count back from; the source's clock starts at the newest change instead. */
  readonly nowMs: number
  readonly by?: 'commit' | 'source'
}

/**
 * The version that a text stands for: for a time the newest one at or before it, and -1 when the table began after it.
 * An interval `(since, until]` of two such versions holds the commits after `since`, up to and with `until`.
 * Throws `VERSION_TEXT_INVALID`, `TABLE_NOT_FOUND`, `VERSION_NOT_FOUND`, `TIMESTAMP_TOO_EARLY` when the log before that time was cleaned up.
 */
export async function resolveVersion(store: Store, text: string, options: PointOptions): Promise<number> {
  const point = parsePoint(text)
  if (point.kind === 'version') return (await readSnapshot(store, { version: point.version })).version
  if (options.by === 'source') return resolveSourceTime(store, point)
  return resolveCommitTime(store, point.kind === 'time' ? point.timestampMs : options.nowMs - point.durationMs)
}

async function resolveCommitTime(store: Store, timestampMs: number): Promise<number> {
  try {
    return (await readSnapshot(store, { timestampMs })).version
  } catch (error) {
    const isTooEarly = error instanceof TributaryError && error.code === 'TIMESTAMP_TOO_EARLY'
    if (isTooEarly && (await hasFirstCommit(store))) return -1
    throw error
  }
}

async function hasFirstCommit(store: Store): Promise<boolean> {
  return (await store.stat(`_delta_log/${'0'.repeat(20)}.json`)) !== undefined
}

async function resolveSourceTime(store: Store, point: Exclude<PointInTime, { kind: 'version' }>): Promise<number> {
  let limitMs = point.kind === 'time' ? point.timestampMs : undefined
  for (const { version } of (await listCommitTimes(store)).toReversed()) {
    const sourceMs = await readSourceTime(store, version)
    if (sourceMs === undefined) continue
    if (limitMs === undefined && point.kind === 'ago') limitMs = sourceMs - point.durationMs
    if (limitMs !== undefined && sourceMs <= limitMs) return version
  }
  return -1
}

async function readSourceTime(store: Store, version: number): Promise<number | undefined> {
  const text = (await readSourceTimes(store, { fromVersion: version, toVersion: version })).get(version)
  return text === undefined ? undefined : parseTime(text)
}

/** Milliseconds of a time that a person wrote, UTC where it names no zone. Throws `VERSION_TEXT_INVALID`. */
export function resolveTime(text: string): number {
  const timestampMs = parseTime(text.trim())
  if (timestampMs === undefined) throw versionTextInvalid(text)
  return timestampMs
}
