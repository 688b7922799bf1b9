import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Config, parseConfig } from '../../src/config/config.ts'
import { configJsonSchema } from '../../src/config/json-schema.ts'

const files: Readonly<Record<string, string>> = {
  '/etc/endpoint.json':
    '{"Endpoints":[{"EndpointType":"TARGET","S3Settings":{"csvDelimiter":"|","Rfc4180":false,"AddColumnName":"true"}}]}',
  '/etc/plain.json': '{"S3Settings":{"CsvNullValue":"\\\\N"}}',
  '/etc/two.json': '{"Endpoints":[{"S3Settings":{}},{"S3Settings":{}}]}',
}

function parse(text: string): Promise<Config> {
  return parseConfig(text, {
    path: '/etc/tributary.yaml',
    readText: async (path) => files[path] ?? Promise.reject(new Error('no such file')),
  })
}

const HEAD = 'landing: landing\nlake: ../lake\n'

test('paths are relative to the file, and all but landing, lake and key has a default', async () => {
  expect(await parse(`${HEAD}tables:\n  shop.orders: {key: [order_id]}\n`)).toEqual({
    landing: '/etc/landing',
    lake: '/lake',
    dms: {},
    reloadSettleMs: 60_000,
    cache: { folder: undefined, sizeMiB: 256, indexMiB: 16384 },
    tables: [
      {
        name: 'shop.orders',
        schema: 'shop',
        table: 'orders',
        key: ['order_id'],
        columns: undefined,
        sequence: undefined,
        write: 'merge-on-read',
        partitionBy: [],
        rename: new Map(),
        keepOnNull: [],
        engine: 'duckdb',
        upkeep: true,
        history: false,
        properties: {},
      },
    ],
  })
})

test('a configuration in S3 has its files beside it, and its folders are named in full', async () => {
  const parseInBucket = (text: string): Promise<Config> =>
    parseConfig(text, {
      path: 's3://settings/a/tributary.yaml',
      readText: async (path) => (path === 's3://settings/a/endpoint.json' ? (files['/etc/plain.json'] ?? '') : ''),
    })
  const { dms } = await parseInBucket('landing: s3://l-bucket/x\nlake: s3://lake\ndms: endpoint.json\ntables: {}\n')
  expect(dms).toEqual({ CsvNullValue: '\\N' })
  await expect(parseInBucket('landing: s3://l-bucket/x\nlake: lake\ntables: {}\n')).rejects.toThrow(
    's3://settings/a/tributary.yaml, line 2: lake: lake is a folder beside this file, and this file is in S3. Give s3://bucket/prefix',
  )
})

test('columns keep their order and any name', async () => {
  const { tables } = await parse(
    `${HEAD}tables:\n  shop.orders:\n    key: [at]\n    columns: {z: long, '7': date, __proto__: 'decimal(12, 2)', at: timestamp, 'a"b': string}\n`,
  )
  expect(tables[0]?.columns?.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'z long',
    '7 date',
    '__proto__ decimal(12,2)',
    'at timestamp',
    'a"b string',
  ])
})

test("names of renamed columns are the table's, whichever way they were written", async () => {
  const { tables } = await parse(
    `${HEAD}tables:\n  shop.orders: {key: [ORDER_ID], columns: {ORDER_ID: long}, rename: {ORDER_ID: order_id}}\n`,
  )
  expect(tables[0]?.key).toEqual(['order_id'])
})

test('S3Settings are taken in any letter case, from the file or from what describe-endpoints prints', async () => {
  expect((await parse(`${HEAD}dms: {dataformat: CSV, ADDCOLUMNNAME: true}\ntables: {a.b: {key: [x]}}\n`)).dms).toEqual({
    DataFormat: 'csv',
    AddColumnName: true,
  })
  expect((await parse(`${HEAD}dms: endpoint.json\ntables: {a.b: {key: [x]}}\n`)).dms).toEqual({
    CsvDelimiter: '|',
    Rfc4180: false,
    AddColumnName: true,
  })
  expect((await parse(`${HEAD}dms: plain.json\ntables: {a.b: {key: [x]}}\n`)).dms).toEqual({ CsvNullValue: '\\N' })
})

test('a queue is named by its URL', async () => {
  const queue = 'https://sqs.eu-west-1.amazonaws.com/111122223333/landing'
  const text = `landing: s3://bucket/dms\nlake: lake\nqueue: ${queue}\ntables: {a.b: {key: [x]}}\n`
  expect((await parse(text)).queue).toBe(queue)
})

test('a table name may be quoted', async () => {
  const { tables } = await parse(`${HEAD}tables:\n  '"my shop"."order.items"': {key: [x]}\n`)
  expect(tables[0]).toMatchObject({ name: 'my shop.order.items', schema: 'my shop', table: 'order.items' })
})

describe('a fault is told with its line and what to do', () => {
  test.each<[string, string]>([
    [
      `${HEAD}dms:\n  DataFormat: csv\n  AddColumnNames: true\ntables: {}\n`,
      'line 5: AddColumnNames is not a setting of dms. Write AddColumnName',
    ],
    [
      `${HEAD}tables:\n  shop.orders:\n    kee: [x]\n    key: [x]\n`,
      'line 5: kee is not a setting of tables.shop.orders. Correct the name or leave it out: docs/configuration.md lists all',
    ],
    [
      `${HEAD}tables:\n  shop.orders:\n    columns: {x: long}\n`,
      'line 4: tables.shop.orders.key is missing. Write a list of columns, such as [order_id]',
    ],
    [
      'lake: x\ntables: {}\n',
      'line 1: landing is missing. Write where DMS puts its files: a folder or s3://bucket/prefix',
    ],
    [
      `${HEAD}tables:\n  shop.orders:\n    key: [x]\n    history: true\n  shop.orders__history:\n    key: [x]\n`,
      'line 7: shop.orders__history is the history of another table here. Leave "history: true" out there, or this table',
    ],
    [
      `${HEAD}tables:\n  shop.orders:\n    key: [x]\n    engine: spark\n`,
      'line 6: engine: spark comes with a later version. Leave it out',
    ],
    [
      `${HEAD}tables:\n  shop.orders:\n    key: [y]\n    columns: {x: long}\n`,
      'line 5: key names y, which is not in columns. Add it there or correct the name',
    ],
    [
      `${HEAD}tables:\n  ../x.orders: {key: [x]}\n`,
      'line 4: "../x.orders" is not a table name. Write schema.table, without quotes, slashes or .. inside the names',
    ],
    [
      `${HEAD}tables:\n  orders: {key: [x]}\n`,
      'line 4: "orders" is not a table name. Write schema.table, without quotes, slashes or .. inside the names',
    ],
    [
      'landing: gs://acme/\nlake: x\ntables: {}\n',
      'line 1: landing: gs://acme/ is neither a folder nor in S3. Give a folder or s3://bucket/prefix',
    ],
    [
      'landing: x\nlake: s3://acme/a//b\ntables: {}\n',
      'line 2: lake: s3://acme/a//b is no place in S3. Write s3://bucket/prefix',
    ],
    [
      'landing: s3://acme\nlake: x\nqueue: arn:aws:sqs:eu-west-1:111122223333:landing\ntables: {}\n',
      'line 3: queue: arn:aws:sqs:eu-west-1:111122223333:landing is no queue of SQS. Write its URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME',
    ],
    [
      `${HEAD}queue: https://sqs.eu-west-1.amazonaws.com/111122223333/landing\ntables: {}\n`,
      'line 3: queue: the landing is a folder, and only buckets tell queues what is written. Leave it out',
    ],
    [
      `${HEAD}dms: two.json\ntables: {}\n`,
      'line 3: dms: /etc/two.json: it has 2 endpoints with S3Settings: keep the one of this landing',
    ],
    [
      `${HEAD}dms: none.json\ntables: {}\n`,
      'line 3: dms: /etc/none.json cannot be read as JSON. Write there what `aws dms describe-endpoints` prints',
    ],
  ])('%j', async (text, message) => {
    await expect(parse(text)).rejects.toThrow(`/etc/tributary.yaml, ${message}`)
  })
  test('a type that is none', async () => {
    await expect(parse(`${HEAD}tables:\n  a.b:\n    key: [x]\n    columns:\n      x: lng\n`)).rejects.toThrow(
      /line 7: .*"lng" is not a type/,
    )
  })
})

test('the JSON Schema that ships is up to date', async () => {
  expect(await readFile(fileURLToPath(new URL('../../tributary.schema.json', import.meta.url)), 'utf8')).toBe(
    configJsonSchema(),
  )
})

test('a target for freshness is that of all tables, and a table may have its own', async () => {
  const tables = 'tables:\n  s.a: {key: [id]}\n  s.b: {key: [id], freshness: 30s}\n'
  const targets = async (text: string) => (await parse(text)).tables.map(({ freshnessMs }) => freshnessMs)
  expect(await targets(`${HEAD}freshness: 5m\n${tables}`)).toEqual([300_000, 30_000])
  expect(await targets(`${HEAD}${tables}`)).toEqual([undefined, 30_000])
})

test('properties of the table are those that say how files are packed, with values that mean something', async () => {
  const table = (properties: string) =>
    parse(`${HEAD}tables:\n  s.a:\n    key: [id]\n    properties:\n      ${properties}\n`)
  const { tables } = await table('delta.parquet.format.version: 2.12.0\n      delta.parquet.compression.codec: gzip')
  expect(tables[0]?.properties).toEqual({
    'delta.parquet.format.version': '2.12.0',
    'delta.parquet.compression.codec': 'gzip',
  })
  await expect(table('delta.parquet.format.version: 3.0.0')).rejects.toThrow(
    /line 6: .*delta\.parquet\.format\.version is "3\.0\.0".* Set it to 1\.0\.0, which every reader knows, or to 2\.12\.0\./,
  )
  await expect(table('delta.enableDeletionVectors: false')).rejects.toThrow(
    'line 7: delta.enableDeletionVectors is not a setting of tables.s.a.properties. Correct the name or leave it out: docs/configuration.md lists all',
  )
})
