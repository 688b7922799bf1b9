import { join } from 'node:path'
import { localStore, readSnapshot, type Store, systemClock, TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const CONFIG =
  'landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], columns: {id: long, v: string}}\n'
const isLedger = (path: string): boolean => path.startsWith('_tributary/ledger/')
const isVector = (path: string): boolean => path.startsWith('deletion_vector_')

/** A table of three rows, and a file of changes that waits: one update, one delete, one insert. */
async function tableWithChanges(name: string): Promise<string> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, CONFIG)
  await put(folder, 's/t/LOAD00000001.csv', 'id,v\n1,a\n2,b\n3,c\n')
  await ingest(lake, workplace.engine)
  await put(folder, 's/t/20260301-101500000.csv', 'Op,id,v\nU,1,new\nD,2,b\nI,4,d\n')
  return folder
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const paths: string[] = []
  for await (const { path } of localStore(join(folder, 'lake/s/t')).list('')) paths.push(path)
  return paths.toSorted()
}

/** Writes no deletion vector before the ledger is being written. */
function vectorAfterLedger(store: Store): Store {
  let begin: () => void = () => undefined
  const begun = new Promise<string>((resolve) => {
    begin = () => resolve('begun')
  })
  return {
    ...store,
    create: async (path, bytes) => {
      if (isLedger(path)) begin()
      if (isVector(path)) expect(await Promise.race([begun, systemClock.sleep(5000)])).toBe('begun')
      return store.create(path, bytes)
    },
  }
}

test('the ledger is written while the deletion vectors are, and once', async () => {
  const folder = await tableWithChanges('beside')
  const before = (await filesOf(folder)).filter(isLedger)
  const lake = await lakeIn(folder, CONFIG, {
    wrapStore: (store, what) => (what === 'table' ? vectorAfterLedger(store) : store),
  })
  const { tables } = await ingest(lake, workplace.engine)
  expect(tables).toMatchObject([{ version: 1, read: 3, applied: 3, stopped: null }])
  const after = (await filesOf(folder)).filter(isLedger)
  expect(after).toHaveLength(before.length + 1)
})

/** Refuses the ledger, or the vectors while the ledger takes its time; `writing` gets what is under way. */
function failing(store: Store, what: 'ledger' | 'vector', writing: Promise<unknown>[]): Store {
  const create: Store['create'] = async (path, bytes) => {
    if (what === 'ledger' ? isLedger(path) : isVector(path))
      throw new TributaryError('unavailable', 'STORE_FAILED', 'no room')
    if (isLedger(path)) await systemClock.sleep(200)
    return store.create(path, bytes)
  }
  return {
    ...store,
    create: (path, bytes) => {
      const created = create(path, bytes)
      writing.push(created)
      return created
    },
  }
}

test.each(['ledger', 'vector'] as const)('a batch whose %s cannot be written leaves nothing behind', async (what) => {
  const folder = await tableWithChanges(`no-${what}`)
  const before = await filesOf(folder)
  const writing: Promise<unknown>[] = []
  const lake = await lakeIn(folder, CONFIG, {
    wrapStore: (store, which) => (which === 'table' ? failing(store, what, writing) : store),
  })
  const { tables } = await ingest(lake, workplace.engine)
  expect(tables).toMatchObject([{ version: 0, stopped: { code: 'STORE_FAILED' } }])
  await Promise.allSettled(writing)
  expect(await filesOf(folder)).toEqual(before)
  expect((await readSnapshot(localStore(join(folder, 'lake/s/t')))).version).toBe(0)
})
