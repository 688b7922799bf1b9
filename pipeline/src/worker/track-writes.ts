import type { Store } from '@tributary/delta'

/** Passes a store through and remembers what was written, so that a batch that is not committed leaves nothing behind. */
export function trackWrites(store: Store): { readonly store: Store; readonly discard: () => Promise<void> } {
  const written = new Set<string>()
  return {
    store: {
      ...store,
      create: (path, bytes) => {
        if (!path.startsWith('_delta_log/')) written.add(path)
        return store.create(path, bytes)
      },
      locate: (path) => store.locate(path),
      sync: (path) => {
        if (!path.startsWith('_delta_log/')) written.add(path)
        return store.sync(path)
      },
    },
    discard: async () => {
      for (const path of written) await store.delete(path)
      written.clear()
    },
  }
}
