import { join } from 'node:path'
import { TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const CONFIG = `landing: landing
lake: lake
dms: {AddColumnName: true}
tables:
  s.t: {key: [id], columns: {id: long}}
  s.u: {key: [id], columns: {id: long}}
`

/** A lake that takes no note, and no row of `s.t`; whatever is written there can't be deleted either. */
async function refusingLake(folder: string, kind: 'unavailable' | 'refused'): Promise<Lake> {
  const refuse = (code: string) => () => Promise.reject(new TributaryError(kind, code, 'A test did this.'))
  const lake = await lakeIn(folder, CONFIG, {
    wrapStore: (store, what) => {
      if (what === 'root') return { ...store, write: refuse('NOTE') }
      return store.url.endsWith('/s/t/') ? { ...store, sync: refuse('ROWS'), delete: refuse('DELETED') } : store
    },
  })
  await put(folder, 's/t/LOAD00000001.csv', 'id\n1\n')
  await put(folder, 's/u/LOAD00000001.csv', 'id\n1\n')
  return lake
}

test('a stop whose note cannot be written is told, and the other tables go on', async () => {
  const lake = await refusingLake(join(workplace.folder, 'refused'), 'refused')
  const { tables } = await ingest(lake, workplace.engine)
  expect(tables).toMatchObject([
    { table: 's.t', version: null, stopped: { code: 'ROWS' } },
    { table: 's.u', version: 0, stopped: null },
  ])
})

test('a lake that is full or does not answer ends the run with what the table met, not with the note of it', async () => {
  const lake = await refusingLake(join(workplace.folder, 'unavailable'), 'unavailable')
  await expect(ingest(lake, workplace.engine)).rejects.toMatchObject({ code: 'ROWS' })
})
