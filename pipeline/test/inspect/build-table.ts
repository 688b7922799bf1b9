import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Action,
  commit,
  createTableActions,
  deletionVectorActions,
  type Engine,
  localStore,
  openEngine,
  readSnapshot,
  type Store,
  type StructType,
  scanSql,
  systemClock,
  writeDataFiles,
} from '@tributary/delta'
import { afterAll, beforeAll } from 'vitest'
import { appendLedger, type LedgerEntry } from '../../src/ledger/ledger.ts'
import {
  addCounts,
  type Counts,
  NO_COUNTS,
  parseTableState,
  STATE_DOMAIN,
  type TableState,
} from '../../src/ledger/table-state.ts'
import { placeColumns } from '../../src/upsert/locate.ts'

/** Orders: a key, an exact amount, a text. */
export const ORDERS: StructType = {
  type: 'struct',
  fields: [
    { name: 'order_id', type: 'long', nullable: true, metadata: {} },
    { name: 'amount', type: 'decimal(12,2)', nullable: true, metadata: {} },
    { name: 'note', type: 'string', nullable: true, metadata: {} },
  ],
}

/** An engine and a temporary folder for the tests of one file. */
export function useEngine(): { readonly engine: () => Engine; readonly folder: () => string } {
  let engine: Engine
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-test-'))
    engine = await openEngine({ threads: 1 })
  })
  afterAll(async () => {
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { engine: () => engine, folder: () => folder }
}

export interface Order {
  readonly id: number
  readonly amount?: string
  readonly note?: string
}

/** What one commit does: rows that come (an order with a key that exists replaces it) and keys that go. */
export interface OrdersCommit {
  readonly put?: readonly Order[]
  readonly drop?: readonly number[]
  readonly file?: string
  readonly sourceAt?: string
  /** Time of the commit's file. */
  readonly at?: string
  /** Leave out what only Tributary writes: state, ledger, transaction. */
  readonly isForeign?: boolean
}

/** A table of orders made by the given commits, one version each; `folder` is the table's. */
export async function ordersTable(engine: Engine, folder: string, commits: readonly OrdersCommit[]): Promise<Store> {
  const store = localStore(folder)
  for (const [version, change] of commits.entries()) {
    await writeOrders(engine, store, version, change)
    const path = `_delta_log/${String(version).padStart(20, '0')}.json`
    if (change.at !== undefined) await utimes(join(folder, path), new Date(change.at), new Date(change.at))
  }
  return store
}

async function writeOrders(engine: Engine, store: Store, version: number, change: OrdersCommit): Promise<void> {
  const snapshot = version === 0 ? undefined : await readSnapshot(store)
  const { put = [], drop = [], file = `shop/orders/2026-${version}.csv` } = change
  const literal = (text: string | undefined): string =>
    text === undefined ? 'NULL' : `'${text.replaceAll("'", "''")}'`
  const rows = put.map(
    ({ id, amount, note }, index) =>
      `(${id}::BIGINT, ${literal(amount)}::DECIMAL(12,2), ${literal(note)}::VARCHAR, ${literal(file)}, ${index + 1}::BIGINT)`,
  )
  const relation = `SELECT * FROM (VALUES ${rows.join(', ')}) t(order_id, amount, note, __file, __row)`
  const added =
    rows.length === 0
      ? []
      : await writeDataFiles(engine, store, systemClock, {
          relation,
          schema: ORDERS,
          partitionColumns: [],
          extraColumns: placeColumns,
        })
  const dead = new Map<string, number[]>()
  const gone = [...put.map(({ id }) => id), ...drop]
  if (snapshot !== undefined && gone.length > 0) {
    const fork = await engine.fork()
    const scan = await scanSql(fork, snapshot, { withPlace: true })
    for (const row of await fork.all(
      `SELECT "__path" AS p, "__position" AS n FROM (${scan}) WHERE order_id IN (${gone.join(', ')})`,
    )) {
      dead.set(String(row['p']), [...(dead.get(String(row['p'])) ?? []), Number(row['n'])])
    }
    await fork.close()
  }
  const marked = await deletionVectorActions(
    store,
    systemClock,
    (snapshot?.files ?? []).flatMap((live) => {
      const positions = dead.get(live.path)
      return positions === undefined ? [] : [{ file: live, positions }]
    }),
  )
  const counts = { read: gone.length, applied: gone.length, superseded: 0, noop: 0, quarantined: 0 }
  const old = snapshot?.domains.get(STATE_DOMAIN)
  const ours = change.isForeign
    ? []
    : await stateActions(store, old === undefined ? undefined : parseTableState(old), {
        file,
        counts,
        sourceAt: change.sourceAt,
      })
  const created =
    snapshot === undefined
      ? createTableActions(systemClock, { schema: ORDERS, deletionVectors: true, domainMetadata: true })
      : []
  await commit(store, systemClock, {
    readVersion: snapshot?.version,
    actions: [...created, ...ours, ...added.map((add): Action => ({ add })), ...marked],
    info: {
      operation: 'UPSERT',
      operationParameters: {
        batch: String(version + 1),
        generation: '1',
        files: JSON.stringify([file]),
        fileCount: '1',
      },
      operationMetrics: { inserted: String(put.length), updated: '0', deleted: String(drop.length) },
      ...(change.sourceAt === undefined ? {} : { userMetadata: JSON.stringify({ sourceAt: change.sourceAt }) }),
    },
  })
}

async function stateActions(
  store: Store,
  state: TableState | undefined,
  { file, counts, sourceAt }: { readonly file: string; readonly counts: Counts; readonly sourceAt: string | undefined },
): Promise<readonly Action[]> {
  const batch = (state?.batch ?? 0) + 1
  const entry: LedgerEntry = {
    key: file,
    sizeBytes: 1,
    hash: file,
    modifiedMs: 1,
    generation: 1,
    kind: 'cdc',
    place: file,
    ...counts,
    digitsCut: 0,
    batch,
  }
  const next: TableState = {
    format: 1,
    key: ['order_id'],
    generation: 1,
    closedPlace: '',
    lastPlace: file,
    lastFile: file,
    sourceColumns: [],
    tombstones: [],
    quarantine: [],
    missingWarned: [],
    ...state,
    batch,
    ledger: await appendLedger({ store, clock: systemClock }, state?.ledger ?? [], [entry]),
    totals: addCounts(state?.totals ?? NO_COUNTS, counts),
    ...(sourceAt === undefined ? {} : { sourceAt }),
  }
  return [
    { txn: { appId: 'tributary/shop.orders', version: batch } },
    { domainMetadata: { domain: STATE_DOMAIN, configuration: JSON.stringify(next), removed: false } },
  ]
}
