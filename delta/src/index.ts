export { type Clock, systemClock } from './clock.ts'
export type { Positions } from './deletion-vectors/bitmap.ts'
export type { DeletedRows } from './deletion-vectors/deleted-rows.ts'
export { readDeletionVector } from './deletion-vectors/read.ts'
export { recallDeletedRows, recallDeletionVector } from './deletion-vectors/recall.ts'
export { vectorBytesSpent } from './deletion-vectors/spent-bytes.ts'
export type { AppendValue } from './duckdb/append.ts'
export { attachStore } from './duckdb/attach-store.ts'
export { type Engine, openEngine } from './duckdb/engine.ts'
export { bloomFilterOptions, unskippedSql } from './duckdb/misjudged.ts'
export { duckdbType, quoteFileName, quoteName, quoteText } from './duckdb/sql.ts'
export { type Batch, batchRows, type EngineValue, type Row } from './duckdb/values.ts'
export type { Vectors } from './duckdb/vectors.ts'
export { type ErrorKind, TributaryError } from './errors.ts'
export { commitPath } from './log/file-names.ts'
export { type Commit, commitInfoOf, listCommitTimes, readCommits } from './log/read-commit.ts'
export {
  followSnapshot,
  type LiveFile,
  latestVersion,
  readSnapshot,
  refreshSnapshot,
  type Snapshot,
} from './log/snapshot.ts'
export { resolveTimestamp } from './log/time-travel.ts'
export { type CheckpointOptions, isCheckpointDue, writeCheckpoint } from './maintain/checkpoint.ts'
export { type CleanLogOptions, cleanLog, type LogCleanup } from './maintain/clean-log.ts'
export type { RowOrder } from './maintain/cluster-key.ts'
export {
  type OptimizeOptions,
  type OptimizePlan,
  type OptimizeSummary,
  optimize,
  planOptimize,
} from './maintain/optimize.ts'
export { type Bin, targetBytesOf } from './maintain/plan-optimize.ts'
export { findReadableRange, type RangeRequest, type ReadableRange } from './maintain/readable-range.ts'
export { planRestore, type RestorePlan, restore } from './maintain/restore.ts'
export { deletedFileRetentionMs, logRetentionMs } from './maintain/retention.ts'
export {
  type Rewrite,
  type RewriteOptions,
  type RewriteWork,
  rewriteFiles,
} from './maintain/rewrite-files.ts'
export { isInOrder, isInOtherOrder, orderColumns, orderOfFiles, rowOrderOf } from './maintain/row-order.ts'
export { planVacuum, type VacuumOptions, type VacuumPlan, vacuum } from './maintain/vacuum.ts'
export { assertNotVacuumed, readVersions } from './maintain/whole-version.ts'
export type {
  Action,
  AddFile,
  CommitInfo,
  DeletionVectorDescriptor,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './protocol/actions.ts'
export { formatColumnPath } from './protocol/column-path.ts'
export { allowsDeletionVectors, assertPlainlyWritable, assertWritable } from './protocol/features.ts'
export { encodeSchema, parseSchema } from './protocol/parse-schema.ts'
export { decodePath, encodePath, type LogPath } from './protocol/paths.ts'
export { protocolActions, raiseProtocol } from './protocol/raise-protocol.ts'
export type { ArrayType, DataType, MapType, PrimitiveType, StructField, StructType } from './protocol/schema.ts'
export { type FileStats, parseStats } from './protocol/stats.ts'
export {
  CHANGE_FIELDS,
  type ChangesRequest,
  type ChangesSelect,
  changePairsSql,
  changesSql,
  readChanges,
} from './read/changes.ts'
export type { Filter, FilterValue } from './read/filter.ts'
export { filterFiles } from './read/filter-files.ts'
export { csvHeader, csvSql, describeFields, jsonValueSql, ndjsonSql, readLines, textSql } from './read/render.ts'
export { readRows } from './read/rows.ts'
export { type ScanOptions, scanSql } from './read/scan.ts'
export { type ColumnBounds, filesThatMayHold } from './read/skipping.ts'
export { redact } from './redact.ts'
export { cachedStore } from './store/cached.ts'
export { diskCache, type ObjectCache } from './store/disk-cache.ts'
export { localStore } from './store/local.ts'
export { memoryStore } from './store/memory.ts'
export { placeName, placeOf as placeOfPath, readRangeAt } from './store/place.ts'
export type { ListOptions, Store, StoreEntry } from './store/store.ts'
export { storeAt } from './store/store-at.ts'
export {
  createTable,
  type HistoryEntry,
  openTable,
  type ScanRequest,
  Table,
  type TableParts,
  type TableSnapshot,
} from './table.ts'
export type { CellValue } from './write/cell-text.ts'
export { type CommitAttempt, type CommitOutcome, commit } from './write/commit.ts'
export type { ConflictReason } from './write/conflicts.ts'
export { createTableActions, type TableDefinition } from './write/create-table.ts'
export { type DataFilesRequest, writeDataFiles } from './write/data-files.ts'
export { deletionVectorActions, type FileDeletions, removeOf } from './write/deletion-vector-actions.ts'
export { type FileSettings, type IndexedColumns, type ParquetCodec, tableFileSettings } from './write/file-settings.ts'
export type { Reads } from './write/plan-rebase.ts'
export type { FilePositions, RowMoves } from './write/rebase.ts'
export { type RowReplacement, replaceRows } from './write/replace-rows.ts'
export type { NewRow, NewRows } from './write/stage-rows.ts'
export { type TableRows, type TargetTable, type WrittenRows, writeTableRows } from './write/table-rows.ts'
export { commitTransaction, type Transaction, type TransactionOutcome } from './write/transaction.ts'
export type { UpsertRequest } from './write/upsert-rows.ts'
export type { RowCounts, WriteOutcome, WriteWork } from './write/write-rows.ts'
