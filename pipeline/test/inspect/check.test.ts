import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Action, commit, readSnapshot, type Store, systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { withoutRights } from '../../../delta/test/without-rights.ts'
import { checkTable } from '../../src/inspect/check.ts'
import { parseTableState, STATE_DOMAIN, type TableState } from '../../src/ledger/table-state.ts'
import { pinPlaceOf, pinVersion } from '../../src/maintain/pins.ts'
import { type OrdersCommit, ordersTable, useEngine } from './build-table.ts'

const { engine, folder } = useEngine()
let tables = 0

const COMMITS: readonly OrdersCommit[] = [
  {
    put: [
      { id: 1, amount: '1.00' },
      { id: 2, amount: '2.00' },
      { id: 3, amount: '3.00' },
    ],
  },
  { put: [{ id: 2, amount: '2.50' }] },
  { drop: [3] },
]

async function damagedTable(
  damage: (table: { readonly store: Store; readonly place: string }) => Promise<void>,
): Promise<readonly string[]> {
  const place = join(folder(), `table-${tables++}`)
  const store = await ordersTable(engine(), place, COMMITS)
  await damage({ store, place })
  return (await checkTable(engine(), store)).findings.map((finding) => finding.code)
}

async function listNames(store: Store, prefix: string, end: string): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { path } of store.list(prefix))
    if (path.endsWith(end) && (prefix !== '' || !path.includes('/'))) names.push(path)
  return names
}

/** Commits a change of the state, as a faulty program would. */
async function rewriteState(store: Store, change: (state: TableState) => TableState): Promise<void> {
  const snapshot = await readSnapshot(store)
  const state = change(parseTableState(snapshot.domains.get(STATE_DOMAIN) ?? ''))
  const domainMetadata = { domain: STATE_DOMAIN, configuration: JSON.stringify(state), removed: false }
  await commit(store, systemClock, {
    readVersion: snapshot.version,
    actions: [{ domainMetadata }],
    info: { operation: 'DAMAGE' },
  })
}

/** Adds the newest data file again under changed statistics or path. */
async function rewriteAdd(store: Store, change: (stats: string | undefined) => string): Promise<void> {
  const snapshot = await readSnapshot(store)
  const [file] = snapshot.files.filter((live) => live.deletionVector === undefined)
  if (file === undefined) throw new Error('the table has a file without deletion vector')
  const actions: readonly Action[] = [{ add: { ...file, stats: change(file.stats) } }]
  await commit(store, systemClock, { readVersion: snapshot.version, actions, info: { operation: 'DAMAGE' } })
}

test('of a pin it is told when others may delete its files, and when they have', async () => {
  const lake = join(folder(), 'pinned')
  const store = await ordersTable(engine(), join(lake, 'shop/orders'), COMMITS)
  const place = pinPlaceOf(store)
  await pinVersion(systemClock, { store, place }, { version: 1, name: 'model-7' })
  const codesAt = async (nowMs: number): Promise<readonly (readonly string[])[]> => {
    const { findings, warnings } = await checkTable(engine(), store, { pins: { place, nowMs } })
    return [findings.map(({ code }) => code), warnings.map(({ code }) => code)]
  }
  const nowMs = systemClock.now()
  expect(await codesAt(nowMs)).toEqual([[], []])
  expect(await codesAt(nowMs + 8 * 86_400_000)).toEqual([[], ['PIN_UNPROTECTED']])
  const live = (await readSnapshot(store)).files.map(({ deletionVector }) => deletionVector?.pathOrInlineDv)
  const pinned = (await readSnapshot(store, { version: 1 })).files.map(({ deletionVector }) => deletionVector)
  const vector = pinned.find((one) => one !== undefined && !live.includes(one.pathOrInlineDv))
  expect(vector?.storageType).toBe('u')
  const files = await listNames(store, '', '.bin')
  for (const path of files) await rm(join(lake, 'shop/orders', path))
  expect((await codesAt(nowMs))[0]).toContain('PIN_BROKEN')
})

test('a sound table has no findings, and the report says what was looked at', async () => {
  const store = await ordersTable(engine(), join(folder(), 'sound'), COMMITS)
  const report = await checkTable(engine(), store)
  expect(report.findings).toEqual([])
  expect(report.version).toBe(2)
  expect(report.checked).toEqual({ files: 2, deletionVectors: 1, sidecars: 3, keys: true })
})

test('a missing data file is found, and does not hide a lost ledger segment', async () => {
  const codes = await damagedTable(async ({ store, place }) => {
    const [data] = await listNames(store, '', '.parquet')
    const [segment] = await listNames(store, '_tributary/ledger/', '.ndjson')
    await rm(join(place, data ?? ''))
    await rm(join(place, segment ?? ''))
  })
  expect(codes).toEqual(['DATA_FILE_MISSING', 'SEGMENT_LOST'])
})

test('a data file that was cut is found', async () => {
  const codes = await damagedTable(async ({ store, place }) => {
    const [data] = await listNames(store, '', '.parquet')
    const file = join(place, data ?? '')
    await writeFile(file, (await readFile(file)).subarray(0, 100))
  })
  expect(codes).toEqual(['DATA_FILE_SIZE', 'DATA_FILE_UNREADABLE'])
})

test('a flipped byte anywhere in a deletion vector is found', async () => {
  for (const offset of [0, 3, 6, 12, -2]) {
    const codes = await damagedTable(async ({ store, place }) => {
      const vectors = await listNames(store, '', '.bin')
      for (const vector of vectors) {
        const bytes = await readFile(join(place, vector))
        const at = offset < 0 ? bytes.length + offset : offset
        bytes[at] = (bytes[at] ?? 0) ^ 0x10
        await writeFile(join(place, vector), bytes)
      }
    })
    expect(codes).toEqual(['DELETION_VECTOR_CORRUPT'])
  }
})

test('a missing deletion vector is found', async () => {
  const codes = await damagedTable(async ({ store, place }) => {
    for (const vector of await listNames(store, '', '.bin')) await rm(join(place, vector))
  })
  expect(codes).toEqual(['DELETION_VECTOR_MISSING'])
})

test('a key with two live rows is found', async () => {
  const store = await ordersTable(engine(), join(folder(), 'repeated'), [{ put: [{ id: 7 }, { id: 7 }, { id: 8 }] }])
  const [finding, ...others] = (await checkTable(engine(), store)).findings
  expect(others).toEqual([])
  expect(finding?.code).toBe('KEY_REPEATED')
  expect(finding?.message).toContain('7 (2 rows)')
})

test('a wrong numRecords is found', async () => {
  expect(await damagedTable(({ store }) => rewriteAdd(store, () => '{"numRecords":5}'))).toEqual(['STATS_NUM_RECORDS'])
})

test('a changed byte in a ledger segment is found', async () => {
  const codes = await damagedTable(async ({ store, place }) => {
    const [segment] = await listNames(store, '_tributary/ledger/', '.ndjson')
    const file = join(place, segment ?? '')
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"applied":\d/, '"applied":9'))
  })
  expect(codes).toEqual(['SEGMENT_CORRUPT'])
})

test('a ledger entry that is not named any more shows in the totals', async () => {
  expect(
    await damagedTable(({ store }) => rewriteState(store, (state) => ({ ...state, ledger: state.ledger.slice(1) }))),
  ).toEqual(['TOTALS_DIFFER'])
})

test('a batch number that no transaction has is found', async () => {
  expect(await damagedTable(({ store }) => rewriteState(store, (state) => ({ ...state, batch: 99 })))).toEqual([
    'BATCH_DIFFERS',
  ])
})

test('a state that cannot be read is found', async () => {
  const codes = await damagedTable(async ({ store }) => {
    const domainMetadata = { domain: STATE_DOMAIN, configuration: '{"format":1}', removed: false }
    await commit(store, systemClock, { readVersion: 2, actions: [{ domainMetadata }], info: {} })
  })
  expect(codes).toEqual(['TABLE_STATE_CORRUPT'])
})

test('a lost commit is found', async () => {
  const codes = await damagedTable(({ place }) => rm(join(place, '_delta_log', '00000000000000000001.json')))
  expect(codes).toEqual(['LOG_GAP'])
})

test('a table of another program gets the checks that need no ledger', async () => {
  const store = await ordersTable(engine(), join(folder(), 'foreign'), [
    { put: [{ id: 1 }, { id: 1 }], isForeign: true },
  ])
  expect((await checkTable(engine(), store)).findings).toEqual([])
  expect((await checkTable(engine(), store, { key: ['order_id'] })).findings.map(({ code }) => code)).toEqual([
    'KEY_REPEATED',
  ])
})

test('no table at all is an error, not a finding', async () => {
  const store = await ordersTable(engine(), join(folder(), 'nothing'), [])
  await expect(checkTable(engine(), store)).rejects.toThrow(/TABLE_NOT_FOUND|no Delta table/)
})

test('a data file that may not be read is no finding: nothing is known of it', async () => {
  await chmod(folder(), 0o755)
  const place = join(folder(), 'closed')
  const store = await ordersTable(engine(), place, COMMITS)
  const [name = ''] = await listNames(store, '', '.parquet')
  await chmod(join(place, name), 0)
  await expect(withoutRights(() => checkTable(engine(), store))).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: `Could not read ${name}: EACCES: permission denied, open '${join(place, name)}'. Give this user the right to that file or folder and run again.`,
  })
})
