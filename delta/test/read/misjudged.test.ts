// Row groups that DuckDB 1.5.5 would leave out though they hold what is looked for (decision 26).

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quoteFileName } from '../../src/duckdb/sql.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { filterFiles } from '../../src/read/filter-files.ts'
import { scanSql } from '../../src/read/scan.ts'
import type { Store } from '../../src/store/store.ts'
import { add } from '../log/log-builder.ts'
import { column, foreignTable, tableActions } from './foreign-table.ts'
import { createTestTable, schemaOf, workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

let tables = 0
const freshFolder = (): string => {
  tables += 1
  return join(shop.folder, `t${tables}`)
}

const DUCKDB = { binary: 'BLOB', float: 'FLOAT', double: 'DOUBLE', string: 'VARCHAR', long: 'BIGINT' } as const
type Type = keyof typeof DUCKDB

/** So often that each value is in a dictionary, over which DuckDB writes a bloom filter; in a record too. */
const repeated = (type: Type, values: readonly string[]): string =>
  `SELECT v, {'v': v} AS s FROM (SELECT unnest([${values.map((value) => `${value}::${DUCKDB[type]}`).join(', ')}]) AS v), range(50)`

const schemaFor = (type: Type) =>
  schemaOf([
    ['v', type],
    ['s', { type: 'struct', fields: [column('v', type)] }],
  ])

const filtersOf = async (store: Store): Promise<readonly string[]> => {
  const { files } = await readSnapshot(store)
  const rows = await shop.engine.all(
    `SELECT path_in_schema AS path FROM parquet_metadata([${files.map(({ path }) => quoteFileName(join(store.url.replace('file://', ''), path))).join(', ')}]) WHERE bloom_filter_offset IS NOT NULL`,
  )
  return rows.map(({ path }) => String(path))
}

async function ours(type: Type, values: readonly string[]): Promise<Store> {
  const table = await createTestTable(shop.engine, freshFolder(), schemaFor(type))
  await table.append(repeated(type, values))
  return table.store
}

/** As DuckDB writes it by itself, as versions of ours before this one did. */
async function plain(type: Type, values: readonly string[]): Promise<Store> {
  const actions = [...tableActions(schemaFor(type).fields), add('a.parquet')]
  return foreignTable(shop.engine, freshFolder(), [actions], { 'a.parquet': repeated(type, values) })
}

/** For each value in each way of asking: rows found by the scan, and by the same in memory, where nothing is left out. */
async function expectFound(store: Store, type: Type, values: readonly string[]): Promise<void> {
  const fork = await shop.engine.fork()
  try {
    const scan = `(${await scanSql(fork, await readSnapshot(store))}) t`
    await fork.run(`CREATE OR REPLACE TEMP TABLE memory AS FROM ${scan}`)
    for (const value of values.map((literal) => `${literal}::${DUCKDB[type]}`)) {
      await fork.run(`CREATE OR REPLACE TEMP TABLE one AS SELECT ${value} AS v`)
      const ways = [
        ...['=', '<>', '<', '<=', '>', '>='].map((sign) => `WHERE v ${sign} ${value}`),
        `WHERE v IN (${value}, ${value})`,
        `WHERE s.v = ${value}`,
        'SEMI JOIN one USING (v)',
        'JOIN one ON one.v = t.s.v',
      ]
      for (const way of ways) {
        const count = async (relation: string): Promise<unknown> =>
          (await fork.all(`SELECT count(*) AS n FROM ${relation} ${way}`))[0]?.['n']
        expect([way, await count(scan)]).toEqual([way, await count('memory t')])
      }
    }
  } finally {
    await fork.close()
  }
}

const FLOATS = ['-0.0', '0.0', "'nan'", "'inf'", "'-inf'", '0.1', '1.5']
const TYPES = [
  ['binary', ["'a'", String.raw`'\xff'`, String.raw`'\x00'`, String.raw`'\x5cxFF'`, String.raw`'\xc3\xa9'`, "''"]],
  ['float', FLOATS],
  ['double', FLOATS],
  ['string', ["'a'", "'é'", "''"]],
  ['long', ['-1', '0', '5']],
] as const

test.each(TYPES)(
  'each value of type %s is found, in files of ours and in those of plain DuckDB',
  async (type, values) => {
    await expectFound(await ours(type, values), type, values)
    const store = await plain(type, values)
    expect(await filtersOf(store)).toContain('v')
    await expectFound(store, type, values)
    // Without the other values no bound is wider than what is asked for.
    for (const only of values) await expectFound(await plain(type, [only]), type, values)
  },
)

test('any bytes are found', async () => {
  const bytes = fc.uint8Array({ maxLength: 6 }).map((array) => `unhex('${Buffer.from(array).toString('hex')}')`)
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 4 }), bytes, async (values, other) => {
      await expectFound(await plain('binary', values), 'binary', [...values, other])
    }),
    { numRuns: 10, seed: 26 },
  )
})

test.each(TYPES)('a file of ours has bloom filters where DuckDB reads them right: %s', async (type, values) => {
  const expected = ['string', 'long'].includes(type) ? ['v', 's, v'] : []
  expect(await filtersOf(await ours(type, values))).toEqual(expected)
})

test.each(['float', 'double'] as const)('a scan gives values of type %s bit by bit', async (type) => {
  const fork = await shop.engine.fork()
  try {
    const scan = await scanSql(fork, await readSnapshot(await plain(type, FLOATS)))
    const rows = await fork.all(`SELECT DISTINCT CAST(v AS VARCHAR) AS v FROM (${scan})`)
    expect(new Set(rows.map(({ v }) => v))).toEqual(new Set(['-0.0', 'nan', 'inf', '-inf', '0.1', '1.5']))
  } finally {
    await fork.close()
  }
})

// Written by pyarrow 26.0.1: d DOUBLE, f FLOAT and s STRUCT(d DOUBLE), each 1, NaN and 5, with 5 for the greatest.
const NAN_FILE =
  'UEFSMRUAFTwVPCwVBhUAFQYVBhwYCAAAAAAAABRAGAgAAAAAAADwPxYAKAgAAAAAAAAUQBgIAAAAAAAA8D8REQAAAAIAAAAGAQAAAAAAAPA/AAAAAAAA+H8AAAAAAAAUQBUAFSQVJCwVBhUAFQYVBhwYBAAAoEAYBAAAgD8WACgEAACgQBgEAACAPxERAAAAAgAAAAYBAACAPwAAwH8AAKBAFQAVPBU8LBUGFQAVBhUGHBgIAAAAAAAAFEAYCAAAAAAAAPA/FgAoCAAAAAAAABRAGAgAAAAAAADwPxERAAAAAgAAAAYCAAAAAAAA8D8AAAAAAAD4fwAAAAAAABRAFQQZXDUAGAZzY2hlbWEVBgAVCiUCGAFkABUIJQIYAWYANQIYAXMVAgAVCiUCGAFkABYGGRwZPCYAHBUKGSUGABkYAWQVABYGFroBFroBJgg8GAgAAAAAAAAUQBgIAAAAAAAA8D8WACgIAAAAAAAAFEAYCAAAAAAAAPA/EREAGRwVABUAFQIAPCkGGSYABgAAACYAHBUIGSUGABkYAWYVABYGFoIBFoIBJsIBPBgEAACgQBgEAACAPxYAKAQAAKBAGAQAAIA/EREAGRwVABUAFQIAPCkGGSYABgAAACYAHBUKGSUGABkoAXMBZBUAFgYWugEWugEmxAI8GAgAAAAAAAAUQBgIAAAAAAAA8D8WACgIAAAAAAAAFEAYCAAAAAAAAPA/EREAGRwVABUAFQIAPCkGGTYAAAYAAAAW9gMWBiYIFvYDACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZPBwAABwAABwAAABzAQAAUEFSMQ=='

test('NaN is found in a file whose bounds leave it out', async () => {
  const record = { type: 'struct', fields: [column('d', 'double')] } as const
  const fields = [column('d', 'double'), column('f', 'float'), column('s', record)]
  const folder = freshFolder()
  const store = await foreignTable(shop.engine, folder, [[...tableActions(fields), add('a.parquet')]])
  await writeFile(join(folder, 'a.parquet'), Buffer.from(NAN_FILE, 'base64'))
  const fork = await shop.engine.fork()
  try {
    const scan = await scanSql(fork, await readSnapshot(store))
    for (const value of ['d', 'f', 's.d']) {
      for (const way of [`${value} > 100`, `${value} >= 5.5`, `${value} = 'nan'`, `NOT (${value} <= 5)`])
        expect([way, await fork.all(`SELECT count(*) AS n FROM (${scan}) WHERE ${way}`)]).toEqual([way, [{ n: 1n }]])
      expect(await fork.all(`SELECT max(${value}) AS n FROM (${scan})`)).toEqual([{ n: Number.NaN }])
    }
  } finally {
    await fork.close()
  }
})

test.each([0, -0])('statistics of %d keep a file for 0 and for -0', async (zero) => {
  const table = await createTestTable(shop.engine, freshFolder(), schemaOf([['v', 'double']]))
  const snapshot = await table.append(`SELECT ${Object.is(zero, -0) ? '-0.0' : '0.0'}::DOUBLE AS v`)
  for (const value of [0, -0]) expect(filterFiles(snapshot, { kind: '=', column: 'v', value })).toEqual(snapshot.files)
})
