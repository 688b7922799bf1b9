import type { Sample } from './sample-file.ts'

/** Whether the CSV files of a table begin with a header; undefined where their first rows may be one or the other. */
export function findHeader(samples: readonly Sample[]): boolean | undefined {
  const headers = samples.flatMap((sample) => (sample.kind === 'csv' ? [sample.records[0] ?? []] : []))
  if (headers.length === 0) return undefined
  if (headers.every((header) => header[0] === 'Op')) return true
  const looksNamed = headers.every(
    (header) =>
      new Set(header).size === header.length && header.every((name) => /^[\p{L}_][\p{L}\p{N}_ $#-]*$/u.test(name)),
  )
  if (!looksNamed) return false
  // A load may come without Op and its changes with it.
  const [first, ...others] = headers.map((header) => header.slice(header[0] === 'Op' ? 1 : 0).join('\0'))
  if (others.length > 0) return others.every((other) => other === first)
  // One file alone: a header stands above values that are no names, where there are such.
  const isAboveValues = samples.every((sample) =>
    sample.records.slice(1).some((record) => record.some((value) => /^-?\d/.test(value))),
  )
  return isAboveValues ? true : undefined
}
