import { chmod, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withoutRights } from '../../../delta/test/without-rights.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
  await chmod(workplace.folder, 0o777)
})
afterAll(() => workplace.close())

const CONFIG = `landing: landing
lake: lake
dms: {AddColumnName: true}
tables:
  s.locked: {key: [id], columns: {id: long}}
  s.open: {key: [id], columns: {id: long}}
`

/** Whoever comes may write there. */
async function openToAll(folder: string): Promise<void> {
  for (const path of ['', ...(await readdir(folder, { recursive: true }))]) await chmod(join(folder, path), 0o777)
}

/** What became of each table: its newest version, or why it stopped. */
async function run(lake: Lake): Promise<readonly (number | string | null)[]> {
  const { tables } = await ingest(lake, workplace.engine)
  return tables.map(({ version, stopped }) => (stopped === null ? version : `${stopped.code}: ${stopped.message}`))
}

test.each([
  ['a file of changes', '20260301-100000000.csv', 'Op,id\nI,2\n'],
  ['a load', 'LOAD00000002.csv', 'id\n2\n'],
])('%s that may not be read stops its table, says so, and the others go on', async (_, name, text) => {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, CONFIG)
  await put(folder, 's/locked/LOAD00000001.csv', 'id\n1\n')
  await put(folder, 's/open/LOAD00000001.csv', 'id\n1\n')
  expect(await run(lake)).toEqual([0, 0])
  const locked = join(folder, 'landing/s/locked', name)
  await put(folder, `s/locked/${name}`, text)
  await put(folder, 's/open/20260301-100000000.csv', 'Op,id\nI,2\n')
  await chmod(locked, 0)
  await openToAll(join(folder, 'lake'))
  expect(await withoutRights(() => run(lake))).toEqual([
    `STORE_FAILED: Could not read s/locked/${name}: EACCES: permission denied, open '${locked}'. Give this user the right to that file or folder and run again.`,
    1,
  ])
  await chmod(locked, 0o644)
  expect(await run(lake)).toEqual([1, 1])
})
