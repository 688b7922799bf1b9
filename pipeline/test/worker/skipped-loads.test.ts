// A LOAD object that was left out once: what its successor is depends on what was loaded before.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
let count = 0
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const ONE = 's/t/LOAD00000001.csv'
const TWO = 's/t/LOAD00000002.csv'
const T0 = 1_700_000_000_000

const CONFIG =
  'landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], columns: {id: long, v: string}}\n'

/** A table that was loaded with rows 1 and 2, and a change of row 2. */
async function loaded(): Promise<{ readonly folder: string; readonly lake: Lake }> {
  const folder = join(workplace.folder, `skipped-${count++}`)
  const lake = await lakeIn(folder, CONFIG)
  await put(folder, ONE, 'id,v\n1,a\n2,b\n', T0)
  await put(folder, 's/t/20260301-100400000.csv', 'Op,id,v\nU,2,bb\n', T0)
  await ingest(lake, workplace.engine)
  return { folder, lake }
}

async function skip(lake: Lake, file: string): Promise<void> {
  const [stopped] = (await ingest(lake, workplace.engine)).tables
  expect(stopped?.stopped?.code).toBe('LANDING_FILE_CORRUPT')
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'skip', file, reason: 'cut' })
}

async function rowsAfterIngest(lake: Lake): Promise<readonly string[]> {
  const [table] = (await ingest(lake, workplace.engine)).tables
  expect(table?.stopped).toBeNull()
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'v', type: 'string' },
  ] as const
  return canonicalRows(workplace.engine, await snapshotOf(lake, 's.t'), columns)
}

const CUT = 'id,v\n3,"c\n'
const WHOLE = 'id,v\n3,c\n'

test('a whole copy of a skipped file joins the load, and takes no other row away', async () => {
  const { folder, lake } = await loaded()
  await put(folder, TWO, CUT, T0 + 1000)
  await skip(lake, TWO)
  await put(folder, TWO, WHOLE, T0 + 2000)
  expect(await rowsAfterIngest(lake)).toEqual(['["1","a"]', '["2","bb"]', '["3","c"]'])
})

test('a load that stops at its second file leaves no file of its first', async () => {
  const folder = join(workplace.folder, `skipped-${count++}`)
  const lake = await lakeIn(folder, CONFIG)
  await put(folder, ONE, WHOLE, T0)
  await put(folder, TWO, CUT, T0)
  const [stopped] = (await ingest(lake, workplace.engine)).tables
  expect(stopped?.stopped?.code).toBe('LANDING_FILE_CORRUPT')
  expect(await Array.fromAsync(lake.tableStore('s.t').list(''))).toEqual([])
})

test('after a skipped reload the next one is a reload again', async () => {
  const { folder, lake } = await loaded()
  await put(folder, ONE, CUT, T0 + 1000)
  await skip(lake, ONE)
  expect(await rowsAfterIngest(lake)).toEqual(['["1","a"]', '["2","bb"]'])
  await put(folder, ONE, WHOLE, T0 + 2000)
  expect(await rowsAfterIngest(lake)).toEqual(['["3","c"]'])
})

test('the old bytes put back after a skipped reload are no reload', async () => {
  const { folder, lake } = await loaded()
  await put(folder, ONE, CUT, T0 + 1000)
  await skip(lake, ONE)
  await put(folder, ONE, 'id,v\n1,a\n2,b\n', T0 + 2000)
  expect(await rowsAfterIngest(lake)).toEqual(['["1","a"]', '["2","bb"]'])
})

test('a skipped reload stays skipped after a truncate', async () => {
  const { folder, lake } = await loaded()
  await put(folder, ONE, CUT, T0 + 1000)
  await skip(lake, ONE)
  await resolveTable(lake, workplace.engine, 's.t', { kind: 'truncate', reason: 'TRUNCATE at the source' })
  expect(await rowsAfterIngest(lake)).toEqual([])
})
