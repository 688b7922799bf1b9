import { type Store, TributaryError } from '@tributary/delta'
import type { TableSession } from './table-session.ts'

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
      for (const path of written) await deleteIfPossible(store, path)
      written.clear()
    },
  }
}

/** What cannot be deleted is garbage, and no reason to hide why the batch was given up. */
async function deleteIfPossible(store: Store, path: string): Promise<void> {
  try {
    await store.delete(path)
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error
  }
}

/** A session as it is now, whose writes are remembered, those beside its history too. */
export function trackSession(session: TableSession): {
  readonly session: TableSession
  readonly discard: () => Promise<void>
} {
  const writes = trackWrites(session.store)
  const { history } = session
  if (history === undefined) return { session: { ...session, store: writes.store }, discard: writes.discard }
  const besides = trackWrites(history.store)
  return {
    session: { ...session, store: writes.store, history: { ...history, store: besides.store } },
    discard: async () => {
      await writes.discard()
      await besides.discard()
    },
  }
}
