import type { Batch, Engine, Store } from '@tributary/delta'
import { type ChangesWish, planChanges } from './plan-changes.ts'
import { type ChangesView, changeRowsSql } from './select-changes.ts'

/**
 * The changes of a table in batches stored by column and in bounded memory: the table's columns, `_change_type`, `_commit_version` and
 * `_commit_timestamp`. What is read is fixed when reading begins. Throws what `planChanges` and `changesSql` throw.
 *
 * @example
 * for await (const batch of readTableChanges(engine, storeAt('lake/shop/orders'), { since: '15m', net: true, nowMs })) use(batch)
 */
export async function* readTableChanges(
  engine: Engine,
  store: Store,
  { ops, ...wish }: ChangesWish & ChangesView,
): AsyncGenerator<Batch> {
  const planned = await planChanges(store, wish)
  const fork = await engine.fork()
  try {
    yield* fork.stream((await changeRowsSql(fork, planned, ops === undefined ? {} : { ops })).sql)
  } finally {
    await fork.close()
  }
}
