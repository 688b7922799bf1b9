// PROTOCOL.md, "Table Features": old version numbers imply features; version 7 lists them. A table gets the lowest numbers that tell
// the truth, and whoever goes from numbers to a list has to list all that the numbers implied.

import type { Protocol } from './actions.ts'
import { featuresOf, LEGACY_WRITER_FEATURES, typeFeatures } from './features.ts'
import type { StructType } from './schema.ts'

/** The protocol of a table that nothing is known of yet. */
export const LOWEST_PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }

// Features that a reader has to know too; they stand in both lists.
const READER_WRITER_FEATURES = new Set([
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'typeWidening',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'variantType',
])

/** The protocol raised so far that all of the features are in force; the same object where they are already. Never lowered. */
export function raiseProtocol(protocol: Protocol, features: readonly string[]): Protocol {
  const known = new Set(featuresOf(protocol))
  const missing = features.filter((name) => !known.has(name))
  if (missing.length === 0) return protocol
  return (protocol.minWriterVersion < 7 ? raiseNumbers(protocol, missing) : undefined) ?? list(protocol, features)
}

/**
 * The action without which a commit may not bring a table to this schema: its protocol raised to the features that the types of the columns
 * need. None where they are in force already.
 */
export function protocolActions(protocol: Protocol, schema: StructType): readonly { readonly protocol: Protocol }[] {
  const raised = raiseProtocol(protocol, typeFeatures(schema))
  return raised === protocol ? [] : [{ protocol: raised }]
}

/** Undefined when a feature has no number. */
function raiseNumbers(protocol: Protocol, missing: readonly string[]): Protocol | undefined {
  const versions = missing.map((name) => LEGACY_WRITER_FEATURES.find(([, known]) => known === name)?.[0])
  if (!versions.every((version) => version !== undefined)) return undefined
  return {
    minReaderVersion: missing.includes('columnMapping')
      ? Math.max(2, protocol.minReaderVersion)
      : protocol.minReaderVersion,
    minWriterVersion: Math.max(protocol.minWriterVersion, ...versions),
  }
}

function list(protocol: Protocol, features: readonly string[]): Protocol {
  // A new table has no past versions that could have used what the lowest number implies.
  const known = protocol === LOWEST_PROTOCOL ? [] : featuresOf(protocol)
  const all = [...new Set([...known, ...features])].sort()
  const forReaders = all.filter((name) => READER_WRITER_FEATURES.has(name))
  // Column mapping alone is what reader version 2 means: older readers know that number.
  const isListed = forReaders.some((name) => name !== 'columnMapping') || protocol.minReaderVersion === 3
  if (isListed)
    return {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: readersOf(protocol, forReaders),
      writerFeatures: all,
    }
  return {
    minReaderVersion: forReaders.length > 0 ? 2 : protocol.minReaderVersion,
    minWriterVersion: 7,
    writerFeatures: all,
  }
}

// A reader feature that we do not know by name stays where it is.
function readersOf(protocol: Protocol, forReaders: readonly string[]): readonly string[] {
  return [...new Set([...(protocol.readerFeatures ?? []), ...forReaders])].sort()
}
