// Worth its seconds: maintenance changes how a table lies on disk, and only other readers can say that they still see the same rows.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { commitPath } from '../../src/log/file-names.ts'
import type { Snapshot } from '../../src/log/snapshot.ts'
import { type CheckpointOptions, writeCheckpoint } from '../../src/maintain/checkpoint.ts'
import { cleanLog } from '../../src/maintain/clean-log.ts'
import { optimize } from '../../src/maintain/optimize.ts'
import { planRestore, restore } from '../../src/maintain/restore.ts'
import { planVacuum, vacuum } from '../../src/maintain/vacuum.ts'
import { commit } from '../../src/write/commit.ts'
import { writeDataFiles } from '../../src/write/data-files.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from '../read/table.ts'
import { ourRows, peerRows } from '../readers/peers.ts'
import { sparkRows } from '../readers/spark.ts'
import { IS_SOAK } from '../soak.ts'
import { daysLater } from './clocks.ts'

// A sample for Spark; it reads the other checkpoints too, and each kind of upkeep, under TRIBUTARY_SOAK=1.

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const SCHEMA = schemaOf([
  ['id', 'long'],
  ['name', 'string'],
  ['price', 'decimal(12,2)'],
  ['day', 'date'],
])

/** A partitioned table with deletion vectors, six small files and 56 rows. */
async function filledTable(name: string): Promise<{ readonly folder: string; readonly table: TestTable }> {
  const folder = join(shop.folder, name)
  const table = await createTestTable(shop.engine, folder, SCHEMA, ['day'])
  for (const start of [0, 20, 40]) {
    await table.append(
      `SELECT id, 'n' || id AS name, id::DECIMAL(12,2) / 4 AS price, DATE '2026-01-01' + (id % 2)::INTEGER AS day FROM range(${start}, ${start + 20}) t(id)`,
    )
  }
  await table.replace('id % 15 = 3')
  return { folder, table }
}

/** Commits properties of a feature; the snapshot after it is made here, so that it does not matter what our own reader knows. */
async function withProperties(before: Snapshot, properties: Readonly<Record<string, string>>): Promise<Snapshot> {
  const protocol = {
    ...before.protocol,
    readerFeatures: [...(before.protocol.readerFeatures ?? []), 'v2Checkpoint'],
    writerFeatures: [...(before.protocol.writerFeatures ?? []), 'v2Checkpoint'],
  }
  const metadata = { ...before.metadata, configuration: { ...before.metadata.configuration, ...properties } }
  const actions = [{ protocol }, { metaData: metadata }]
  await commit(before.store, systemClock, { readVersion: before.version, actions, info: { operation: 'SET' } })
  return { ...before, version: before.version + 1, protocol, metadata }
}

const CHECKPOINTS: readonly (readonly [string, Readonly<Record<string, string>>, CheckpointOptions])[] = [
  ['classic', {}, {}],
  ['typed', { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpoint.writeStatsAsJson': 'false' }, {}],
  ['v2-inline', { 'delta.checkpointPolicy': 'v2', 'delta.checkpoint.writeStatsAsStruct': 'true' }, {}],
  ['v2-sidecars', { 'delta.checkpointPolicy': 'v2' }, { sidecarFilesMax: 2 }],
  ['v2-json', { 'delta.checkpointPolicy': 'v2' }, { topLevel: 'json', sidecarFilesMax: 4 }],
]

test.for(CHECKPOINTS)(
  'delta-rs, DuckDB and Spark read the same rows from a %s checkpoint alone',
  async ([name, properties, options]) => {
    const { folder, table } = await filledTable(name)
    const before = await table.snapshot()
    const rows = await ourRows(shop.engine, before)
    expect(rows).toHaveLength(56)
    const snapshot = Object.keys(properties).length > 0 ? await withProperties(before, properties) : before
    await writeCheckpoint(shop.engine, systemClock, snapshot, options)
    for (let version = 0; version < snapshot.version; version++) await rm(join(folder, commitPath(version)))
    expect(await peerRows(folder, join(shop.folder, 'rows'), snapshot.version)).toEqual(rows)
    if (IS_SOAK || name === 'v2-sidecars') expect(await sparkRows(folder)).toEqual(rows)
  },
)

test('delta-rs, DuckDB and Spark read the same rows before and after each kind of upkeep', async () => {
  const { folder, table } = await filledTable('upkeep')
  const peers = async (): Promise<readonly string[]> =>
    peerRows(folder, join(shop.folder, 'rows'), (await table.snapshot()).version)
  const rows = await ourRows(shop.engine, await table.snapshot())
  const stays = async (what: string): Promise<void> => {
    expect(await ourRows(shop.engine, await table.snapshot()), what).toEqual(rows)
    expect(await peers(), what).toEqual(rows)
    if (IS_SOAK) expect(await sparkRows(folder), what).toEqual(rows)
  }
  await optimize(shop.engine, systemClock, await table.snapshot())
  await stays('packed')
  await optimize(shop.engine, systemClock, await table.snapshot(), { columns: ['name', 'id'] })
  await stays('clustered')
  await writeCheckpoint(shop.engine, systemClock, await table.snapshot())
  const cleaned = await cleanLog(daysLater(40), await table.snapshot())
  expect(cleaned.paths.length).toBeGreaterThan(0)
  await stays('log cleaned')
  const version = (await table.snapshot()).version
  const current = await table.snapshot()
  const added = await writeDataFiles(shop.engine, table.store, systemClock, {
    relation: `SELECT 99 AS id, 'x' AS name, NULL AS price, NULL AS day`,
    schema: SCHEMA,
    partitionColumns: ['day'],
  })
  const actions = added.map((add) => ({ add }))
  await commit(table.store, systemClock, { readVersion: version, actions, info: { operation: 'WRITE' } })
  expect(await peers()).not.toEqual(rows)
  const later = await table.snapshot()
  await restore(systemClock, later, await planRestore(systemClock, later, current))
  await stays('restored')
  const plan = await planVacuum(daysLater(8), await table.snapshot())
  expect(plan.files.length).toBeGreaterThan(6)
  await vacuum(await table.snapshot(), plan)
  await stays('vacuumed')
})
