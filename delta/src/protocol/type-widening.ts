// PROTOCOL.md, "Type Widening": `delta.typeChanges` of a field tells how its type has changed, or that of what it contains. Files of
// before keep the old types. A change that is not among the supported ones has a meaning that nobody here knows, so it is refused.

import { schemaCorrupt, unsupportedReaderFeature } from '../errors.ts'
import { walkFields } from './parse-schema.ts'
import type { StructType } from './schema.ts'

const TYPE_CHANGES = 'delta.typeChanges'

/** Throws `UNSUPPORTED_READER_FEATURE`, naming column and types, where a type has changed in a way that is not known. */
export function assertTypeChanges(schema: StructType): void {
  for (const { field, path } of walkFields(schema)) {
    for (const { from, to } of parseTypeChanges(field.metadata[TYPE_CHANGES], path.join('.'))) {
      if (!isWidening(from, to))
        throw unsupportedReaderFeature([`the change of ${path.join('.')} from ${from} to ${to}`])
    }
  }
}

interface TypeChange {
  readonly from: string
  readonly to: string
}

function parseTypeChanges(value: unknown, where: string): readonly TypeChange[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw schemaCorrupt(where, `its ${TYPE_CHANGES} is not a list`)
  return value.map((change: unknown) => {
    const { fromType: from, toType: to } = Object(change) as { readonly fromType?: unknown; readonly toType?: unknown }
    if (typeof from !== 'string' || typeof to !== 'string')
      throw schemaCorrupt(where, `its ${TYPE_CHANGES} holds what is no change of a type`)
    return { from, to }
  })
}

const INTEGERS = ['byte', 'short', 'integer', 'long']
// Digits before the point that hold any value of each; for 64 bits the protocol asks for one more.
const DIGITS = [3, 5, 10, 20]

/**
 * Whether every value of the one type is one of the other and the change is of a kind that the protocol lists. Tables of the
 * preview also have 8- and 16-bit numbers as decimals of fewer digits than the protocol now asks writers for; they read as well.
 */
export function isWidening(from: string, to: string): boolean {
  const [rank, rankAfter] = [INTEGERS.indexOf(from), INTEGERS.indexOf(to)]
  if (rank >= 0 && rankAfter > rank) return true
  if (to === 'double') return from === 'float' || (rank >= 0 && from !== 'long')
  if (to === 'timestamp_ntz') return from === 'date'
  const after = parseDecimal(to)
  if (after === undefined) return false
  const before = rank >= 0 ? { precision: DIGITS[rank] ?? 0, scale: 0 } : parseDecimal(from)
  if (before === undefined) return false
  return after.scale >= before.scale && after.precision - after.scale >= before.precision - before.scale
}

function parseDecimal(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const [, precision, scale] = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type) ?? []
  return precision === undefined ? undefined : { precision: Number(precision), scale: Number(scale) }
}
