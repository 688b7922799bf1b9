// What the product loads on first use is loaded before the first world: loading takes time that no virtual clock knows of, and the first
// run of a seed would differ from all later ones.
import { type Clock, commit, createTableActions, memoryStore, readSnapshot } from '@tributary/delta'
import { SCHEMA, writeCheckpoint } from './memory-work.ts'

const clock: Clock = {
  now: () => 0,
  uuid: () => '00000000-0000-4000-8000-000000000000',
  sleep: () => Promise.resolve(),
}

/** Loads it all; the second call finds it done. */
export async function preload(): Promise<void> {
  loaded ??= load()
  await loaded
}

let loaded: Promise<void> | undefined

async function load(): Promise<void> {
  await import('../../src/worker/ingest-table.ts')
  for (const name of ['hyparquet', 'hyparquet-compressors', 'roaring-wasm']) await import(name)
  // Only a table with a checkpoint makes the log's reader load its Parquet.
  const store = memoryStore(clock)
  const definition = { schema: SCHEMA, partitionColumns: [], deletionVectors: false, domainMetadata: true }
  const actions = createTableActions(clock, definition)
  await commit(store, clock, { readVersion: undefined, actions, info: { operation: 'CREATE TABLE' } })
  await commit(store, clock, { readVersion: 0, isFresh: true, actions: [], info: { operation: 'WRITE' } })
  await writeCheckpoint(await readSnapshot(store), clock.uuid())
  await readSnapshot(store)
}
