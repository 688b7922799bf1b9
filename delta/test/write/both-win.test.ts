import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { readActions } from '../../src/log/read-commit.ts'
import { optimize } from '../../src/maintain/optimize.ts'
import { deleteRows } from '../../src/write/delete-rows.ts'
import { commitTransaction } from '../../src/write/transaction.ts'
import { upsertRows } from '../../src/write/upsert-rows.ts'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
let engine: Engine
beforeAll(async () => {
  place = await tablePlace()
  engine = await openEngine({ threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await place.close()
})

const ROWS = fieldsOf(['id', 'long'], ['v', 'string'])
const TRACKED = { 'delta.enableRowTracking': 'true' }

/** A table of four small files, and what it was before somebody else came first. */
async function raced(configuration: Readonly<Record<string, string>> = {}, deletionVectors = true) {
  const table = await place.fresh(ROWS, { deletionVectors, configuration })
  for (let first = 0; first < 8; first += 2)
    await table.append([
      { id: first, v: 'old' },
      { id: first + 1, v: 'old' },
    ])
  return { table, stale: await table.snapshot() }
}

const after = (changed: Readonly<Record<number, string | undefined>>) =>
  Array.from({ length: 8 }, (_, id) => ({ id: BigInt(id), v: id in changed ? changed[id] : 'old' })).filter(
    ({ v }) => v !== undefined,
  )

test.each([{}, TRACKED])(
  'an upsert that an optimize beat finds its rows in the new files (%j)',
  async (configuration) => {
    const { table, stale } = await raced(configuration)
    await table.optimize()
    expect((await table.snapshot()).files).toHaveLength(1)
    const request = { key: ['id'], changes: [{ id: 3, v: 'new' }] }
    // No new start: the very first attempt follows the rows.
    expect(await upsertRows({ engine, clock: systemClock }, stale, request)).toMatchObject({
      kind: 'committed',
      version: 6,
    })
    expect(await rowsOf(table)).toEqual(after({ 3: 'new' }))
  },
)

test('a delete that an optimize beat finds its rows too', async () => {
  const { table, stale } = await raced()
  await table.optimize()
  const outcome = await deleteRows({ engine, clock: systemClock }, stale, { kind: 'in', column: 'id', values: [0, 7] })
  expect(outcome).toMatchObject({ kind: 'committed', counts: { deleted: 2 } })
  expect(await rowsOf(table)).toEqual(after({ 0: undefined, 7: undefined }))
})

test('no row is marked in a table that allows no marks: the upsert is told to decide anew', async () => {
  const { table, stale } = await raced({}, false)
  await table.optimize()
  // All rows of one of its files, so that as many rows turn up in the new file as were taken away.
  const changes = [
    { id: 2, v: 'new' },
    { id: 3, v: 'new' },
  ]
  const outcome = await upsertRows({ engine, clock: systemClock }, stale, { key: ['id'], changes })
  expect(outcome).toMatchObject({ kind: 'conflicted', because: 'file-rewritten' })
  expect(await table.upsert({ key: ['id'], changes })).toMatchObject({ kind: 'committed' })
  const { files } = await table.snapshot()
  expect(files.filter(({ deletionVector }) => deletionVector !== undefined)).toEqual([])
  expect(await rowsOf(table)).toEqual(after({ 2: 'new', 3: 'new' }))
})

test('a rewrite repeats the metadata, and our own writers are not stopped by it', async () => {
  const { table, stale } = await raced()
  const property = { 'delta.checkpointInterval': '20' }
  const { versions } = await table.optimize()
  const actions = await readActions(stale.store, versions[0] ?? -1)
  expect(actions).toContainEqual({ metaData: stale.metadata })
  // Even a change of the metadata, decided before, stands beside it.
  const metaData = { ...stale.metadata, configuration: { ...stale.metadata.configuration, ...property } }
  const change = { snapshot: stale, actions: [{ metaData }], info: {}, reads: { kind: 'nothing' } } as const
  expect(await commitTransaction(systemClock, change)).toMatchObject({ kind: 'committed', version: 6 })
  expect((await table.snapshot()).metadata.configuration).toMatchObject(property)
})

test('an optimize that an upsert beat carries its marks into the new file', async () => {
  const { table, stale } = await raced()
  await table.upsert({ key: ['id'], changes: [{ id: 3, v: 'new' }] })
  await table.delete({ kind: '=', column: 'id', value: 5 })
  const summary = await optimize(engine, systemClock, stale)
  expect(summary.versions).toHaveLength(1)
  expect(await rowsOf(table)).toEqual(after({ 3: 'new', 5: undefined }))
})

test('two upserts of different rows of one file both win, and two of the same key do not', async () => {
  const { table } = await raced()
  await table.optimize()
  const stale = await table.snapshot()
  const upsert = (id: number, v: string) =>
    upsertRows({ engine, clock: systemClock }, stale, { key: ['id'], changes: [{ id, v }] })
  expect(await upsert(1, 'first')).toMatchObject({ kind: 'committed' })
  expect(await upsert(2, 'second')).toMatchObject({ kind: 'committed' })
  expect(await upsert(1, 'third')).toMatchObject({ kind: 'conflicted', because: 'same-rows' })
  // Nor may both add the same new key.
  expect(await upsert(99, 'fourth')).toMatchObject({ kind: 'committed' })
  expect(await upsert(99, 'fifth')).toMatchObject({ kind: 'conflicted', because: 'rows-added' })
  expect(await rowsOf(table)).toEqual([...after({ 1: 'first', 2: 'second' }), { id: 99n, v: 'fourth' }])
})
