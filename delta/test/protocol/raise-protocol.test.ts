import { expect, test } from 'vitest'
import type { Protocol } from '../../src/protocol/actions.ts'
import { LOWEST_PROTOCOL, raiseProtocol } from '../../src/protocol/raise-protocol.ts'

const legacy = (minReaderVersion: number, minWriterVersion: number): Protocol => ({
  minReaderVersion,
  minWriterVersion,
})

test.each<[string, Protocol, string[], Protocol]>([
  ['what is in force changes nothing', legacy(1, 4), ['changeDataFeed', 'appendOnly'], legacy(1, 4)],
  ['features with a number raise the number', legacy(1, 2), ['changeDataFeed'], legacy(1, 4)],
  ['column mapping raises both', legacy(1, 2), ['columnMapping'], legacy(2, 5)],
  [
    'a list names all that the numbers implied',
    legacy(1, 3),
    ['inCommitTimestamp'],
    {
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ['appendOnly', 'checkConstraints', 'inCommitTimestamp', 'invariants'],
    },
  ],
  [
    'a new table lists only what it uses',
    LOWEST_PROTOCOL,
    ['appendOnly', 'domainMetadata'],
    { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'domainMetadata'] },
  ],
  [
    'column mapping beside writer features stays at reader version 2',
    legacy(2, 5),
    ['domainMetadata'],
    {
      minReaderVersion: 2,
      minWriterVersion: 7,
      writerFeatures: [
        'appendOnly',
        'changeDataFeed',
        'checkConstraints',
        'columnMapping',
        'domainMetadata',
        'generatedColumns',
        'invariants',
      ],
    },
  ],
  [
    'a reader feature stands in both lists, and so does column mapping then',
    { minReaderVersion: 2, minWriterVersion: 7, writerFeatures: ['columnMapping'] },
    ['deletionVectors'],
    {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['columnMapping', 'deletionVectors'],
      writerFeatures: ['columnMapping', 'deletionVectors'],
    },
  ],
  [
    'features of others stay where they are',
    { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['odd'], writerFeatures: ['odd'] },
    ['inCommitTimestamp'],
    { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['odd'], writerFeatures: ['inCommitTimestamp', 'odd'] },
  ],
])('%s', (_, protocol, features, expected) => {
  expect(raiseProtocol(protocol, features)).toEqual(expected)
})
