// A writer that has nothing but a store and a clock: the product's commit, and what a careful caller does around it.
import {
  type Clock,
  commit,
  createTableActions,
  memoryStore,
  readSnapshot,
  refreshSnapshot,
  type Store,
} from '@tributary/delta'
import { SCHEMA } from './memory-work.ts'

/** What a writer does: a data file, a commit that names it, and after a lost race once more; who gives up cleans up. */
export async function write(
  store: Store,
  clock: Clock,
  { name, isLong }: { readonly name: string; readonly isLong: boolean },
): Promise<string> {
  const path = `part-${name}.json`
  const add = { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true }
  if (isLong) await store.create(path, new Uint8Array(1))
  // All begin with the version that made the table.
  let snapshot = { ...(await emptyTable()), store }
  for (let attempt = 0; attempt < (isLong ? 2 : 1); attempt += 1) {
    const outcome = await commit(store, clock, {
      readVersion: snapshot.version,
      isFresh: !isLong,
      actions: [...(isLong ? [{ add }] : []), { txn: { appId: name, version: 1 } }],
      info: { operation: 'WRITE' },
    })
    if (outcome.kind === 'committed') return `committed ${outcome.version}`
    if (isLong && attempt === 0) snapshot = { ...(await refreshSnapshot(snapshot)), store }
  }
  if (isLong) await store.delete(path)
  return 'lost'
}

let known: ReturnType<typeof readSnapshot> | undefined

function emptyTable(): ReturnType<typeof readSnapshot> {
  known ??= makeTable()
  return known
}

async function makeTable(): ReturnType<typeof readSnapshot> {
  const store = memoryStore(clockOf('base'))
  await createTable(store)
  return readSnapshot(store)
}

/** Makes the table that all write to. */
export async function createTable(store: Store): Promise<void> {
  const actions = createTableActions(clockOf('base'), {
    schema: SCHEMA,
    partitionColumns: [],
    deletionVectors: false,
    domainMetadata: true,
  })
  await commit(store, clockOf('base'), { readVersion: undefined, actions, info: { operation: 'CREATE TABLE' } })
}

/** Waits are over at once: how long they are decides nothing that the order of steps does not. */
export function clockOf(name: string): Clock {
  let ids = 0
  return {
    now: () => 0,
    uuid: () => {
      ids += 1
      return `${name}-${ids}`
    },
    sleep: () => Promise.resolve(),
  }
}
