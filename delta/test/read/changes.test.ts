import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChangesRequest, changePairsSql, readChanges } from '../../src/read/changes.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

async function changesOf(table: TestTable, request: ChangesRequest): Promise<readonly string[]> {
  const rows = await Array.fromAsync(readChanges(shop.engine, table.store, request))
  return rows.map((row) => `${row['_commit_version']} ${row['_change_type']} ${row['id']}=${row['v']}`)
}

async function history(name: string): Promise<TestTable> {
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, name),
    schemaOf([
      ['id', 'long'],
      ['v', 'string'],
    ]),
  )
  await table.append(`FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c'), (NULL, 'n')) t(id, v)`)
  await table.replace('id IN (1, 2) OR id IS NULL', `FROM (VALUES (1, 'A'), (NULL, 'N'), (4, 'd')) t(id, v)`)
  await table.replace('id = 3')
  return table
}

test('deletion vectors and added files make inserts, updates and deletes', async () => {
  expect(await changesOf(await history('pairs'), { fromVersion: 1, toVersion: 3, key: ['id'] })).toEqual([
    '1 insert 1=a',
    '1 insert 2=b',
    '1 insert 3=c',
    '1 insert null=n',
    '2 update_preimage 1=a',
    '2 update_postimage 1=A',
    '2 delete 2=b',
    '2 insert 4=d',
    '2 update_preimage null=n',
    '2 update_postimage null=N',
    '3 delete 3=c',
  ])
})

test('pairs are one row a change, with what was before an update', async () => {
  const table = await history('one-row')
  const pairsOf = async (request: ChangesRequest): Promise<readonly string[]> => {
    const fork = await shop.engine.fork()
    const { sql } = await changePairsSql(fork, table.store, request)
    const rows = await fork.all(`SELECT *, __before.v AS was FROM (${sql}) ORDER BY _commit_version, __group, id`)
    await fork.close()
    return rows.map((row) => `${row['_commit_version']} ${row['_change_type']} ${row['id']} ${row['was']}→${row['v']}`)
  }
  expect(await pairsOf({ fromVersion: 1, toVersion: 3, key: ['id'] })).toEqual([
    '1 insert 1 null→a',
    '1 insert 2 null→b',
    '1 insert 3 null→c',
    '1 insert null null→n',
    '2 update 1 a→A',
    '2 delete 2 null→b',
    '2 insert 4 null→d',
    '2 update null n→N',
    '3 delete 3 null→c',
  ])
  expect(await pairsOf({ fromVersion: 2, toVersion: 3, key: ['id'], net: true })).toHaveLength(5)
  expect(await pairsOf({ fromVersion: 2, toVersion: 2 })).toHaveLength(6)
})

test('of some columns, only those and the key are given, and updates that changed one of them', async () => {
  const table = await history('columns')
  await table.replace('id = 4', `FROM (VALUES (4, 'd')) t(id, v)`)
  const request = { fromVersion: 4, toVersion: 4, key: ['id'] }
  expect(await changesOf(table, request)).toHaveLength(2)
  expect(await changesOf(table, { ...request, columns: ['v'] })).toEqual([])
  expect(await changesOf(table, { fromVersion: 2, toVersion: 2, key: ['id'], columns: ['id'] })).toEqual([
    '2 delete 2=undefined',
    '2 insert 4=undefined',
  ])
})

test('without a key nothing is paired', async () => {
  expect(await changesOf(await history('keyless'), { fromVersion: 2, toVersion: 2 })).toEqual([
    '2 delete 1=a',
    '2 delete 2=b',
    '2 delete null=n',
    '2 insert 1=A',
    '2 insert null=N',
    '2 insert 4=d',
  ])
})

test('a net feed compares the two ends', async () => {
  const table = await history('net')
  expect(await changesOf(table, { fromVersion: 2, toVersion: 3, key: ['id'], net: true })).toEqual([
    '3 update_preimage 1=a',
    '3 update_postimage 1=A',
    '3 delete 2=b',
    '3 delete 3=c',
    '3 insert 4=d',
    '3 update_preimage null=n',
    '3 update_postimage null=N',
  ])
  expect(await changesOf(table, { fromVersion: 0, toVersion: 3, key: ['id'], net: true })).toEqual([
    '3 insert 1=A',
    '3 insert 4=d',
    '3 insert null=N',
  ])
})

test('a reload tells only what differs', async () => {
  const table = await history('reload')
  await table.replace('true', `FROM (VALUES (1, 'A'), (4, 'D'), (5, 'e')) t(id, v)`, 'RELOAD')
  expect(await changesOf(table, { fromVersion: 4, toVersion: 4, key: ['id'] })).toEqual([
    '4 update_preimage 4=d',
    '4 update_postimage 4=D',
    '4 insert 5=e',
    '4 delete null=N',
  ])
})

test('rearranging is no change', async () => {
  const table = await history('optimize')
  const { files } = await table.snapshot()
  const removes = files.map((file) => ({
    remove: {
      path: file.path,
      dataChange: false,
      partitionValues: {},
      ...(file.deletionVector ? { deletionVector: file.deletionVector } : {}),
    },
  }))
  await table.commit(removes)
  expect(await changesOf(table, { fromVersion: 4, toVersion: 4, key: ['id'] })).toEqual([])
})

test('the time of a commit is a timestamp', async () => {
  const table = await history('time')
  const [row] = await Array.fromAsync(readChanges(shop.engine, table.store, { fromVersion: 3, toVersion: 3 }))
  expect(Date.parse(String(row?.['_commit_timestamp']))).toBe((await table.snapshot(3)).timestampMs)
})
