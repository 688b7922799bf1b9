// PROTOCOL.md, "Last Checkpoint File" and "JSON checksum": readers start at what this hint names.

import { createHash } from 'node:crypto'
import { LAST_CHECKPOINT } from '../log/file-names.ts'
import type { Store } from '../store/store.ts'

/** What `_last_checkpoint` says. */
export interface CheckpointHint {
  readonly version: number
  /** Actions in the checkpoint, those in sidecars too. */
  readonly size: number
  readonly sizeInBytes: number
  readonly numOfAddFiles: number
}

/** Any JSON. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** Point readers to a checkpoint that is in place. */
export async function writeHint(store: Store, hint: CheckpointHint): Promise<void> {
  const { version, size, sizeInBytes, numOfAddFiles } = hint
  const checksum = jsonChecksum({ version, size, sizeInBytes, numOfAddFiles })
  const text = JSON.stringify({ version, size, sizeInBytes, numOfAddFiles, checksum })
  await store.write(LAST_CHECKPOINT, new TextEncoder().encode(text))
}

/** MD5 of the canonical form of a JSON object: its leaves with their paths, sorted; a top-level `checksum` does not count. */
export function jsonChecksum(object: { readonly [name: string]: Json }): string {
  const leaves = Object.entries(object).flatMap(([name, value]) =>
    name === 'checksum' ? [] : leavesOf(quoted(name), value),
  )
  // The bytes are all ASCII, so that the order of units is the order of bytes.
  const canonical = leaves.sort((left, right) => (left < right ? -1 : left > right ? 1 : 0)).join(',')
  return createHash('md5').update(canonical).digest('hex')
}

function leavesOf(path: string, value: Json): readonly string[] {
  if (isList(value)) return value.flatMap((item, index) => leavesOf(`${path}+${index}`, item))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, inner]) => leavesOf(`${path}+${quoted(name)}`, inner))
  return [`${path}=${typeof value === 'string' ? quoted(value) : String(value)}`]
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

// RFC 3986: all but the unreserved characters. encodeURIComponent leaves five more as they are.
function quoted(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `"${encoded}"`
}
