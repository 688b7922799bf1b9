// Slow for the number of inputs: damaged logs give a state or an error with a code, and always an end.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkpointPath, SIDECAR_FOLDER } from '../../src/log/file-names.ts'
import { parseCommit } from '../../src/log/read-commit.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { parseSchema } from '../../src/protocol/parse-schema.ts'
import { parseStats } from '../../src/protocol/stats.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { add, encode, metadata, PROTOCOL, remove, writeCheckpointFile } from '../log/log-builder.ts'
import { expectTyped, LIMIT_MS, mutate, mutations, runs } from './mutations.ts'

const VECTOR = {
  storageType: 'u',
  pathOrInlineDv: 'vBn[lx{q8@P<9BNH/isA',
  offset: 1,
  sizeInBytes: 34,
  cardinality: 2,
} as const
const STATS = '{"numRecords":3,"minValues":{"id":9007199254740993},"maxValues":{"id":1.50},"nullCount":{"id":0}}'
const ACTIONS = [
  PROTOCOL,
  metadata({ 'delta.appendOnly': 'false' }),
  add('a=1/b.parquet', { partitionValues: { a: '1' }, stats: STATS, deletionVector: VECTOR }),
  remove('c.parquet'),
  { txn: { appId: 'app', version: 3, lastUpdated: 4 } },
  { domainMetadata: { domain: 'd', configuration: '{}', removed: false } },
]
const STATE_CODES = ['TABLE_STATE_MISSING', 'SCHEMA_CORRUPT', 'UNSUPPORTED_READER_FEATURE']

function linesOf(actions: readonly object[]): Uint8Array {
  return encode(actions.map((action) => JSON.stringify(action)).join('\n'))
}

test(
  'a damaged commit is read or refused',
  async () => {
    const good = linesOf(ACTIONS)
    const property = fc.asyncProperty(mutations, async (changes) => {
      await expectTyped(['COMMIT_CORRUPT'], () => parseCommit('0.json', mutate(good, changes)))
    })
    await fc.assert(property, runs(8000))
  },
  LIMIT_MS,
)

test(
  'any JSON at all is an action, none, or refused',
  async () => {
    const kind = fc.constantFrom(
      'add',
      'remove',
      'cdc',
      'metaData',
      'protocol',
      'txn',
      'domainMetadata',
      'commitInfo',
      'other',
    )
    const field = fc.constantFrom(
      'path',
      'size',
      'partitionValues',
      'deletionVector',
      'id',
      'format',
      'schemaString',
      'tags',
      '__proto__',
    )
    const action = fc.dictionary(kind, fc.oneof(fc.dictionary(field, fc.jsonValue()), fc.jsonValue()), { maxKeys: 2 })
    const property = fc.asyncProperty(action, async (value) => {
      await expectTyped(['COMMIT_CORRUPT'], () => parseCommit('0.json', linesOf([value])))
    })
    await fc.assert(property, runs(4000))
  },
  LIMIT_MS,
)

test(
  'damaged schemas and statistics are read or refused',
  async () => {
    const schema = encode(
      '{"type":"struct","fields":[{"name":"a","type":{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"decimal(10,2)","containsNull":true},"valueContainsNull":true},"nullable":true,"metadata":{}}]}',
    )
    const property = fc.asyncProperty(mutations, async (changes) => {
      await expectTyped(['SCHEMA_CORRUPT'], () => parseSchema(new TextDecoder().decode(mutate(schema, changes))))
      parseStats(new TextDecoder().decode(mutate(encode(STATS), changes)))
    })
    await fc.assert(property, runs(4000))
  },
  LIMIT_MS,
)

test(
  'a damaged checkpoint is read or refused, in both forms and in its sidecars',
  async () => {
    const source = memoryStore()
    await writeCheckpointFile(source, checkpointPath(0), ACTIONS, { rowGroupRows: 2048 })
    await writeCheckpointFile(source, `${SIDECAR_FOLDER}s.parquet`, [add('a', { stats: STATS }), remove('b')])
    const parquet = await source.read(checkpointPath(0))
    const sidecar = await source.read(`${SIDECAR_FOLDER}s.parquet`)
    const json = linesOf([
      { checkpointMetadata: { version: 0 } },
      PROTOCOL,
      metadata(),
      { sidecar: { path: 's.parquet', sizeInBytes: 1 } },
    ])
    const jsonName = checkpointPath(0).replace(
      'checkpoint.parquet',
      'checkpoint.01234567-89ab-cdef-0123-456789abcdef.json',
    )
    const property = fc.asyncProperty(
      mutations,
      fc.constantFrom('parquet', 'json', 'sidecar'),
      async (changes, form) => {
        const store = memoryStore()
        if (form === 'parquet') await store.write(checkpointPath(0), mutate(parquet, changes))
        else {
          await store.write(jsonName, form === 'json' ? mutate(json, changes) : json)
          await store.write(`${SIDECAR_FOLDER}s.parquet`, form === 'sidecar' ? mutate(sidecar, changes) : sidecar)
        }
        const snapshot = await expectTyped(['CHECKPOINT_CORRUPT', ...STATE_CODES], () => readSnapshot(store))
        expect(snapshot?.files.length ?? 0).toBeLessThan(10)
      },
    )
    await fc.assert(property, runs(1500))
  },
  LIMIT_MS,
)
