// PROTOCOL.md, "Checkpoints": one row an action, each in the column of its kind. Rows are lines of JSON that DuckDB reads with the
// types given here.

import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile, RemoveFile } from '../protocol/actions.ts'
import { parseStats } from '../protocol/stats.ts'
import { deletedFileRetentionMs, flagOf } from './retention.ts'
import { partitionValuesStruct, partitionValuesType, statsStruct, statsType } from './stats-columns.ts'

const MAP = 'MAP(VARCHAR, VARCHAR)'
const VECTOR =
  'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, cardinality BIGINT)'

/** DuckDB's types of the columns that are not about files. */
export const STATE_COLUMNS = {
  txn: 'STRUCT("appId" VARCHAR, version BIGINT, "lastUpdated" BIGINT)',
  metaData: `STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${MAP}), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], configuration ${MAP}, "createdTime" BIGINT)`,
  protocol:
    'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER, "readerFeatures" VARCHAR[], "writerFeatures" VARCHAR[])',
  domainMetadata: 'STRUCT(domain VARCHAR, configuration VARCHAR, removed BOOLEAN)',
} as const

/** The further columns of a checkpoint of the second kind. */
export const V2_COLUMNS = {
  checkpointMetadata: `STRUCT(version BIGINT, tags ${MAP})`,
  sidecar: `STRUCT(path VARCHAR, "sizeInBytes" BIGINT, "modificationTime" BIGINT, tags ${MAP})`,
} as const

/** DuckDB's types of the columns of files; statistics are there in the forms that the table's properties ask for. */
export function fileColumns(snapshot: Snapshot): { readonly add: string; readonly remove: string } {
  const { json, struct } = statsForms(snapshot)
  const partitionValues = struct ? partitionValuesType(snapshot) : undefined
  const add = [
    `path VARCHAR, "partitionValues" ${MAP}, size BIGINT, "modificationTime" BIGINT, "dataChange" BOOLEAN`,
    ...(json ? ['stats VARCHAR'] : []),
    `tags ${MAP}, "deletionVector" ${VECTOR}, "baseRowId" BIGINT, "defaultRowCommitVersion" BIGINT, "clusteringProvider" VARCHAR`,
    ...(struct ? [`"stats_parsed" ${statsType(snapshot)}`] : []),
    ...(partitionValues === undefined ? [] : [`"partitionValues_parsed" ${partitionValues}`]),
  ]
  const remove = `path VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN, "partitionValues" ${MAP}, size BIGINT, "deletionVector" ${VECTOR}, "baseRowId" BIGINT, "defaultRowCommitVersion" BIGINT`
  return { add: `STRUCT(${add.join(', ')})`, remove: `STRUCT(${remove})` }
}

/** Protocol, metadata, transactions and domains. */
export function* stateRows(snapshot: Snapshot): Generator<object> {
  yield { protocol: snapshot.protocol }
  yield { metaData: snapshot.metadata }
  for (const txn of snapshot.transactions.values()) yield { txn }
  for (const [domain, configuration] of snapshot.domains)
    yield { domainMetadata: { domain, configuration, removed: false } }
}

/** The live files, and the removed ones that readers of older versions may still need. */
export function* fileRows(snapshot: Snapshot, nowMs: number): Generator<object> {
  const forms = statsForms(snapshot)
  const partitioned = forms.struct && partitionValuesType(snapshot) !== undefined
  for (const { stats, ...file } of snapshot.files) {
    const add: Omit<AddFile, 'stats'> = { ...file, dataChange: false }
    const parsed = forms.struct ? parseStats(stats) : undefined
    yield {
      add: {
        ...add,
        ...(forms.json ? { stats } : {}),
        ...(parsed === undefined ? {} : { stats_parsed: statsStruct(snapshot, parsed) }),
        ...(partitioned ? { partitionValues_parsed: partitionValuesStruct(snapshot, file.partitionValues) } : {}),
      },
    }
  }
  const expiredMs = nowMs - deletedFileRetentionMs(snapshot.metadata)
  for (const remove of snapshot.tombstones) {
    if ((remove.deletionTimestamp ?? 0) > expiredMs) yield { remove: tombstone(remove) }
  }
}

function statsForms({ metadata }: Snapshot): { readonly json: boolean; readonly struct: boolean } {
  return {
    json: flagOf(metadata, 'delta.checkpoint.writeStatsAsJson', true),
    struct: flagOf(metadata, 'delta.checkpoint.writeStatsAsStruct', false),
  }
}

function tombstone({ stats: _stats, tags: _tags, ...remove }: RemoveFile): RemoveFile {
  return { ...remove, dataChange: false }
}
