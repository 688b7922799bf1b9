import { utimes } from 'node:fs/promises'
import type { Clock } from '../../src/clock.ts'
import type { Store } from '../../src/store/store.ts'

/** A folder whose commits are as old as a clock says, also by Delta's rule: a commit is as old as its file. */
export function clockedStore(store: Store, clock: Clock): Store {
  return {
    ...store,
    create: async (path, bytes) => {
      const outcome = await store.create(path, bytes)
      const seconds = clock.now() / 1000
      if (outcome === 'created') await utimes(await store.locate(path), seconds, seconds)
      return outcome
    },
  }
}
