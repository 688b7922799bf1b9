import type { Engine } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/sql.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { Action, AddFile, CommitInfo } from '../protocol/actions.ts'
import { changeRowsActions } from './change-rows.ts'
import type { FileDeletions } from './deletion-vector-actions.ts'
import { collectPlaces, locateRows, type RowCondition } from './locate-rows.ts'
import { stageTableRows } from './table-rows.ts'
import { commitTransaction, type TransactionOutcome } from './transaction.ts'
import { countRows } from './upsert-rows.ts'
import { metadataAction, type WriteWork } from './write-rows.ts'

/** Rows of some keys that are replaced, in one commit with whatever else the writer has to say. */
export interface RowReplacement {
  /** Columns that tell rows apart. */
  readonly key: readonly string[]
  /** A SELECT of whole rows that come, no two of one key. */
  readonly fresh: string
  /** A SELECT of the keys whose stored rows go: those of `fresh`, and those that get no row any more. */
  readonly gone: string
  /** A SELECT of `__path` and `__position` of these stored rows, where the caller knows them; else they are looked for by their keys. */
  readonly places?: string | undefined
  /** More actions of the same commit, as `txn` and `domainMetadata`. */
  readonly actions: readonly Action[]
  readonly info: CommitInfo
}

/**
 * Takes the stored rows of some keys away and puts others in their place. Unlike an upsert it also deletes, and commits when there are no
 * rows at all. A rival that changed the same rows, or committed one of the same domains, is a conflict. Throws what `writeTableRows` throws.
 */
export async function replaceRows(
  { engine, clock }: WriteWork,
  snapshot: Snapshot,
  { key, fresh, gone, places, actions, info }: RowReplacement,
): Promise<TransactionOutcome> {
  const staged = await stageTableRows(engine, snapshot, { relation: fresh })
  const condition = await keysAmong(engine, gone, key)
  const findIn = (files: readonly AddFile[]): Promise<readonly FileDeletions[]> =>
    locateRows(engine, snapshot, files, condition)
  const found =
    places === undefined ? await findIn(snapshot.files) : await collectPlaces(engine, snapshot.files, places)
  const rows =
    staged.count === 0 && countRows(found) === 0
      ? []
      : await changeRowsActions(engine, clock, {
          snapshot,
          gone: found,
          ...(staged.count === 0 ? {} : { fresh: { relation: staged.relation, key } }),
        })
  return commitTransaction(clock, {
    snapshot,
    actions: [...metadataAction(staged.metadata), ...rows, ...actions],
    info,
    reads: { kind: 'rows', areIn: async (files) => (await findIn(files)).length > 0 },
    moves: { relocate: findIn },
  })
}

async function keysAmong(engine: Engine, keys: string, key: readonly string[]): Promise<RowCondition> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE tributary_replaced AS ${keys}`)
  const pairs = key.map((name) => `k.${quoteName(name)} = t.${quoteName(name)}`).join(' AND ')
  return { sql: 'true', join: `SEMI JOIN temp.tributary_replaced k ON ${pairs}`, columns: key }
}
