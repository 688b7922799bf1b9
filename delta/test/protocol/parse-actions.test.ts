import { expect, test } from 'vitest'
import { commitCorrupt } from '../../src/errors.ts'
import type { Action } from '../../src/protocol/actions.ts'
import { parseAction, parseActionLine } from '../../src/protocol/parse-actions.ts'

test('an add keeps the fields that the protocol knows, and no other', () => {
  const line =
    '{"add":{"path":"a","partitionValues":{"p":null},"size":1,"modificationTime":2,"dataChange":true,"stats":"{}","unknown":1}}'
  expect(parse(line)).toEqual({
    add: { path: 'a', partitionValues: { p: null }, size: 1, modificationTime: 2, dataChange: true, stats: '{}' },
  })
})

test('a deletion vector comes with its file, and offset only where there is one', () => {
  const vector = { storageType: 'i', pathOrInlineDv: 'abcde', sizeInBytes: 4, cardinality: 1 }
  const add = { path: 'a', partitionValues: {}, size: 1, modificationTime: 2, dataChange: true, deletionVector: vector }
  expect(parse(JSON.stringify({ add }))).toEqual({ add })
})

test('a partition column named __proto__ is one like any other', () => {
  const action = parse(
    '{"add":{"path":"a","partitionValues":{"__proto__":"x"},"size":1,"modificationTime":2,"dataChange":true}}',
  )
  const values = action && 'add' in action ? action.add.partitionValues : {}
  expect(Object.entries(values)).toEqual([['__proto__', 'x']])
  expect(JSON.stringify(action)).toContain('{"__proto__":"x"}')
})

test('an action named __proto__ changes nothing and is ignored', () => {
  expect(parse('{"__proto__":{"add":{"path":"a"}}}')).toBeUndefined()
})

test('blank lines and actions that we do not know are passed over', () => {
  expect(parse('')).toBeUndefined()
  expect(parse('  \r')).toBeUndefined()
  expect(parse('{"checkpointMetadata":{"version":1}}')).toBeUndefined()
})

test('rows of a checkpoint, with bigint and null, give the same action as JSON', () => {
  const row = { add: null, txn: { appId: 'app', version: 7n, lastUpdated: null } }
  expect(parseAction(row, complain)).toEqual({ txn: { appId: 'app', version: 7 } })
})

test('all other actions are read', () => {
  const actions: readonly Action[] = [
    {
      remove: {
        path: 'a',
        dataChange: true,
        deletionTimestamp: 1,
        extendedFileMetadata: true,
        partitionValues: {},
        size: 3,
        tags: { t: 'x' },
      },
    },
    { cdc: { path: 'c', partitionValues: {}, size: 3, dataChange: false } },
    {
      metaData: {
        id: 'i',
        format: { provider: 'parquet', options: {} },
        schemaString: '{}',
        partitionColumns: ['p'],
        createdTime: 1,
        configuration: { k: 'v' },
      },
    },
    { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['a'], writerFeatures: ['a'] } },
    { domainMetadata: { domain: 'd', configuration: '{}', removed: false } },
    { commitInfo: { timestamp: 1, operation: 'WRITE', operationParameters: { any: { thing: [1] } }, txnId: 't' } },
  ]
  for (const action of actions) expect(parse(JSON.stringify(action))).toEqual(action)
})

test('commitInfo is free-form: a field of another type is left out', () => {
  expect(parse('{"commitInfo":{"timestamp":"yesterday","operation":"WRITE"}}')).toEqual({
    commitInfo: { operation: 'WRITE' },
  })
})

test.each([
  ['{"add":', 'it is not JSON'],
  ['[]', 'the action is not an object'],
  ['{"add":"a"}', 'add is not an object'],
  ['{"add":{"size":1}}', 'path is missing'],
  ['{"add":{"path":5,"size":1}}', 'path is not a text'],
  ['{"add":{"path":"a","size":1.5}}', 'size is not an integer'],
  ['{"add":{"path":"a","size":1,"partitionValues":{"p":5}}}', 'the partition value of "p" is not a text'],
  ['{"add":{"path":"a","size":1,"partitionValues":[]}}', 'partitionValues is not an object'],
  ['{"add":{"path":"a","size":1,"deletionVector":{"storageType":"x"}}}', 'storageType is "x"'],
  [
    '{"protocol":{"minReaderVersion":1,"minWriterVersion":2,"readerFeatures":"all"}}',
    'readerFeatures is not a list of texts',
  ],
])('the line %s is refused with file and line', (line, why) => {
  expect(() => parse(line)).toThrow(
    `The commit log/7.json is damaged at line 3: ${why}. Restore the file from a backup.`,
  )
})

function complain(why: string, cause?: unknown): Error {
  return commitCorrupt('log/7.json', 3, why, { cause })
}

function parse(line: string): Action | undefined {
  return parseActionLine(line, complain)
}
