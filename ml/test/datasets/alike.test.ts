// One history written in different ways is one history: the digest of the rows must not tell how many threads there were or where rows lay.
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { openEngine, openTable, quoteText } from '@tributary/delta'
import { openLake, readConfig } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { buildDataset, parseDefinition, verdictText, verifyDataset } from '../../src/index.ts'
import { type Change, fixedClock, type TestTable, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()
const ROWS = 2500

/** Doubles whose sums depend on their order, ties in time, and two groups of very different size. */
function readings(isReversed: boolean): TestTable {
  const changes = Array.from({ length: ROWS }, (_, index): Change => {
    const minute = (index * 7919) % 1500
    const at = new Date(Date.parse('2026-01-01T00:00:00Z') + minute * 60_000).toISOString()
    return {
      op: index % 11 === 0 ? 'U' : 'I',
      sourceAt: at,
      seq: String(index),
      row: index,
      values: {
        id: BigInt(index % 1700),
        grp: index % 50 === 0 ? 'b' : 'a',
        t: at,
        value: ((index * 31) % 977) / 7 + (index % 13 === 0 ? 1e9 : 0),
      },
    }
  })
  return {
    name: 'w.rows',
    key: ['id'],
    columns: { id: 'long', grp: 'string', t: 'timestamp', value: 'double' },
    changes: isReversed ? changes.toReversed() : changes,
  }
}

const DEFINITION = `dataset: alike
spine: {sql: 'SELECT id, grp, t AS "at", value > 60 AS label FROM w.rows', key: [id], at: at, label: label}
features:
  - window: {table: w.rows, on: [grp], time: t, over: 2h, agg: {n: count, sum: sum(value), sd: sd(value), mid: median(value), last: last(value)}, as: w}
  - asof: {table: w.rows, on: [grp], select: [id, value], as: newest}
split: {by: hash, salt: s1, train: 0.7, test: 0.3, stratify: label}
`

async function digestsOf(folder: string, threads: number): Promise<readonly string[]> {
  const other = await openEngine({ threads, memoryMiB: 512 })
  try {
    const lake = openLake(await readConfig(join(folder, 'tributary.yaml')), { clock: fixedClock })
    const outcome = await buildDataset(lake, other, parseDefinition(DEFINITION, 'alike.yml'))
    if (outcome.kind === 'refused') throw new Error('refused')
    return Object.values(outcome.manifest.splits).map(({ rows_digest }) => rows_digest)
  } finally {
    await other.close()
  }
}

test('1, 2 and 8 threads, rows in another order, and an optimized table give the same rows', async () => {
  const [plain, reversed] = [await fresh(), await fresh()]
  await writeLake(engine(), plain, [readings(false)])
  await writeLake(engine(), reversed, [readings(true)])
  const expected = await digestsOf(plain, 1)
  expect(await digestsOf(plain, 2)).toEqual(expected)
  expect(await digestsOf(plain, 8)).toEqual(expected)
  expect(await digestsOf(reversed, 2)).toEqual(expected)
  await using history = await openTable(join(plain, 'lake/w/rows__history'), { engine: engine() })
  await history.append([
    {
      id: 9999n,
      grp: 'z',
      t: '2026-02-01T00:00:00Z',
      __op: 'I',
      __source_at: '2026-02-01T00:00:00Z',
      __committed_at: '2026-02-01T00:00:00Z',
    },
  ])
  await history.optimize({ columns: ['value'] })
  expect(await digestsOf(plain, 2)).toEqual(expected)
}, 60_000)

test('what was built is REPRODUCED with 1, 2 and 8 threads, with its source rows in another order, and after an optimize', async () => {
  const folder = await fresh()
  const { lake } = await writeLake(engine(), folder, [readings(false)])
  const outcome = await buildDataset(lake, engine(), parseDefinition(DEFINITION, 'alike.yml'))
  if (outcome.kind === 'refused') throw new Error('refused')
  const verdicts = async (): Promise<readonly string[]> => {
    const said: string[] = []
    for (const threads of [1, 2, 8]) {
      const other = await openEngine({ threads, memoryMiB: 512 })
      said.push(verdictText(await verifyDataset(lake, other, outcome.manifest)))
      await other.close()
    }
    return said
  }
  const proved = ['REPRODUCED', 'REPRODUCED', 'REPRODUCED']
  for (const table of ['rows', 'rows__history']) await turnAround(join(folder, 'lake/w', table))
  expect(await verdicts()).toEqual(proved)
  for (const name of ['rows', 'rows__history']) {
    await using table = await openTable(join(folder, 'lake/w', name), { engine: engine() })
    expect((await table.optimize({ columns: ['value'] })).filesRemoved).toBeGreaterThan(0)
  }
  expect(await verdicts()).toEqual(proved)
}, 60_000)

/** Writes the rows of each data file in reverse, under its name. */
async function turnAround(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.parquet')) continue
    const file = join(folder, name)
    await engine().run(
      `COPY (SELECT * EXCLUDE (file_row_number) FROM read_parquet(${quoteText(file)}, file_row_number = true) ORDER BY file_row_number DESC)
       TO ${quoteText(`${file}.new`)} (FORMAT parquet)`,
    )
    await rename(`${file}.new`, file)
  }
}

// Below a row group of DuckDB's own, 122,880 rows, one thread does all of the work.
const MANY = 252_000
const MANY_DEFINITION = `dataset: many
spine: {sql: "SELECT min(id) AS id, grp, date_trunc('minute', t) AS at, sum(value) AS total FROM w.rows GROUP BY ALL", key: [id], at: at}
features:
  - window: {table: w.rows, on: [grp], time: t, over: 2h, agg: {n: count, sum: sum(value), sd: sd(value)}, as: w}
  - asof: {table: w.rows, on: [id], select: [value], as: own}
`

test('252,000 rows in many row groups are REPRODUCED by one thread and by eight', async () => {
  const folder = await fresh()
  const { lake } = await writeLake(engine(), folder, [
    { ...readings(false), changes: readings(false).changes.slice(0, 2) },
  ])
  const rows = `SELECT i AS id, 'g' || (i % 3) AS grp, TIMESTAMPTZ '2026-01-01' + to_seconds(i // 2) AS t, (i * 31 % 977) / 7 + (i % 13 = 0)::INT * 1e9 AS value
    FROM range(${MANY}) r(i)`
  const system = `'I' AS "__op", t AS "__source_at", lpad(id::VARCHAR, 9, '0') AS "__seq", 1::BIGINT AS "__generation", 0::BIGINT AS "__batch",
    t AS "__committed_at", 'f.csv' AS "__file", id AS "__row"`
  await fillTable(join(folder, 'lake/w/rows'), rows)
  await fillTable(join(folder, 'lake/w/rows__history'), `SELECT *, ${system} FROM (${rows})`)
  const outcome = await buildDataset(lake, engine(), parseDefinition(MANY_DEFINITION, 'many.yml'))
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  expect(outcome.manifest.splits['all']?.rows).toBe((MANY / 2 / 60) * 3)
  for (const threads of [1, 8]) {
    const other = await openEngine({ threads, memoryMiB: 768 })
    expect(verdictText(await verifyDataset(lake, other, outcome.manifest))).toBe('REPRODUCED')
    await other.close()
  }
}, 60_000)

/** Puts rows in the place of those of a table's only data file; JavaScript would take long to write so many. */
async function fillTable(folder: string, sql: string): Promise<void> {
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.parquet'))
  await engine().run(`COPY (${sql}) TO ${quoteText(join(folder, name))} (FORMAT parquet, ROW_GROUP_SIZE 20480)`)
}
