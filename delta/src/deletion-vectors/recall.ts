// A vector never changes, and a snapshot that is refreshed keeps its descriptors: what was decoded lives as long as they do.

import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import type { Store } from '../store/store.ts'
import { bitmapOf, type Positions } from './bitmap.ts'
import { type DeletedRows, deletedRows } from './deleted-rows.ts'
import { readBitmap, readDeletionVector } from './read.ts'

// Readers want positions, writers rows to add to: few processes want both.
const decodedRows = new WeakMap<DeletionVectorDescriptor, DeletedRows>()
const decodedPositions = new WeakMap<DeletionVectorDescriptor, Positions>()

// A commit brings vectors that this process has just written back as new descriptors. Bounded: the oldest go first.
const written = new Map<string, DeletedRows>()
const WRITTEN_MAX = 256
// 8 MiB of bitmaps where rows are sparse, two bytes each.
const WRITTEN_ROWS_MAX = 4 * 1024 * 1024
let writtenRows = 0

/** Keeps what was just written at a descriptor's place for the first `recallDeletedRows` of it. */
export function rememberDeletedRows(store: Store, descriptor: DeletionVectorDescriptor, rows: DeletedRows): void {
  if (rows.cardinality > WRITTEN_ROWS_MAX) return
  for (const oldest of written.keys()) {
    if (written.size < WRITTEN_MAX && writtenRows + rows.cardinality <= WRITTEN_ROWS_MAX) break
    forget(oldest)
  }
  written.set(identityOf(store, descriptor), rows)
  writtenRows += rows.cardinality
}

function forget(identity: string): void {
  writtenRows -= written.get(identity)?.cardinality ?? 0
  written.delete(identity)
}

function identityOf(store: Store, { storageType, pathOrInlineDv, offset }: DeletionVectorDescriptor): string {
  return `${store.url} ${storageType} ${pathOrInlineDv} ${offset ?? ''}`
}

/** The rows of a vector, to ask for some of them or to add to them. Decodes a descriptor object once. Throws what `readDeletionVector` does. */
export async function recallDeletedRows(store: Store, descriptor: DeletionVectorDescriptor): Promise<DeletedRows> {
  const known = knownRows(store, descriptor)
  if (known !== undefined) return known
  const positions = decodedPositions.get(descriptor)
  const bitmap = positions === undefined ? (await readBitmap(store, descriptor)).bitmap : await bitmapOf()
  if (positions !== undefined) bitmap.add(positions)
  // Somebody else may have been as fast, and have added to theirs.
  const rows = decodedRows.get(descriptor) ?? deletedRows(bitmap, descriptor.cardinality)
  decodedRows.set(descriptor, rows)
  return rows
}

/** As `readDeletionVector`, but decodes a descriptor object once: for reads that come back to the same snapshot. */
export async function recallDeletionVector(store: Store, descriptor: DeletionVectorDescriptor): Promise<Positions> {
  const known = decodedPositions.get(descriptor)
  if (known !== undefined) return known
  const positions = knownRows(store, descriptor)?.positions() ?? (await readDeletionVector(store, descriptor))
  decodedPositions.set(descriptor, positions)
  return positions
}

function knownRows(store: Store, descriptor: DeletionVectorDescriptor): DeletedRows | undefined {
  const known = decodedRows.get(descriptor)
  if (known !== undefined) return known
  const identity = identityOf(store, descriptor)
  const rows = written.get(identity)
  if (rows === undefined) return undefined
  forget(identity)
  decodedRows.set(descriptor, rows)
  return rows
}
