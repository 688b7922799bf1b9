import { join } from 'node:path'
import { type Store, TributaryError } from '@tributary/delta'
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
const FIRST_COMMIT = '_delta_log/00000000000000000000.json'

/** A table whose log cannot be looked at once its first commit is made. */
function silentAfterCommit(store: Store): Store {
  let isSilent = false
  const failing = (path: string): void => {
    if (isSilent && path.startsWith('_delta_log')) throw new TributaryError('unavailable', 'STORE_FAILED', 'no answer')
  }
  return {
    ...store,
    create: async (path, bytes) => {
      const outcome = await store.create(path, bytes)
      if (path === FIRST_COMMIT) isSilent = true
      return outcome
    },
    stat: async (path) => {
      failing(path)
      return store.stat(path)
    },
    read: async (path) => {
      failing(path)
      return store.read(path)
    },
    list: (prefix, options) => {
      failing(prefix)
      return store.list(prefix, options)
    },
  }
}

test('a commit is told, with its version, though the table cannot be looked at after it', async () => {
  const folder = join(workplace.folder, 'silent')
  const lake = await lakeIn(folder, CONFIG, {
    wrapStore: (store, what) => (what === 'table' ? silentAfterCommit(store) : store),
  })
  await put(folder, 's/t/LOAD00000001.csv', 'id,v\n1,a\n2,b\n')
  const events: string[] = []
  const { tables } = await ingest(lake, workplace.engine, {
    onEvent: (event) => events.push(event.kind === 'committed' ? `committed ${event.version}` : event.kind),
  })
  expect(events.filter((event) => event !== 'progress')).toEqual(['committed 0', 'stopped'])
  expect(tables).toMatchObject([{ table: 's.t', version: 0, commits: 1, files: 1, stopped: { code: 'STORE_FAILED' } }])
})
