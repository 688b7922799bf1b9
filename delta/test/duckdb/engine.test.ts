import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { quoteName, quoteText } from '../../src/duckdb/sql.ts'

test('values come out as plain data', async () => {
  const engine = await openEngine()
  const [row] =
    await engine.all(`SELECT 1.50::DECIMAL(10,2) AS d, DATE '0001-01-01' AS day, '-infinity'::TIMESTAMP AS never, TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS t,
    2::BIGINT AS l, 3 AS i, MAP {'a': [1.5::FLOAT]} AS m, {x: NULL} AS s, 'x'::BLOB AS b, 5 AS "__proto__", '290000-01-01'::TIMESTAMP AS far`)
  expect(row).toEqual(
    Object.assign(Object.create(null), {
      d: '1.50',
      day: '0001-01-01',
      never: '-infinity',
      t: '1969-12-31T23:59:59.999999Z',
      l: 2n,
      i: 3,
      m: [{ key: 'a', value: [1.5] }],
      s: { x: null },
      b: Buffer.from('x'),
      ['__proto__']: 5,
      far: '290000-01-01 00:00:00',
    }),
  )
  await engine.close()
})

test('names and texts survive quoting', async () => {
  const engine = await openEngine()
  const text = `it's "q" \\ \0 \n 😀`
  expect(await engine.all(`SELECT ${quoteText(text)} AS ${quoteName('a"b')}`)).toEqual([{ 'a"b': text }])
  await engine.close()
})

test('a text that begins with a byte order mark keeps it, alone, in a list and in a variant', async () => {
  const engine = await openEngine()
  const [row] = await engine.all(
    `SELECT '\ufeffx' AS a, ['\ufeffa text that is not short'] AS b, '\ufeffx'::VARIANT AS c`,
  )
  expect([row?.['a'], row?.['b'], row?.['c']]).toEqual(['\ufeffx', ['\ufeffa text that is not short'], '"\ufeffx"'])
  await engine.close()
})

test('a name with a NUL is refused: the statement would end there', () => {
  expect(() => quoteName('a\0b')).toThrow(
    'The name "a\\u0000b" holds a NUL character, which no query can spell. Give the column another name.',
  )
})

test('rows are appended by column name', async () => {
  const engine = await openEngine()
  await engine.run('CREATE TEMP TABLE t (a BIGINT, b VARCHAR, c INTEGER)')
  await engine.append(
    't',
    ['c', 'a'],
    Array.from({ length: 5000 }, (_, index) => [index, index * 2]),
  )
  expect(
    await engine.all('SELECT count(*) AS n, sum(a)::BIGINT AS a, count(b) AS b, sum(c)::BIGINT AS c FROM t'),
  ).toEqual([{ n: 5000n, a: 24_995_000n, b: 0n, c: 12_497_500n }])
  await engine.close()
})

test('statements wait for each other, and a stream that is left frees its engine', async () => {
  const engine = await openEngine()
  const [first, second] = await Promise.all([
    engine.all('SELECT count(*) AS n FROM range(1000000)'),
    engine.all('SELECT 2 AS n'),
  ])
  expect([first, second]).toEqual([[{ n: 1_000_000n }], [{ n: 2 }]])
  for await (const batch of engine.stream('SELECT range FROM range(100000)')) {
    expect(batch.rowCount).toBe(2048)
    expect(() => engine.all('SELECT 1')).toThrow('an engine runs nothing else while a stream of it is open: fork it')
    break
  }
  expect(await engine.all('SELECT 3 AS n')).toEqual([{ n: 3 }])
  await engine.close()
})

test('a fork shares the database but not the temporary tables', async () => {
  const engine = await openEngine()
  await engine.run('CREATE TABLE shared AS SELECT 1 AS a; CREATE TEMP TABLE own AS SELECT 2 AS a')
  const fork = await engine.fork()
  expect(await fork.all('SELECT a FROM shared')).toEqual([{ a: 1 }])
  await expect(fork.all('SELECT a FROM own')).rejects.toMatchObject({ kind: 'invalid', code: 'ENGINE_FAILED' })
  await fork.close()
  expect(await engine.all('SELECT a FROM own')).toEqual([{ a: 2 }])
  await engine.close()
})

test('threads of DuckDB rest from the first who wants statements side by side to the last, also when the work fails', async () => {
  const engine = await openEngine({ threads: 2 })
  const fork = await engine.fork()
  const helpers = async (): Promise<unknown> => {
    const [row] = await engine.all(`SELECT current_setting('threads') - 1 AS n`)
    return row?.['n']
  }
  expect(await helpers()).toBe(1n)
  const inner = Promise.withResolvers<void>()
  const outer = engine.sideBySide(2, () => inner.promise)
  await expect(fork.sideBySide(3, () => fork.run('SELECT nothing'))).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  expect(await helpers()).toBe(0n)
  inner.resolve()
  await outer
  expect(await helpers()).toBe(1n)
  await engine.close()
})

test.each([
  [4, 3, 3n],
  [4, 2, 0n],
  [2, 1, 0n],
])('of %i threads, %i statements side by side send %i to rest', async (threads, statements, resting) => {
  const engine = await openEngine({ threads })
  const [row] = await engine.sideBySide(statements, () =>
    engine.all(`SELECT ${threads} - current_setting('threads') AS n`),
  )
  expect(row?.['n']).toBe(resting)
  await engine.close()
})

test('closing stops what runs side by side, and its error is what rises', async () => {
  const engine = await openEngine({ threads: 2 })
  const begun = Promise.withResolvers<void>()
  const running = engine.sideBySide(2, () => {
    begun.resolve()
    return engine.run('SELECT count(*) FROM range(1000000000) a, range(1000000) b')
  })
  const outcome = expect(running).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  await begun.promise
  await engine.close()
  await outcome
})

test('closing stops what runs and removes the temporary folder', async () => {
  const engine = await openEngine()
  const running = engine.run('SELECT count(*) FROM range(1000000000) a, range(1000000) b')
  await engine.close()
  await expect(running).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  expect(existsSync(engine.tempFolder)).toBe(false)
  await engine.close()
})

test('closing the engine that was opened first stops its forks, wherever they are', async () => {
  const engine = await openEngine()
  const fork = await engine.fork()
  const running = [fork, await fork.fork()].map((at) =>
    expect(at.run('SELECT count(*) FROM range(1000000000) a, range(1000000) b')).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    }),
  )
  await engine.close()
  await Promise.all(running)
  await expect(fork.fork()).rejects.toThrow('an engine that was closed runs nothing')
})

test('a stream of an engine that is closed fails: what was read may not be all', async () => {
  const engine = await openEngine()
  for (const close of [(fork: Engine) => fork.close(), (fork: Engine) => Promise.resolve(void fork.close())]) {
    const fork = await engine.fork()
    const parts = fork.streamVectors('SELECT range::UBIGINT FROM range(1000000)')[Symbol.asyncIterator]()
    expect((await parts.next()).done).toBe(false)
    await close(fork)
    await expect(parts.next()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  }
  await engine.close()
})

test('closing waits for what a stream is at', async () => {
  const engine = await openEngine()
  for (let delayMs = 0; delayMs < 60; delayMs += 10) {
    const fork = await engine.fork()
    // Nothing comes before all is sorted.
    const first = fork.streamVectors('SELECT range::UBIGINT FROM range(3000000) ORDER BY hash(range)')
    const failed = expect(first[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    await systemClock.sleep(delayMs)
    await fork.close()
    await failed
  }
  await engine.close()
})

test('too little memory is told apart', async () => {
  const engine = await openEngine({ memoryMiB: 20, threads: 1 })
  await expect(engine.run('CREATE TEMP TABLE t AS SELECT list(range) FROM range(20000000)')).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'ENGINE_OUT_OF_MEMORY',
  })
  await engine.close()
})

test('a window of which the first rows are asked for keeps those whose order is NULL, and makes none of no rows', async () => {
  const engine = await openEngine({ threads: 1 })
  const first = (rows: string, order: string) =>
    engine.all(
      `SELECT c, row_number() OVER (PARTITION BY c ORDER BY ${order}) AS n FROM ${rows} AS t(c) QUALIFY n <= 7`,
    )
  expect(await first('(VALUES (3), (3))', 'NULL')).toEqual([
    { c: 3, n: 1n },
    { c: 3, n: 2n },
  ])
  const none = '(SELECT CAST(1 AS INTEGER) WHERE random() > 2)'
  expect(await engine.all(`SELECT c FROM ${none} AS t(c) QUALIFY row_number() OVER (ORDER BY c) <= 1`)).toEqual([])
  await engine.close()
})

test('no extension is fetched', async () => {
  const engine = await openEngine()
  await expect(engine.run("SELECT * FROM read_xlsx('x.xlsx')")).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  expect(
    await engine.all(
      `SELECT value FROM duckdb_settings() WHERE name IN ('autoload_known_extensions', 'autoinstall_known_extensions')`,
    ),
  ).toEqual([{ value: 'false' }, { value: 'false' }])
  await engine.close()
})

test('a DuckDB that cannot start says so with the first statement, and leaves no folder', async () => {
  const engine = await openEngine({ threads: 0 })
  const fork = await engine.fork()
  await expect(fork.all('SELECT 1')).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  await expect(engine.run('SELECT 1')).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  await fork.close()
  expect(existsSync(engine.tempFolder)).toBe(true)
  await engine.close()
  expect(existsSync(engine.tempFolder)).toBe(false)
})
