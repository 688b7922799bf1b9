import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { localStore, openEngine } from '@tributary/delta'
import { afterEach, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { type ConfigProposal, proposeConfig } from '../../src/init/propose-config.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function propose(files: Readonly<Record<string, string | Uint8Array>>): Promise<ConfigProposal> {
  const landing = await mkdtemp(join(tmpdir(), 'tributary-init-'))
  folders.push(landing)
  for (const [key, content] of Object.entries(files)) {
    await mkdir(dirname(join(landing, key)), { recursive: true })
    await writeFile(join(landing, key), content)
  }
  const engine = await openEngine()
  try {
    return await proposeConfig(localStore(landing), engine, { landing, lake: 'lake' })
  } finally {
    await engine.close()
  }
}

test('a header, Op, the bucket folder and the key are found', async () => {
  const { settings, tables } = await propose({
    'out/shop/orders/LOAD00000001.csv': 'Op,order_id,amount\nI,1,10.50\nI,2,10.50\n',
    'out/shop/orders/20260301-101502123.csv': 'Op,order_id,amount\nU,1,11.00\n',
  })
  expect(settings).toEqual({ DataFormat: 'csv', BucketFolder: 'out', AddColumnName: true, IncludeOpForFullLoad: true })
  expect(tables).toMatchObject([
    {
      table: 'shop.orders',
      loadFiles: 1,
      changeFiles: 1,
      key: ['order_id'],
      columns: [
        { name: 'order_id', type: 'long' },
        { name: 'amount', type: 'decimal(18,2)' },
      ],
      doubts: [],
    },
  ])
})

test('headerless files get numbered columns and say so', async () => {
  const { settings, tables } = await propose({
    'shop/orders/LOAD00000001.csv': '1,Ada\n2,Bo\n',
    'shop/orders/20260301-101502123.csv': 'I,3,Cy\n',
  })
  expect(settings).toEqual({ DataFormat: 'csv', AddColumnName: false })
  expect(tables[0]).toMatchObject({
    key: ['column_1'],
    columns: [
      { name: 'column_1', type: 'long' },
      { name: 'column_2', type: 'string' },
    ],
  })
  expect(tables[0]?.doubts.at(-1)).toBe('the files have no header: name the columns in their order')
})

test('a load of texts has a header where the files of another table have one', async () => {
  const country = { 'ref/country/LOAD00000001.csv': 'code,label\nUS,United States\nDE,Germany\n' }
  const { settings, tables } = await propose({ ...country, 'ref/orders/LOAD00000001.csv': 'id,v\n1,2\n2,3\n' })
  expect(settings).toEqual({ DataFormat: 'csv', AddColumnName: true })
  expect(tables[0]).toMatchObject({ key: ['code'], columns: [{ name: 'code' }, { name: 'label' }] })
  expect(tables[0]?.doubts).toEqual(['these are unique too: label'])
  const others = await propose({ ...country, 'ref/orders/LOAD00000001.csv': '1,2\n2,3\n' })
  expect(others.settings).toEqual({ DataFormat: 'csv', AddColumnName: false })
  expect(others.tables[0]?.doubts.at(-1)).toBe('the files have no header: name the columns in their order')
  const alone = await propose(country)
  expect(alone.settings).toEqual({ DataFormat: 'csv', AddColumnName: false })
  expect(alone.tables[0]?.doubts.at(-1)).toBe(
    'the first line may be a header: set AddColumnName and name the columns, or name them in their order',
  )
})

test('gzip, the timestamp column, the sequence and the NULL marker are found', async () => {
  const sequence = '20260301101502000000000000000000001'
  const { settings, yaml } = await propose({
    'shop/orders/2026/03/01/20260301-101502123.csv.gz': gzipSync(
      `Op,dms_ts,id,note,change_seq,BI_id\nI,2026-03-01 10:15:02.123456,1,\\N,${sequence},\n`,
    ),
  })
  expect(settings).toEqual({
    DataFormat: 'csv',
    CompressionType: 'gzip',
    AddColumnName: true,
    CsvNullValue: '\\N',
    TimestampColumnName: 'dms_ts',
  })
  expect(yaml).toContain('    sequence: change_seq\n    columns:\n      id: long\n      note: string\n')
})

test('the file says what a sequence is for while a table has none', async () => {
  const sequence = '20260301101502000000000000000000001'
  const orders = { 'shop/orders/20260301-101502123.csv': `Op,id,change_seq\nI,1,${sequence}\n` }
  const alone = await propose(orders)
  const both = await propose({ ...orders, 'shop/items/20260301-101502123.csv': 'Op,id\nI,1\n' })
  expect(alone.yaml).not.toContain('AR_H_CHANGE_SEQ')
  expect(both.yaml).toContain(
    '# that comes late is put in order by its rows; a table without it stops at such a file.\ntables:\n',
  )
})

test('what is written is a configuration that can be read, whatever the names are', async () => {
  const { yaml } = await propose({ 'shop/my orders/LOAD00000001.csv': 'Op,"id, of order",#x,yes\nI,1,a: b,no\n' })
  const config = await parseConfig(yaml, {
    path: '/project/tributary.yaml',
    readText: () => Promise.reject(new Error('unused')),
  })
  expect(config.tables.map(({ name, columns }) => ({ name, columns: columns?.map((column) => column.name) }))).toEqual([
    { name: 'shop.my orders', columns: ['id, of order', '#x', 'yes'] },
  ])
})

test('control tables and odd names are left out', async () => {
  const { tables, ignored } = await propose({
    'shop/orders/LOAD00000001.csv': 'Op,id\nI,1\n',
    'public/awsdms_status/LOAD00000001.csv': '1,2\n',
    'shop/orders/notes.txt': 'hello',
  })
  expect(tables.map(({ table }) => table)).toEqual(['shop.orders'])
  expect(ignored.map(({ key }) => key)).toEqual(['public/awsdms_status/LOAD00000001.csv', 'shop/orders/notes.txt'])
})

test('a folder without files of DMS is an error', async () => {
  await expect(propose({ 'readme.txt': 'hello' })).rejects.toMatchObject({ code: 'LANDING_EMPTY', kind: 'not-found' })
})
