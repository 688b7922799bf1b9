// Whoever marks rows one commit after the other writes a file's vector anew each time. How many bytes that has come to stands in the file's
// `tags`, where PROTOCOL.md, "Add File", lets a writer note what it likes: then anybody can tell when rewriting the file would have been cheaper.
import type { AddFile } from '../protocol/actions.ts'

const TAG = 'tributary.vectorBytes'

/** Bytes of all deletion vectors that we wrote for a file since it was written itself. */
export function vectorBytesSpent({ tags }: Pick<AddFile, 'tags'>): number {
  const bytes = Number(tags?.[TAG] ?? 0)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0
}

/** The tags of a file with a new vector of so many bytes. */
export function tagsWithVector(file: Pick<AddFile, 'tags'>, sizeBytes: number): NonNullable<AddFile['tags']> {
  return { ...file.tags, [TAG]: String(vectorBytesSpent(file) + sizeBytes) }
}
