// A store that fails once, or dies, at its n-th operation: every place where a crash can leave a table is one of these.
import { type Store, TributaryError } from '@tributary/delta'
import type { Lake } from '../../src/worker/lake.ts'

/** When and how the stores of a lake fail. */
export interface FaultPlan {
  /** Number of the operation that fails, from 1. */
  readonly at: number
  /** The operation is not done at all, or done and not confirmed. */
  readonly when: 'before' | 'after'
  /** `once`: the error that a disk reports. `dead`: the process is gone and nothing works any more. `full`: no write works any more. */
  readonly mode: 'once' | 'dead' | 'full'
}

export interface FaultyLake {
  readonly lake: Lake
  /** What was asked of the stores, in order. */
  readonly operations: readonly string[]
  /** The operation that failed, if the run came so far. */
  readonly failed: () => string | undefined
}

/** The same lake on stores that fail as planned. */
export function faultyLake(lake: Lake, plan: FaultPlan): FaultyLake {
  const operations: string[] = []
  let failed: string | undefined
  const error = (what: string): Error =>
    plan.mode === 'dead'
      ? new Error(`the process died at ${what}`)
      : new TributaryError(
          'unavailable',
          'STORE_FAILED',
          `${what} failed: ${plan.mode === 'full' ? 'ENOSPC, no space left on device' : 'EIO, input/output error'}. A test did this.`,
        )
  // A read that is done and not confirmed leaves what a read that was not done leaves.
  const counts = (isWrite: boolean): boolean => isWrite || (plan.mode !== 'full' && plan.when === 'before')
  const guard = async <T>(what: string, isWrite: boolean, work: () => Promise<T>): Promise<T> => {
    if (counts(isWrite)) operations.push(what)
    const isNow = counts(isWrite) && operations.length === plan.at
    const isOver = failed !== undefined && (plan.mode === 'dead' || (plan.mode === 'full' && isWrite))
    if (isOver) throw error(what)
    if (isNow && plan.when === 'before') {
      failed = what
      throw error(what)
    }
    const result = await work()
    if (isNow) {
      failed = what
      throw error(what)
    }
    return result
  }
  const wrap = (name: string, store: Store): Store => ({
    url: store.url,
    read: (path) => guard(`${name} read ${path}`, false, () => store.read(path)),
    readRange: (path, range) => guard(`${name} readRange ${path}`, false, () => store.readRange(path, range)),
    stat: (path) => guard(`${name} stat ${path}`, false, () => store.stat(path)),
    list: async function* (prefix, options) {
      await guard(`${name} list ${prefix}`, false, () => Promise.resolve())
      yield* store.list(prefix, options)
    },
    create: (path, bytes) => guard(`${name} create ${path}`, true, () => store.create(path, bytes)),
    write: (path, bytes) => guard(`${name} write ${path}`, true, () => store.write(path, bytes)),
    delete: (path) => guard(`${name} delete ${path}`, true, () => store.delete(path)),
    locate: (path) => guard(`${name} locate ${path}`, false, () => store.locate(path)),
    sync: (path) => guard(`${name} sync ${path}`, true, () => store.sync(path)),
  })
  return {
    lake: {
      ...lake,
      landing: wrap('landing', lake.landing),
      root: wrap('root', lake.root),
      tableStore: (table) => wrap('table', lake.tableStore(table)),
    },
    operations,
    failed: () => failed,
  }
}
