import { appendFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { localStore } from '@tributary/delta'
import { describe, expect, test } from 'vitest'
import { parseLandingKey } from '../../src/dms/file-name.ts'
import { hashLandingFile, openLandingFile } from '../../src/dms/open-file.ts'
import { codeOf, type Reading, readAll, type TableFacts, useLanding } from './reading.ts'

const landing = useLanding()
const KEY = 'sales/customers/20260301-101502123.csv'
const FACTS = { key: ['id'], columns: { id: 'integer', name: 'string', amount: 'decimal(9,2)' } } as const

async function readText(text: string | Uint8Array, facts: TableFacts = FACTS): Promise<Reading> {
  await landing.put(KEY, text)
  return readAll(landing.engine(), landing.folder(), KEY, facts)
}

function open(key: string): ReturnType<typeof openLandingFile> {
  return openLandingFile(localStore(landing.folder()), key, { tempFolder: landing.engine().tempFolder, settings: {} })
}

function short({ rows, rejects, path, rowsRead }: Reading): unknown {
  return {
    rows: rows.map((row) => Number(row['__row'])),
    rejects: rejects.map(({ row, line, column, text, reason }) => [row, line, column, text, reason]),
    path,
    rowsRead,
  }
}

describe('a gzip file', () => {
  const whole = gzipSync('I,1,a,1.00\n'.repeat(5000))
  test('is read to its very end, in several members too', async () => {
    const read = await readText(Buffer.concat([whole, whole]))
    expect(read.rowsRead).toBe(10_000)
  })
  test.each([1, 3, 8, 9, 12, 20, whole.length >> 1].map((bytes) => [bytes]))(
    'that lost its last %i bytes is refused',
    async (bytes) => {
      expect(await codeOf(readText(whole.subarray(0, whole.length - bytes)))).toBe('LANDING_FILE_CORRUPT')
    },
  )
  test('with a flipped bit in its checksum, its length or its data is refused', async () => {
    for (const at of [whole.length - 8, whole.length - 2, 25]) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      expect([at, await codeOf(readText(damaged))]).toEqual([at, 'LANDING_FILE_CORRUPT'])
    }
  })
  test('with bytes after its end is refused', async () => {
    for (const rest of [Buffer.from('junk'), Buffer.alloc(3), Buffer.from([0x1f]), whole.subarray(0, 5)]) {
      expect([rest.length, await codeOf(readText(Buffer.concat([whole, rest])))]).toEqual([
        rest.length,
        'LANDING_FILE_CORRUPT',
      ])
    }
  })
  test('that inflates out of all proportion is refused', async () => {
    expect(await codeOf(readText(gzipSync(Buffer.alloc(64 * 1024 * 1024, 'I,1,a,1.00\n'))))).toBe(
      'LANDING_FILE_TOO_LARGE',
    )
  })
})

describe('a file that is not whole stops its table', () => {
  test('no row delimiter after the last record', async () => {
    await expect(readText('I,1,a,1.00\nI,2,b')).rejects.toThrow(
      `${KEY} cannot be read: no row delimiter follows the last record, so the file may be cut. Nothing of it was applied. Put a whole copy in its place, or skip it with \`tributary resolve\`.`,
    )
  })
  test('a quote without an end', async () => {
    expect(await codeOf(readText('I,1,"a,1.00\nI,2,b,1.00\n'))).toBe('LANDING_FILE_CORRUPT')
  })
  test('a wrong number of fields in every record', async () => {
    expect(await codeOf(readText('Op,id,name,amount\nI,1,a\nI,2,b\n'))).toBe('LANDING_FILE_CORRUPT')
    expect(await codeOf(readText('1\n2\n'))).toBe('SCHEMA_MISMATCH')
  })
  test('a header that does not fit', async () => {
    expect(await codeOf(readText('Op,number,name,amount\nI,1,a,1.00\n'))).toBe('SCHEMA_MISMATCH')
    expect(await codeOf(readText(',Op,id,name,amount\nI,1,a,1.00\n'))).toBe('SCHEMA_MISMATCH')
    expect(await codeOf(readText('Op,id,name,name\nI,1,a,1.00\n'))).toBe('SCHEMA_MISMATCH')
  })
  test('a Parquet file that was cut or damaged', async () => {
    const engine = landing.engine()
    await engine.run(
      `COPY (SELECT 'I' AS "Op", i::INTEGER AS id, 'n' || i AS name, 1.5::DECIMAL(9,2) AS amount FROM range(5000) t(i)) TO '${landing.folder()}/whole.parquet' (FORMAT parquet)`,
    )
    const { readFile } = await import('node:fs/promises')
    const whole = await readFile(join(landing.folder(), 'whole.parquet'))
    expect((await readText(whole)).rowsConsumed).toBe(5000)
    for (const kept of [whole.length - 1, whole.length - 200, whole.length >> 1])
      expect([kept, await codeOf(readText(whole.subarray(0, kept)))]).toEqual([kept, 'LANDING_FILE_CORRUPT'])
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 4, 200)
    expect(await codeOf(readText(damaged))).toBe('LANDING_FILE_CORRUPT')
  })
})

describe('a bad row is a reject, and the others are read', () => {
  test.each<[string, string, unknown[]]>([
    ['a bad number', 'I,1,a,1.00\nI,x,b,2.00\nI,3,c,3.00\n', [2, 2, 'id', 'x', 'not a value of type integer']],
    [
      'a decimal that would be rounded',
      'I,1,a,1.00\nI,2,b,2.005\nI,3,c,3.00\n',
      [2, 2, 'amount', '2.005', 'not a value of type decimal(9,2)'],
    ],
    ['an empty key', 'I,1,a,1.00\nI,,b,2.00\nI,3,c,3.00\n', [2, 2, 'id', '', 'the key column is NULL']],
    ['an unknown Op', 'I,1,a,1.00\nX,2,b,2.00\nI,3,c,3.00\n', [2, 2, 'Op', 'X', 'Op is not I, U or D']],
    [
      'too few fields',
      'I,1,a,1.00\nI,2\nI,3,c,3.00\n',
      [2, 2, undefined, undefined, 'the record has 2 fields and should have 4'],
    ],
    [
      'too many fields',
      'I,1,a,1.00\nI,2,b,2.00,5\nI,3,c,3.00\n',
      [2, 2, undefined, undefined, 'the record has 5 fields and should have 4'],
    ],
    ['a blank line', 'I,1,a,1.00\n\nI,3,c,3.00\n', [2, 2, undefined, undefined, 'the record is blank']],
    [
      'text after a closing quote',
      'I,1,a,1.00\nI,2,"b"c,2.00\nI,3,c,3.00\n',
      [2, 2, undefined, undefined, 'a field goes on after its closing quote'],
    ],
  ])('%s', async (_, text, reject) => {
    expect(short(await readText(text))).toEqual({ rows: [1, 3], rejects: [reject], path: 'strict', rowsRead: 3 })
  })
  test('its line counts the header and the line breaks inside fields', async () => {
    const { rejects } = await readText('Op,id,name,amount\nI,1,"a\nb\nc",1.00\nI,x,b,2.00\n')
    expect(rejects).toEqual([
      {
        row: 2,
        line: 5,
        column: 'id',
        text: 'x',
        reason: 'not a value of type integer',
        raw: 'I,x,b,2.00',
        encoding: 'utf8',
      },
    ])
  })
  test('bytes that are not UTF-8 are kept as base64', async () => {
    const { rejects, rows } = await readText(Buffer.from('I,1,a,1.00\nI,2,\xff,2.00\n', 'latin1'))
    expect(rows).toHaveLength(1)
    expect(rejects).toMatchObject([
      {
        row: 2,
        column: 'name',
        reason: 'the text is not UTF-8',
        raw: Buffer.from('I,2,\xff,2.00', 'latin1').toString('base64'),
        encoding: 'base64',
      },
    ])
  })
  test('in a Parquet file too', async () => {
    await landing
      .engine()
      .run(
        `COPY (SELECT * FROM (VALUES ('I', 1::BIGINT, 'a', 1.5::DECIMAL(9,2)), ('I', 3000000000, 'b', 1::DECIMAL(9,2)), ('I', NULL, 'c', 1::DECIMAL(9,2)), ('U', 4, NULL, 2::DECIMAL(9,2))) t("Op", id, name, amount)) TO '${landing.folder()}/sales.parquet' (FORMAT parquet)`,
      )
    const read = await readAll(landing.engine(), landing.folder(), 'sales.parquet', { ...FACTS, known: FACTS.columns })
    expect(short(read)).toEqual({
      rows: [1, 4],
      rejects: [
        [2, undefined, 'id', '3000000000', 'not a value of type integer'],
        [3, undefined, 'id', undefined, 'the key column is NULL'],
      ],
      path: 'strict',
      rowsRead: 4,
    })
    expect(read.plan.widened).toEqual([{ name: 'id', from: 'integer', to: 'long' }])
    expect(read.rejects[0]?.raw).toBe('{"Op":"I","id":"3000000000","name":"b","amount":"1.00"}')
  })
})

describe('what fools DuckDB is read by the strict reader', () => {
  test('a bare carriage return inside a field', async () => {
    const read = await readText('I,1,a\rb,1.00\nI,2,c,2.00\n')
    expect([read.path, read.rows[0]?.['name']]).toEqual(['strict', 'a\rb'])
  })
  test('other delimiters', async () => {
    const settings = { CsvDelimiter: '||', CsvRowDelimiter: '~~\\n' }
    const read = await readText('I||1||a|b||1.00~~\nI||2||"c~~\nd"||2.00~~\n', { ...FACTS, settings })
    expect(read.rows.map((row) => row['name'])).toEqual(['a|b', 'c~~\nd'])
  })
  test('carriage return and line feed, set or found', async () => {
    const read = await readText('I,1,a,1.00\r\nI,2,"b\r\nc",2.00\r\n')
    expect([read.rows.map((row) => row['name']), read.path]).toEqual([['a', 'b\r\nc'], 'fast'])
  })
  test('text without RFC 4180', async () => {
    const read = await readText('I,1,"a,1.00\nI,2,b"",2.00\n', { ...FACTS, settings: { Rfc4180: false } })
    expect(read.rows.map((row) => row['name'])).toEqual(['"a', 'b""'])
  })
  test('a NUL character', async () => {
    const read = await readText('I,1,a\0b,1.00\n')
    expect(read.rows.map((row) => row['name'])).toEqual(['a\0b'])
  })
})

test('digits past the sixth are cut and counted', async () => {
  const facts = { key: ['id'], columns: { id: 'integer', at: 'timestamp' } } as const
  const read = await readText('I,1,2026-01-01 00:00:00.1234567\nI,2,2026-01-01 00:00:00.1234560\n', facts)
  expect([read.digitsCut, read.path, read.rows.map((row) => row['at'])]).toEqual([
    1,
    'fast',
    ['2026-01-01T00:00:00.123456Z', '2026-01-01T00:00:00.123456Z'],
  ])
})

test('a quoted NULL marker is text, and an empty field is empty only in a string column', async () => {
  const facts = { ...FACTS, settings: { CsvNullValue: 'NULL' } }
  const text = 'I,1,"NULL",NULL\nI,2,NULL,1.00\nI,3,,\nI,4,"",1.00\n'
  const fast = await readText(text, facts)
  const strict = await readText(`${text}I,x,a,1.00\n`, facts)
  for (const read of [fast, strict])
    expect(read.rows.map((row) => [row['name'], row['amount']])).toEqual([
      ['NULL', null],
      [null, '1.00'],
      ['', null],
      ['', '1.00'],
    ])
  expect([fast.path, strict.path]).toEqual(['fast', 'strict'])
})

test('a path that leads out of the landing is refused, by its name and by a link', async () => {
  await landing.put('other.csv', 'x\n')
  await symlink('/etc/hostname', join(landing.folder(), 'link.csv'))
  expect(await codeOf(open('../x.csv'))).toBe('LANDING_PATH_REFUSED')
  expect(await codeOf(open('link.csv'))).toBe('LANDING_PATH_REFUSED')
  expect(await codeOf(open('gone.csv'))).toBe('LANDING_FILE_GONE')
})

test('a file that grows while it is read is not taken', async () => {
  await landing.put(KEY, 'I,1,a,1.00\n')
  const file = await open(KEY)
  await appendFile(join(landing.folder(), KEY), 'I,2,b,2.00\n')
  expect(await codeOf(file.assertUnchanged())).toBe('LANDING_FILE_CHANGED')
})

test('the hash is of the stored bytes', async () => {
  await landing.put('a.csv.gz', gzipSync('I,1,a,1.00\n'))
  const file = await open('a.csv.gz')
  expect(file.hash).toBe(await hashLandingFile(localStore(landing.folder()), 'a.csv.gz'))
  await file.dispose()
})

test.each([
  'sales/../x/LOAD00000001.csv',
  'sales/%2e%2e/LOAD00000001.csv',
  'sales/a%2Fb/LOAD00000001.csv',
  'sales/a"b/LOAD00000001.csv',
  "sales/a'b/LOAD00000001.csv",
  'sales/a\nb/LOAD00000001.csv',
  'sales/a%00/LOAD00000001.csv',
])('the key %j is refused', (key) => {
  expect(parseLandingKey(key, { tables: [] }).kind).toBe('refused')
})

test.each(['x.y/t/LOAD00000001.csv', 'sales/t/', 'sales/t/readme.txt', 'LOAD00000001.csv'])(
  'the key %j is left out',
  (key) => {
    expect(parseLandingKey(key, { tables: [] }).kind).toBe('ignored')
  },
)

test('an encoded table name is the configured table', () => {
  for (const key of [
    'shop/order%20items/LOAD00000001.csv',
    'shop/order+items/LOAD00000001.csv',
    'shop/order items/LOAD00000001.csv',
  ]) {
    expect(parseLandingKey(key, { tables: ['shop.order items'] })).toMatchObject({
      kind: 'load',
      schema: 'shop',
      table: 'order items',
    })
  }
})
