import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { bitsOfScan, placeNumber, type RowChoice, rowFilter } from '../../src/read/row-filter.ts'

let engine: Engine
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
})
afterAll(() => engine.close())

const FILES = 3
const ROWS = 2000

async function filterOf(
  fork: Engine,
  files: readonly RowChoice[],
  options: { readonly keepsOrder?: boolean } = {},
): Promise<string> {
  const bits = bitsOfScan(fork)
  const where = await rowFilter(fork, files, { bits, ...options })
  await bits.handOver()
  return where
}

/** The rows that the filter lets through, as file and position. */
async function passed(files: readonly RowChoice[]): Promise<readonly string[]> {
  const fork = await engine.fork()
  const where = await filterOf(fork, files)
  const rows = await fork.all(`SELECT file_index, file_row_number FROM
    (SELECT f::UBIGINT AS file_index, n AS file_row_number FROM range(${FILES}) a(f), range(${ROWS}) b(n)) r${where} ORDER BY ALL`)
  await fork.close()
  return rows.map((row) => `${row['file_index']} ${row['file_row_number']}`)
}

const everyOther = Array.from({ length: ROWS / 2 }, (_, at) => at * 2)

test.each([
  ['few', [[0, 7], [], [7]]],
  ['many', [everyOther, [1], [ROWS - 1]]],
] as const)('%s rows of several files are picked, or left out', async (_, positions) => {
  const all = Array.from({ length: FILES }, (_, file) =>
    Array.from({ length: ROWS }, (_, row) => `${file} ${row}`),
  ).flat()
  const listed = positions.flatMap((rows, file) => rows.map((row) => `${file} ${row}`))
  expect(await passed(positions.map((rows) => ({ kind: 'only', positions: rows })))).toEqual(listed)
  expect(await passed(positions.map((rows) => ({ kind: 'except', positions: rows })))).toEqual(
    all.filter((row) => !listed.includes(row)),
  )
})

test.each([
  ['many', [Array.from({ length: 1500 }, (_, n) => n)], {}],
  ['few, in order,', [[0, 7, ROWS - 1]], { keepsOrder: true }],
  // So many bits are no text in the statement.
  ['many, far apart,', [[...Array.from({ length: 1500 }, (_, n) => n), 8 * 65_536]], {}],
] as const)('%s rows of a file alone are left out', async (_, [positions], options) => {
  const fork = await engine.fork()
  const where = await filterOf(fork, [{ kind: 'except', positions }], options)
  // Without a join the rows keep their order.
  expect(where).not.toContain(' IN ')
  const rows = await fork.all(
    `SELECT n FROM (SELECT range AS n, range AS file_row_number FROM range(${ROWS})) r${where}`,
  )
  await fork.close()
  const dead = new Set<number>(positions)
  expect(rows.map(({ n }) => Number(n))).toEqual(Array.from({ length: ROWS }, (_, n) => n).filter((n) => !dead.has(n)))
})

test('rows of a large file are left out on both sides of where its bits are cut, also behind the last', async () => {
  const page = 2 ** 20
  const many = Array.from({ length: 1500 }, (_, n) => n * 2)
  const dead = [...many, page - 1, page, page + 7, 3 * page, 4 * page - 1]
  const asked = [0, 1, 2, 3, 2998, 2999, 3000, page - 2, page - 1, page, page + 1, page + 6, page + 7, page + 8]
  const far = [2, 3, 4, 5, 6, 64].flatMap((number) => [number * page - 1, number * page, number * page + 7])
  const fork = await engine.fork()
  const where = await filterOf(fork, [{ kind: 'except', positions: dead }])
  const rows = await fork.all(
    `SELECT n FROM (SELECT unnest([${[...asked, ...far].join(', ')}]::BIGINT[]) AS n, n AS file_row_number) r${where}`,
  )
  await fork.close()
  expect(rows.map(({ n }) => Number(n))).toEqual([...asked, ...far].filter((row) => !dead.includes(row)))
})

test('a vector that names rows far beyond a file does not decide how much memory is taken', async () => {
  const fork = await engine.fork()
  const positions = Float64Array.from([
    ...everyOther.slice(0, 1),
    ...Array.from({ length: ROWS }, (_, n) => 2 ** 40 + n),
  ])
  const where = await filterOf(fork, [{ kind: 'except', positions }])
  const [row] = await fork.all(
    `SELECT count(*) AS n FROM (SELECT range AS file_row_number FROM range(${ROWS})) r${where}`,
  )
  await fork.close()
  expect(row).toEqual({ n: BigInt(ROWS - 1) })
})

test('an empty list picks nothing and leaves nothing out', async () => {
  const none = (kind: 'only' | 'except') => passed(Array.from({ length: FILES }, () => ({ kind, positions: [] })))
  expect(await none('only')).toEqual([])
  expect(await none('except')).toHaveLength(FILES * ROWS)
})

test('rows of the ten thousandth file have numbers of their own', () => {
  expect(placeNumber({ file: 10_000, position: 2 }) - placeNumber({ file: 10_000, position: 1 })).toBe(1n)
})
