import { InvalidArgumentError } from 'commander'

/** A whole number of a flag, not below zero; `v12` is taken for 12. */
export function parseWhole(text: string): number {
  const digits = /^v?(\d{1,15})$/.exec(text)?.[1]
  if (digits === undefined) throw new InvalidArgumentError('It must be a whole number.')
  return Number(digits)
}

/** A comma-separated list of names. */
export function parseNames(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A duration such as `7d` or `12h`, in milliseconds. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhdw])$/i.exec(text.trim()) ?? []
  const unitMs = UNITS_MS[unit?.toLowerCase() ?? '']
  if (unitMs === undefined) throw new InvalidArgumentError('It must be a duration such as 7d, 12h or 30m.')
  return Number(count) * unitMs
}
