import { deletionVectorPlace } from '../deletion-vectors/descriptor.ts'
import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import { decodePath, type LogPath } from '../protocol/paths.ts'
import { placeOf } from '../store/place.ts'
import type { Store } from '../store/store.ts'

/** A data file or the file of its deletion vector, as far as they are in the table's own store. */
export function placesOfFile(
  store: Store,
  file: { readonly path: string; readonly deletionVector?: DeletionVectorDescriptor },
): readonly string[] {
  const paths: readonly LogPath[] = [decodePath(file.path), ...vectorPath(file.deletionVector)]
  return paths.flatMap((path) => {
    const place = placeOf(store, path)
    return place.kind === 'inside' ? [place.path] : []
  })
}

/** Where the file of a deletion vector is; nowhere for one that stands in the log itself. */
export function vectorPath(vector: DeletionVectorDescriptor | undefined): readonly LogPath[] {
  const place = vector === undefined ? undefined : deletionVectorPlace(vector)
  return place?.kind === 'file' ? [place.file] : []
}
