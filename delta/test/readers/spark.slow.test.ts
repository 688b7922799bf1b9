// Worth its seconds: Spark is where most Delta tables live, and only Spark can say that it sees the same rows. A sample of the tables here,
// all of them and all of their versions under TRIBUTARY_SOAK=1.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import type { Snapshot } from '../../src/log/snapshot.ts'
import type { Table } from '../../src/table.ts'
import { schemaOf } from '../read/table.ts'
import { IS_SOAK } from '../soak.ts'
import { type TablePlace, tablePlace } from '../write/support.ts'
import { byCodePoint, canonicalLine, ourRows } from './peers.ts'
import { sparkFeed, sparkRows } from './spark.ts'
import { TABLES_FOR_SPARK } from './tables-for-spark.ts'

const ROWS = schemaOf([
  ['id', 'long'],
  ['v', 'string'],
])

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

test.for(TABLES_FOR_SPARK.filter(({ isSample }) => isSample || IS_SOAK))(
  'Spark reads the rows that we read: $name',
  { timeout: IS_SOAK ? 900_000 : 300_000 },
  async ({ make }) => {
    const table = await make(place, engine)
    const { version: latest } = await table.snapshot()
    const versions = IS_SOAK ? Array.from({ length: latest + 1 }, (_, version) => version) : [latest]
    for (const version of versions) {
      const snapshot = await table.snapshot({ version })
      expect(await sparkRows(pathOf(snapshot), { version }), `version ${version}`).toEqual(
        await ourRows(engine, snapshot),
      )
    }
  },
)

test.for([true, ...(IS_SOAK ? [false] : [])])(
  'Spark reads the change feed that we read (deletion vectors: %s)',
  async (deletionVectors) => {
    const configuration = { 'delta.enableChangeDataFeed': 'true' }
    const table = await place.fresh(ROWS, { deletionVectors, configuration })
    await table.append([
      { id: 1, v: 'a' },
      { id: 2, v: null },
    ])
    await table.upsert({
      key: ['id'],
      changes: [
        { id: 2, v: 'B' },
        { id: 3, v: 'c' },
      ],
    })
    await table.delete({ kind: '=', column: 'id', value: 1 })
    const feed = await feedOf(table)
    expect(feed).toHaveLength(6)
    expect(await sparkFeed(pathOf(await table.snapshot()), { fromVersion: 0, toVersion: 3 })).toEqual(feed)
  },
)

test.for([true, ...(IS_SOAK ? [false] : [])])(
  'to Spark, updated and copied rows keep their row ids and what is new gets new ones (deletion vectors: %s)',
  async (deletionVectors) => {
    const table = await place.fresh(ROWS, { deletionVectors, configuration: { 'delta.enableRowTracking': 'true' } })
    await table.append([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
      { id: 3, v: 'c' },
    ])
    await table.upsert({ key: ['id'], changes: [{ id: 2, v: 'B' }] })
    await table.append([{ id: 4, v: 'd' }])
    const select = ['id', 'v', '_metadata.row_id < 3 AS is_old', '_metadata.row_commit_version AS version']
    expect(
      await sparkRows(pathOf(await table.snapshot()), {
        select: [...select, 'if(id < 4, _metadata.row_id, NULL) AS row'],
      }),
    ).toEqual([
      '{"id":1,"is_old":true,"row":0,"v":"a","version":1}',
      '{"id":2,"is_old":true,"row":1,"v":"B","version":2}',
      '{"id":3,"is_old":true,"row":2,"v":"c","version":1}',
      '{"id":4,"is_old":false,"row":null,"v":"d","version":3}',
    ])
  },
)

test('Spark refuses a broken table with a word, and goes on with the next one', async () => {
  await expect(sparkRows(place.folder)).rejects.toThrow(/^Spark does not read .*DELTA_/)
  const table = await place.fresh(ROWS)
  await table.append([{ id: 1, v: 'a' }])
  expect(await sparkRows(pathOf(await table.snapshot()))).toEqual(['{"id":1,"v":"a"}'])
})

function pathOf({ store }: Snapshot): string {
  return fileURLToPath(store.url)
}

/** Our feed in the form of Spark's: without the time, sorted. */
async function feedOf(table: Table): Promise<readonly string[]> {
  const rows = await Array.fromAsync(table.changes({ fromVersion: 0 }))
  return rows
    .map(({ _commit_timestamp: _, ...row }) =>
      canonicalLine(JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value))),
    )
    .sort(byCodePoint)
}
