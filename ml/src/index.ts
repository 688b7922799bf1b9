export { type BuildOptions, type BuildOutcome, buildDataset } from './datasets/build.ts'
export { type Definition, parseDefinition } from './datasets/definition.ts'
export { listDefinitions, readDefinition } from './datasets/definition-files.ts'
export { type DatasetDiff, diffDatasets } from './datasets/diff.ts'
export { type ColumnDrift, type DriftOptions, type DriftReport, driftBetween } from './datasets/drift.ts'
export { driftPage } from './datasets/drift-page.ts'
export { explainRow, type RowExplanation } from './datasets/explain.ts'
export {
  EXPORT_TARGETS,
  type ExportOptions,
  type ExportSummary,
  type ExportTarget,
  exportDataset,
  NOT_WRITTEN,
} from './datasets/export.ts'
export { type GitState, readGitState } from './datasets/git-state.ts'
export type { GuardFinding, Manifest } from './datasets/manifest.ts'
export { type DatasetPlan, planDataset } from './datasets/plan.ts'
export { findDataset, listDatasets, readStats, removeDataset } from './datasets/published.ts'
export { type Erasure, findHolders, type Holder, redactDataset } from './datasets/redact.ts'
export type { DatasetStats } from './datasets/stats.ts'
export { type Verdict, verdictText, verifyDataset } from './datasets/verify.ts'
export { checkFeature, type FeatureCheckReport } from './features/check-feature.ts'
export { defineFeature, type FeatureDefinition, type FeatureSettings } from './features/definition.ts'
export type { FailedCheck } from './features/feature-checks.ts'
export { findFeature, orderFeatures, readFeatures } from './features/feature-files.ts'
export { type FeaturePlan, planFeature } from './features/plan-feature.ts'
export {
  type FeatureRows,
  type FeatureStatus,
  featureHistory,
  featureRow,
  featureStatus,
} from './features/read-feature.ts'
export {
  type RefreshMemory,
  type RefreshOptions,
  type RefreshOutcome,
  refreshFeature,
  refreshMemory,
} from './features/refresh.ts'
export type { ServedLog } from './features/served-log.ts'
export { type ColumnSkew, type FeatureSkewReport, featureSkew, type SkewExample } from './features/skew.ts'
export { type FeatureRefresh, openProject, type Project, type ProjectTable } from './project.ts'
