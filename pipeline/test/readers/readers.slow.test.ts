// Worth its seconds: the tables are for other readers, and only they can say that they see the same rows.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { localStore, readSnapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sparkRows } from '../../../delta/test/readers/spark.ts'
import { historyNameOf } from '../../src/history-table/history-name.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { runLanding } from '../history/run-landing.ts'
import { ourRows } from '../support/canonical-json.ts'
import { peerRows, peerTables, runPython } from '../support/python.ts'
import { seedOfRun } from '../support/random.ts'
import { openTally } from '../support/tally.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const IS_SOAK = Number(process.env['TRIBUTARY_SOAK'] ?? 0) > 0

/** CSV with header, and Parquet: between them every column type. A soak takes the other formats too. */
const LANDINGS = IS_SOAK ? [0, 1, 2, 3, 4, 5] : [0, 4]
/** How many tables of a landing Spark reads; it takes some seconds for each. */
const SPARK_TABLES_MAX = IS_SOAK ? 6 : 1

test.for(LANDINGS)('delta-rs, DuckDB and Spark read the rows of landing %i as we do', async (kind) => {
  const seed = seedOfRun()
  const folder = join(workplace.folder, `landing-${kind}`)
  const live = await runLanding(workplace.engine, folder, { seed: seed + kind, kind, tables: 6 }, openTally([]))
  const [history] = live.map(historyNameOf).filter((name) => existsSync(join(folder, 'lake', ...name.split('.'))))
  // The history is a table as any other: one of them is enough, and first in one of the landings.
  const tables = history === undefined ? live : kind === 0 ? [...live, history] : [history, ...live]
  expect(history).toBeDefined()
  const paths = tables.map((name) => join(folder, 'lake', ...name.split('.')))
  const theirs = await peerTables(paths, join(folder, 'rows'))
  for (const [at, table] of paths.entries()) {
    const name = tables[at]
    const rows = await ourRows(workplace.engine, await readSnapshot(localStore(table)))
    expect(theirs[at], `TRIBUTARY_SEED=${seed}: ${name}`).toEqual(rows)
    if (at < SPARK_TABLES_MAX) expect(await sparkRows(table), `TRIBUTARY_SEED=${seed}: ${name}`).toEqual(rows)
  }
})

const WRITTEN = ['all-types', 'partitions', 'odd-partitions', 'deleted', 'checkpoints', 'overwritten', 'evolved']

test('we read what delta-rs wrote as delta-rs and DuckDB do', async () => {
  const folder = join(workplace.folder, 'written')
  await mkdir(folder)
  await runPython(join(import.meta.dirname, 'write-tables.py'), folder)
  const paths = WRITTEN.map((name) => join(folder, name))
  const theirs = await peerTables(paths, join(folder, 'rows'))
  for (const [at, path] of paths.entries()) {
    const rows = await ourRows(workplace.engine, await readSnapshot(localStore(path)))
    expect(rows.length, path).toBeGreaterThan(0)
    expect(rows, path).toEqual(theirs[at])
  }
})

test('the columns for the place of a row are in our files and invisible to readers', async () => {
  const folder = join(workplace.folder, 'places')
  const [name = ''] = await runLanding(workplace.engine, folder, { seed: 5, kind: 0, tables: 1 }, openTally([]))
  const table = join(folder, 'lake', ...name.split('.'))
  const [file] = await workplace.engine.all(
    `SELECT count(*) FILTER (WHERE name IN ('__file', '__row')) AS n FROM parquet_schema('${table}/**/*.parquet')`,
  )
  expect(Number(file?.['n'])).toBeGreaterThan(1)
  const rows = await peerRows(table, join(folder, 'rows'))
  expect(rows.filter((row) => row.includes('"__file"') || row.includes('"__row"'))).toEqual([])
})

const COLUMNS = 'id: long, count: integer, amount: "decimal(6,2)", day: date, note: string'
const WIDER = 'id: long, count: long, amount: "decimal(12,2)", day: date, note: string'

test.for(IS_SOAK ? ['merge-on-read', 'copy-on-write'] : ['merge-on-read'])(
  'Spark reads the versions of a table that was loaded, changed, widened and loaded again (%s)',
  async (write) => {
    const folder = join(workplace.folder, write)
    const configure = (columns: string) =>
      lakeIn(
        folder,
        `landing: landing\nlake: lake\ndms: {AddColumnName: true}\ntables:\n  shop.orders: {key: [id], write: ${write}, partitionBy: [day], columns: {${columns}}}\n`,
      )
    const deliver = async (name: string, lines: readonly string[], { minute = 0 } = {}) => {
      const head = name.startsWith('LOAD') ? 'id,count,amount,day,note' : 'Op,id,count,amount,day,note'
      const time = Date.UTC(2026, 2, 1, 10, minute)
      await put(folder, `shop/orders/${name}`, [head, ...lines, ''].join('\n'), time)
    }
    const lake = await configure(COLUMNS)
    const orders = Array.from(
      { length: 30 },
      (_, id) => `${id},${id * 10},${id}.25,2026-03-0${1 + (id % 2)},note ${id}`,
    )
    await deliver('LOAD00000001.csv', orders)
    await ingest(lake, workplace.engine)
    await deliver('20260301-100100000.csv', ['U,3,1,9.99,2026-03-02,moved', 'D,4,,,,', 'I,100,1,1.00,,no day'], {
      minute: 1,
    })
    await ingest(lake, workplace.engine)
    const wider = await configure(WIDER)
    await deliver('20260301-100200000.csv', ['U,5,5000000000,1234567890.12,2026-03-01,wide', 'D,6,,,,'], { minute: 2 })
    await ingest(wider, workplace.engine)
    await deliver('LOAD00000001.csv', orders.slice(0, 10), { minute: 3 })
    await ingest(wider, workplace.engine)
    const { version: latest, store } = await readSnapshot(lake.tableStore('shop.orders'))
    expect(latest).toBeGreaterThanOrEqual(4)
    for (let version = IS_SOAK ? 0 : latest - 1; version <= latest; version++) {
      const rows = await ourRows(workplace.engine, await readSnapshot(store, { version }))
      expect(await sparkRows(fileURLToPath(store.url), { version }), `version ${version}`).toEqual(rows)
    }
  },
)
