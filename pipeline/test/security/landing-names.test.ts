// Names in the landing come from whoever may write there. None of them names a table outside of the lake, or one that is not configured.
import { resolve, sep } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { parseTableName } from '../../src/config/table-settings.ts'
import { parseLandingKey } from '../../src/dms/file-name.ts'
import { tablesWoken } from '../../src/queue/woken.ts'
import { openLake } from '../../src/worker/lake.ts'

const NAMES = [
  '..',
  '.',
  '',
  '%2e%2e',
  '..\\',
  '\\',
  '\0',
  '\n',
  '\u007f',
  "'",
  '"',
  '`',
  ';--',
  '\uFF0E\uFF0E',
  '\u2215',
  '\u202E',
  ' ',
  'shop',
  'orders',
  'a.b',
  '__proto__',
  'constructor',
  '\u{1F600}',
  '\uD800',
  'awsdms_status',
  '$HOME',
  '{a}',
  '*',
  '?',
]
const FILES = [
  'LOAD00000001.csv',
  '20260301-101500000.csv',
  '20260301-101500000.csv.gz',
  '../LOAD00000001.csv',
  'LOAD00000001.csv\0',
  'LOAD00000001.parquet',
  'x',
  '',
]
const key = fc
  .tuple(
    fc.array(fc.constantFrom(...NAMES), { maxLength: 5 }),
    fc.constantFrom('/', '/', '//', '\\', '%2f'),
    fc.constantFrom(...FILES),
  )
  .map(([names, between, file]) => [...names, file].join(between))
const hostile = fc.oneof({ weight: 5, arbitrary: key }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) })

test('10,000 hostile names wake and feed only configured tables', async () => {
  const config = await parseConfig('landing: l\nlake: k\ntables:\n  shop.orders: {key: [id]}\n', {
    path: '/project/tributary.yaml',
    readText: () => Promise.reject(new Error('no file')),
  })
  let fed = 0
  fc.assert(
    fc.property(hostile, (name) => {
      const woken = tablesWoken(config, [name])
      for (const table of woken.keys()) expect(table).toBe('shop.orders')
      if (woken.size > 0) fed += 1
    }),
    { numRuns: 10_000, examples: [['shop/orders/LOAD00000001.csv']] },
  )
  expect(fed).toBeGreaterThan(0)
})

test('10,000 hostile names of tables, as a landing gives them, would lie in the lake, each in a folder of its own', async () => {
  fc.assert(
    fc.property(hostile, (name) => {
      const parsed = parseLandingKey(name, { bucketFolder: undefined, cdcPath: undefined, tables: [] })
      if (parsed.kind !== 'load' && parsed.kind !== 'cdc') return
      const folder = resolve('/lake', parsed.schema, parsed.table)
      expect([folder.startsWith(`/lake${sep}`), folder.split(sep).length]).toEqual([true, 4])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(`${parsed.schema}${parsed.table}`).not.toMatch(/[\u0000-\u001f\u007f'"`\\/]/)
    }),
    { numRuns: 10_000 },
  )
})

test('10,000 hostile names in a configuration are refused, or lie in the lake', async () => {
  const word = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary', maxLength: 6 }))
  const lake = openLake(
    await parseConfig('landing: /l\nlake: /lake\ntables: {}\n', { path: '/x.yaml', readText: async () => '' }),
  )
  fc.assert(
    fc.property(word, word, (schema, table) => {
      const name = parseTableName(`"${schema}"."${table}"`)
      if (name === undefined) return
      const { pathname } = new URL(lake.tableStore(`${name.schema}.${name.table}`).url)
      // A disk has no half characters.
      const parts = ['lake', name.schema, name.table].map((part) => part.toWellFormed())
      expect(decodeURIComponent(pathname).split('/')).toEqual(['', ...parts, ''])
    }),
    { numRuns: 10_000 },
  )
})
