// A store that fails once, at one of its writes: before it was done, or after it, as when an answer is lost.
import type { Store } from '@tributary/delta'

export interface Fault {
  /** The write that fails, counted from 0. */
  readonly write: number
  readonly moment: 'before' | 'after'
}

/** Counts the writes of all stores that it wraps, and lets one fail. */
export function failAt({ write, moment }: Fault): {
  readonly wrap: (store: Store) => Store
  readonly hasFailed: () => boolean
} {
  let writes = 0
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    const isIt = writes === write
    writes += 1
    if (isIt && moment === 'before') throw new Error('the machine is gone')
    const done = await work()
    if (isIt) throw new Error('the machine is gone')
    return done
  }
  return {
    hasFailed: () => writes > write,
    wrap: (store) => ({
      ...store,
      create: (path, bytes) => guard(() => store.create(path, bytes)),
      write: (path, bytes) => guard(() => store.write(path, bytes)),
      delete: (path) => guard(() => store.delete(path)),
      sync: (path) => guard(() => store.sync(path)),
    }),
  }
}
