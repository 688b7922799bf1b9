import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { storeAt } from '../../src/store/store-at.ts'
import { createTable } from '../../src/table.ts'
import { replaceRows } from '../../src/write/replace-rows.ts'

let engine: Engine
let folder: string
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  folder = await mkdtemp(join(tmpdir(), 'tributary-replace-'))
})
afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const fields = ['id', 'n'].map((name) => ({ name, type: 'long' as const, nullable: true, metadata: {} }))

test.each([true, false])(
  'one commit updates, deletes and inserts, and its feed tells them apart (vectors: %s)',
  async (deletionVectors) => {
    const path = join(folder, String(deletionVectors))
    const configuration = { 'delta.enableChangeDataFeed': 'true' }
    const definition = {
      schema: { type: 'struct' as const, fields },
      configuration,
      deletionVectors,
      domainMetadata: true,
    }
    await using table = await createTable(path, definition, { engine })
    await table.append([1n, 2n, 3n].map((id) => ({ id, n: id * 10n })))
    const domain = { domainMetadata: { domain: 'test', configuration: 'told', removed: false } }
    const outcome = await replaceRows({ engine, clock: systemClock }, await readSnapshot(storeAt(path)), {
      key: ['id'],
      fresh: 'SELECT * FROM (VALUES (2, 21), (4, 40)) v(id, n)',
      gone: 'SELECT unnest([2, 3, 4]) AS id',
      actions: [domain],
      info: { operation: 'TEST' },
    })
    expect(outcome).toEqual({ kind: 'committed', version: 2 })
    const changes = await Array.fromAsync(table.changes({ fromVersion: 2 }))
    expect(changes.map((row) => `${row['_change_type']} ${row['id']} ${row['n']}`).sort()).toEqual([
      'delete 3 30',
      'insert 4 40',
      'update_postimage 2 21',
      'update_preimage 2 20',
    ])
    expect((await readSnapshot(storeAt(path))).domains.get('test')).toBe('told')
  },
)

test('who committed the same domain meanwhile stands in the way, also where no row is touched', async () => {
  const path = join(folder, 'raced')
  await using _ = await createTable(path, { schema: { type: 'struct', fields }, domainMetadata: true }, { engine })
  const snapshot = await readSnapshot(storeAt(path))
  const write = () =>
    replaceRows({ engine, clock: systemClock }, snapshot, {
      key: ['id'],
      fresh: 'SELECT 1 AS id, 1 AS n WHERE false',
      gone: 'SELECT 1 AS id WHERE false',
      actions: [{ domainMetadata: { domain: 'test', configuration: 'told', removed: false } }],
      info: { operation: 'TEST' },
    })
  expect(await write()).toEqual({ kind: 'committed', version: 1 })
  expect(await write()).toMatchObject({ kind: 'conflicted', because: 'same-domain', subject: 'test' })
})
