import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scanSql } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { historyNameOf } from '../../src/history-table/history-name.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const VERSION = 'delta.parquet.format.version'
const CODEC = 'delta.parquet.compression.codec'

test('a table and its history get the properties that the configuration sets: from the load on, or with the next batch; what others set stays', async () => {
  const folder = join(workplace.folder, 'properties')
  const open = (properties: string, n = 'integer') =>
    lakeIn(
      folder,
      `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  s.t: {key: [id], columns: {id: long, v: string, n: ${n}}, history: true, ${properties}}\n`,
    )
  const load = Array.from({ length: 3000 }, (_, id) => `${id},v${id * 7919},${id}\n`).join('')
  await put(folder, 's/t/LOAD00000001.csv', `id,v,n\n${load}`)
  let lake = await open(`properties: {${VERSION}: 2.12.0}`)
  const take = async (minute: number): Promise<void> => {
    const [table] = (await ingest(lake, workplace.engine)).tables
    expect(table?.stopped ?? null).toBeNull()
    await put(folder, `s/t/20260301-10${minute}00000.csv`, `Op,id,v,n\nU,${minute},new,1\n`)
  }
  const tables = ['s.t', historyNameOf('s.t')]
  const snapshots = () => Promise.all(tables.map((name) => snapshotOf(lake, name)))
  await take(10)
  for (const snapshot of await snapshots()) {
    expect(snapshot?.metadata.configuration).toMatchObject({ [VERSION]: '2.12.0' })
    const { files = [], store } = snapshot ?? {}
    const [chunk] = await workplace.engine.all(
      `SELECT encodings FROM parquet_metadata('${fileURLToPath(new URL(files[0]?.path ?? '', store?.url))}') WHERE path_in_schema = 'id'`,
    )
    expect(chunk).toEqual({ encodings: 'DELTA_BINARY_PACKED' })
  }

  // Nothing is committed for the sake of a property alone.
  const versions = async () => (await snapshots()).map((snapshot) => snapshot?.version)
  const before = await versions()
  lake = await open(`properties: {${CODEC}: snappy}`)
  expect(await versions()).toEqual(before)
  await take(11)
  await take(12)
  for (const snapshot of await snapshots()) {
    expect(snapshot?.metadata.configuration).toMatchObject({ [VERSION]: '2.12.0', [CODEC]: 'snappy' })
    expect(snapshot?.files.filter(({ path }) => path.includes('.snappy.'))).toHaveLength(2)
  }

  // Wider types make all of a history's files anew, as the table is to have them from then on.
  lake = await open(`properties: {${CODEC}: zstd}`, 'long')
  await take(13)
  await take(14)
  const [, history] = await snapshots()
  expect(history?.metadata.configuration).toMatchObject({ [VERSION]: '2.12.0', [CODEC]: 'zstd' })
  expect(history?.schema.fields.find(({ name }) => name === 'n')?.type).toBe('long')
  expect(history?.files.filter(({ path }) => !path.includes('.zstd.'))).toEqual([])
  const rows = await workplace.engine.all(
    `SELECT count(*) AS n FROM (${history === undefined ? 'SELECT 1 LIMIT 0' : await scanSql(workplace.engine, history)})`,
  )
  expect(rows).toEqual([{ n: 3004n }])
})
