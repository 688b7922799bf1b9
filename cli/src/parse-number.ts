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
