// Table properties that say how long things are kept, and whether a property is set at all.

import type { Metadata } from '../protocol/actions.ts'

export const DAY_MS = 86_400_000
const UNITS_MS: Readonly<Record<string, number>> = {
  week: 7 * DAY_MS,
  day: DAY_MS,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
  microsecond: 0.001,
}

/** How long a removed file stays on disk for those who still read it: `delta.deletedFileRetentionDuration`, a week by default. */
export function deletedFileRetentionMs({ configuration }: Pick<Metadata, 'configuration'>): number {
  return intervalMs(configuration['delta.deletedFileRetentionDuration']) ?? 7 * DAY_MS
}

/** How long the log reaches back: `delta.logRetentionDuration`, thirty days by default. */
export function logRetentionMs({ configuration }: Pick<Metadata, 'configuration'>): number {
  return intervalMs(configuration['delta.logRetentionDuration']) ?? 30 * DAY_MS
}

/** The milliseconds of `interval 1 week` or `interval 2 days 3 hours`; undefined for a text that is no such interval. */
export function intervalMs(text: string | undefined): number | undefined {
  const whole = /^\s*(?:interval\s+)?((?:\d+\s+(?:week|day|hour|minute|second|millisecond|microsecond)s?\s*)+)$/i.exec(
    text ?? '',
  )
  if (whole === null) return undefined
  const parts = [...(whole[1] ?? '').matchAll(/(\d+)\s+([a-z]+?)s?(?=\s|$)/gi)]
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit?.toLowerCase() ?? ''] ?? 0), 0)
}

/** A property that is true or false; what is neither keeps the default. */
export function flagOf({ configuration }: Pick<Metadata, 'configuration'>, name: string, otherwise: boolean): boolean {
  const text = configuration[name]?.trim().toLowerCase()
  return text === 'true' || text === 'false' ? text === 'true' : otherwise
}

/** A property that is a whole number above zero; what is none keeps the default. */
export function countOf({ configuration }: Pick<Metadata, 'configuration'>, name: string, otherwise: number): number {
  const text = configuration[name]?.trim() ?? ''
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : otherwise
}
