import { type DeletedRows, noDeletedRows } from '../../src/deletion-vectors/deleted-rows.ts'

export async function rowsAt(...positions: readonly number[]): Promise<DeletedRows> {
  return (await noDeletedRows()).with(positions)
}

/** The deletion vector of some rows. */
export async function encoded(positions: Iterable<number>): Promise<Uint8Array> {
  return bytesOf((await noDeletedRows()).with(positions))
}

export function bytesOf(rows: DeletedRows): Uint8Array {
  const bytes = new Uint8Array(rows.bytes())
  rows.write(bytes)
  return bytes
}
