import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const VERSION = 'delta.parquet.format.version'
const CODEC = 'delta.parquet.compression.codec'

test('a table gets the properties that the configuration sets: from its load on, or with the next batch; what others set stays', async () => {
  const folder = join(workplace.folder, 'properties')
  const open = (properties: string) =>
    lakeIn(
      folder,
      `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], columns: {id: long, v: string}, ${properties}}\n`,
    )
  const load = Array.from({ length: 3000 }, (_, id) => `${id},v${id * 7919}\n`).join('')
  await put(folder, 's/t/LOAD00000001.csv', `id,v\n${load}`)
  let lake = await open(`properties: {${VERSION}: 2.12.0}`)
  const take = async (minute: number): Promise<void> => {
    const [table] = (await ingest(lake, workplace.engine)).tables
    expect(table?.stopped ?? null).toBeNull()
    await put(folder, `s/t/20260301-10${minute}00000.csv`, `Op,id,v\nU,${minute},new\n`)
  }
  const configuration = async () => (await snapshotOf(lake, 's.t'))?.metadata.configuration
  await take(10)
  expect(await configuration()).toMatchObject({ [VERSION]: '2.12.0' })
  const { files = [], store } = (await snapshotOf(lake, 's.t')) ?? {}
  const [chunk] = await workplace.engine.all(
    `SELECT encodings FROM parquet_metadata('${fileURLToPath(new URL(files[0]?.path ?? '', store?.url))}') WHERE path_in_schema = 'id'`,
  )
  expect(chunk).toEqual({ encodings: 'DELTA_BINARY_PACKED' })

  // Nothing is committed for the sake of a property alone.
  const before = (await snapshotOf(lake, 's.t'))?.version
  lake = await open(`properties: {${CODEC}: snappy}`)
  expect((await snapshotOf(lake, 's.t'))?.version).toBe(before)
  await take(11)
  await take(12)
  expect(await configuration()).toEqual({
    'delta.enableDeletionVectors': 'true',
    [VERSION]: '2.12.0',
    [CODEC]: 'snappy',
  })
  expect((await snapshotOf(lake, 's.t'))?.files.filter(({ path }) => path.includes('.snappy.'))).toHaveLength(2)
})
