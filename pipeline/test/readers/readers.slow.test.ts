// Worth its seconds: the tables are for other readers, and only they can say that they see the same rows.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { localStore, readSnapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runLanding } from '../history/run-landing.ts'
import { ourRows } from '../support/canonical-json.ts'
import { peerRows, runPython } from '../support/python.ts'
import { seedOfRun } from '../support/random.ts'
import { openTally } from '../support/tally.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

/** CSV with header, and Parquet: between them every column type. */
const LANDINGS = [0, 4]

test.for(LANDINGS)('delta-rs and DuckDB read the rows of landing %i as we do', async (kind) => {
  const seed = seedOfRun()
  const folder = join(workplace.folder, `landing-${kind}`)
  const tables = await runLanding(workplace.engine, folder, { seed: seed + kind, kind, tables: 6 }, openTally([]))
  for (const name of tables) {
    const table = join(folder, 'lake', ...name.split('.'))
    const snapshot = await readSnapshot(localStore(table))
    const rows = await ourRows(workplace.engine, snapshot)
    expect(await peerRows(table, join(folder, 'rows')), `TRIBUTARY_SEED=${seed}: ${name}`).toEqual(rows)
  }
})

const WRITTEN = ['all-types', 'partitions', 'odd-partitions', 'deleted', 'checkpoints', 'overwritten', 'evolved']

test('we read what delta-rs wrote as delta-rs and DuckDB do', async () => {
  const folder = join(workplace.folder, 'written')
  await mkdir(folder)
  await runPython(join(import.meta.dirname, 'write-tables.py'), folder)
  for (const name of WRITTEN) {
    const snapshot = await readSnapshot(localStore(join(folder, name)))
    const rows = await ourRows(workplace.engine, snapshot)
    expect(rows.length, name).toBeGreaterThan(0)
    expect(rows, name).toEqual(await peerRows(join(folder, name), join(folder, 'rows')))
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
