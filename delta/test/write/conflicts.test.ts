import { expect, test } from 'vitest'
import type { Action, Metadata, Protocol } from '../../src/protocol/actions.ts'
import { findStateConflict, summarizeCommit } from '../../src/write/conflicts.ts'
import { add, remove } from '../log/log-builder.ts'

const V2: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }
const TABLE: Metadata = {
  id: 'table',
  format: { provider: 'parquet', options: {} },
  schemaString: '{}',
  partitionColumns: [],
  configuration: { 'delta.appendOnly': 'false' },
}
const features = (...names: string[]): Protocol => ({ minReaderVersion: 1, minWriterVersion: 7, writerFeatures: names })
const protocol = (changed: Protocol): Action => ({ protocol: changed })
const metaData = (changed: Partial<Metadata> = {}): Action => ({ metaData: { ...TABLE, ...changed } })
const domain = (name: string): Action => ({
  domainMetadata: { domain: name, configuration: '{}', removed: false },
})
const txn = (appId: string): Action => ({ txn: { appId, version: 1 } })

test.each<[string, Action[], Action[], string | undefined, string[]?]>([
  ['nothing but files', [add('a')], [add('b'), remove('c')], undefined],
  ['a protocol that lists what the numbers implied', [], [protocol(features('appendOnly', 'invariants'))], undefined],
  [
    'a feature that acts only through properties',
    [],
    [protocol(features('appendOnly', 'invariants', 'deletionVectors'))],
    undefined,
  ],
  [
    'a feature that binds all writers',
    [],
    [protocol(features('appendOnly', 'invariants', 'rowTracking'))],
    'protocol-changed: rowTracking',
  ],
  ['a feature that was dropped', [], [protocol(features('appendOnly'))], 'protocol-changed: invariants'],
  ['a protocol while we change it too', [protocol(V2)], [protocol(V2)], 'protocol-changed: protocol'],
  ['a protocol while we change metadata', [metaData()], [protocol(V2)], 'protocol-changed: protocol'],
  ['another schema', [add('a')], [metaData({ schemaString: '{"a":1}' })], 'metadata-changed: schema'],
  ['another id', [add('a')], [metaData({ id: 'new' })], 'metadata-changed: id'],
  ['other partitions', [add('a')], [metaData({ partitionColumns: ['p'] })], 'metadata-changed: partitionColumns'],
  [
    'a property that binds writers',
    [add('a')],
    [metaData({ configuration: { 'delta.appendOnly': 'true' } })],
    'metadata-changed: delta.appendOnly',
  ],
  [
    'the leave to write deletion vectors',
    [add('a')],
    [metaData({ configuration: { 'delta.appendOnly': 'false', 'delta.enableDeletionVectors': 'false' } })],
    'metadata-changed: delta.enableDeletionVectors',
  ],
  [
    'a property of upkeep',
    [add('a')],
    [metaData({ configuration: { 'delta.appendOnly': 'false', 'delta.checkpointInterval': '20' } })],
    undefined,
  ],
  ['another name only', [add('a')], [metaData({ name: 'other' })], undefined],
  ['metadata while we change them too', [metaData()], [metaData({ name: 'other' })], 'metadata-changed: metaData'],
  ['the metadata as they were while we change them', [metaData({ name: 'new' })], [metaData()], undefined],
  ['a domain that we set too', [domain('app')], [domain('other'), domain('app')], 'same-domain: app'],
  ['the domain of row ids', [domain('delta.rowTracking')], [domain('delta.rowTracking')], undefined],
  ['an application that we set too', [txn('app')], [txn('app')], 'same-application: app'],
  ['an application that we read', [], [txn('app')], 'same-application: app', ['app']],
  ['another application', [txn('app')], [txn('other')], undefined],
])('a winner with %s', (_, ours, theirs, reason, appIds = []) => {
  const found = findStateConflict(summarizeCommit(ours), summarizeCommit(theirs), {
    protocol: V2,
    metadata: TABLE,
    appIds,
  })
  expect(found === undefined ? undefined : `${found.because}: ${found.subject}`).toBe(reason)
})

test('both ends of a file come together under any spelling of its path', () => {
  const vector = { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 } as const
  const { files } = summarizeCommit([add('a%20b', { deletionVector: vector, dataChange: false }), remove('a b')])
  expect([...files.values()]).toMatchObject([
    { path: 'a b', before: { path: 'a b' }, after: { deletionVector: vector }, dataChange: true },
  ])
})
