export { changeRecordsSql } from './changes/change-records.ts'
export { acknowledgeCursor, type Cursor, type CursorPlace, readCursor } from './changes/cursor.ts'
export { listChanges, type TableChanges } from './changes/list-changes.ts'
export { type ChangesWish, type PlannedChanges, planChanges } from './changes/plan-changes.ts'
export { readTableChanges } from './changes/read-table-changes.ts'
export { type CursorRead, type CursorWish, readWithCursor } from './changes/read-with-cursor.ts'
export { CHANGE_OPS, type ChangeOp, type ChangesView, changePairs, changeRowsSql } from './changes/select-changes.ts'
export { type ChangesSummary, summarizeChanges } from './changes/summarize-changes.ts'
export { type Config, readConfig, type TableConfig } from './config/config.ts'
export { parseYaml } from './config/yaml-document.ts'
export { historyNameOf } from './history-table/history-name.ts'
export { HISTORY_COLUMNS, historyOrderSql, historyTimeOrderSql } from './history-table/history-shape.ts'
export { type ConfigProposal, proposeConfig } from './init/propose-config.ts'
export { type Arrears, progressOf, readArrears } from './inspect/arrears.ts'
export { type CheckReport, checkTable } from './inspect/check.ts'
export { type Explanation, explainCommit } from './inspect/explain.ts'
export { type HistoryEntry, readHistory } from './inspect/history.ts'
export { listQuarantine, readQuarantined } from './inspect/quarantined.ts'
export { type RowLife, rowLife } from './inspect/row.ts'
export { keyCondition, parseKey } from './inspect/row-key.ts'
export { showTable, type TableDescription } from './inspect/show.ts'
export { type LakeStatus, readStatus, type TableStatus } from './inspect/status.ts'
export type { QuarantinedRow } from './ledger/quarantine.ts'
export {
  type Adoption,
  adoptTable,
  assertFed,
  type Holds,
  planAdoption,
  releaseTable,
} from './maintain/adopt-table.ts'
export { keepLog } from './maintain/log-upkeep.ts'
export { optimizeTable } from './maintain/optimize-table.ts'
export { type Pin, type PinPlace, pinPlaceOf, pinVersion, readPins, unpin } from './maintain/pins.ts'
export { planTableRestore, restoreTable, type TableRestore } from './maintain/restore-table.ts'
export { planTableVacuum, type TableVacuum, vacuumTable } from './maintain/vacuum-table.ts'
export { readSnapshotAt } from './query/snapshot-at.ts'
export { readSourceTimes } from './query/source-times.ts'
export { prepareQuery, sealEngine } from './query/sql.ts'
export {
  isNode,
  itemsOf,
  parseQuery,
  someNode,
  type Tree,
  type TreeNode,
  textOf,
  writeQuery,
} from './query/syntax-tree.ts'
export { findNamedTable, type NamedTable } from './query/tables.ts'
export { resolveTime, resolveVersion } from './query/version-text.ts'
export { parseLandingPlace } from './queue/notification.ts'
export type { Queue, QueueMessage } from './queue/queue.ts'
export { openSqsQueue } from './queue/sqs.ts'
export {
  type FollowOptions,
  followQueue,
  type WorkerLimits,
  type WorkerParts,
} from './worker/follow-queue.ts'
export { type IngestSummary, ingest, type TableSummary } from './worker/ingest.ts'
export { type SpareTime, spareTime } from './worker/keep-tables.ts'
export { findTable, type Lake, openLake } from './worker/lake.ts'
export { missingLanding } from './worker/landing-folder.ts'
export { type ReplayOutcome, replayQuarantine } from './worker/replay.ts'
export { type Choice, listChoices, type Resolution, resolveTable } from './worker/resolve.ts'
export type { IngestEvent, IngestOptions } from './worker/run.ts'
export { type ListenPlace, type MetricsServer, serveMetrics } from './worker/serve-metrics.ts'
export { type WatchOptions, watch } from './worker/watch.ts'
export { type WorkerMetrics, workerMetrics } from './worker/worker-metrics.ts'
export type { WorkerSignal } from './worker/worker-signal.ts'
