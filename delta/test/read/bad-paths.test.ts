import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AddFile, DeletionVectorDescriptor } from '../../src/protocol/actions.ts'
import { add, remove, writeCommits } from '../log/log-builder.ts'
import { column, foreignTable, linesOf, tableActions } from './foreign-table.ts'
import { workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const outside = (pathOrInlineDv: string): DeletionVectorDescriptor => ({
  storageType: 'u',
  pathOrInlineDv,
  offset: 1,
  sizeInBytes: 34,
  cardinality: 1,
})

test.each<readonly [string, string, Partial<AddFile>, string]>([
  ['a data file above the table', '../secret.parquet', {}, 'PATH_CLIMBS'],
  ['a data file above the table, spelled in a URI', 'a/%2E%2E/%2E%2E/secret.parquet', {}, 'PATH_CLIMBS'],
  ['a data file above the table, behind a dot', './../secret.parquet', {}, 'PATH_CLIMBS'],
  ['the table itself', '.', {}, 'PATH_CLIMBS'],
  [
    'a deletion vector above the table',
    'a.parquet',
    { deletionVector: outside('../vBn[lx{q8@P<9BNH/isA') },
    'PATH_CLIMBS',
  ],
  [
    'a deletion vector that is not there',
    'a.parquet',
    { deletionVector: outside('vBn[lx{q8@P<9BNH/isA') },
    'FILE_NOT_FOUND',
  ],
  ['a data file that is not there', 'b.parquet', {}, 'DATA_FILE_MISSING'],
])('%s is refused by its path', async (name, path, more, code) => {
  const folder = join(shop.folder, name)
  const store = await foreignTable(shop.engine, folder, [[...tableActions([column('id', 'long')]), add(path, more)]], {
    'a.parquet': 'SELECT 1::BIGINT AS id',
    '../secret.parquet': 'SELECT 2::BIGINT AS id',
  })
  await expect(linesOf(shop.engine, store)).rejects.toMatchObject({ code })
})

test('a path that begins with a dot is read, and its remove takes the same file away by any spelling', async () => {
  const folder = join(shop.folder, 'dotted')
  const commits = [[...tableActions([column('id', 'long')]), add('./a.parquet')]]
  const store = await foreignTable(shop.engine, folder, commits, { 'a.parquet': 'SELECT 1::BIGINT AS id' })
  expect(await linesOf(shop.engine, store)).toEqual(['{"id":1}'])
  await writeCommits(store, [[remove('a.parquet')]], 1)
  expect(await linesOf(shop.engine, store)).toEqual([])
})
