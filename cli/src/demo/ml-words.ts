// What the training demo says: a line a step, with the time that it took, and the table of what leaks and what freshness is worth.
import type { Manifest } from '@tributary/ml'
import { countText, secondsText } from '../quantity.ts'
import type { Cell } from '../table-format.ts'
import type { ServedFeature } from './ml-request.ts'
import type { StepTotals } from './ml-stream.ts'
import type { Auc, TrainingResults } from './ml-training.ts'

/** A step of the demo, after the time that it took. */
export function timedLine(ms: number, text: string): string {
  return `${secondsText(ms).padStart(8)}  ${text}`
}

/** What came in by steps of one kind. */
export function stepsText({ kind, steps, changes, commits, refreshMs, refreshes }: StepTotals): string {
  const what =
    kind === 'load'
      ? 'full load'
      : `${countText(steps)} ${steps === 1 ? 'step' : 'steps'} of ${kind === 'hour' ? 'an hour' : `a ${kind}`}`
  const features =
    refreshes === 0
      ? ''
      : `; features refreshed after each: ${countText(refreshes)} times, ${secondsText(refreshMs)} of it`
  return `${what}: ${countText(changes)} changes, ${countText(commits)} commits${features}`
}

/** How many keys a refresh computes. */
export function affectedText({ affected }: StepTotals): string {
  return [...affected].map(([name, counts]) => `${name} ${countText(median(counts))}`).join(', ')
}

/** A dataset that was built. */
export function datasetText({ name, id, splits }: Manifest): string {
  const rows = Object.entries(splits).map(([part, split]) => `${part} ${countText(split.rows)}`)
  return `dataset ${name}@${id}: ${rows.join(', ')} rows`
}

/** A row of a feature that was served. */
export function servedText({ name, key, version, ageMs, values }: ServedFeature): string {
  const columns = Object.entries(values).map(([column, value]) => `${column} ${valueText(value)}`)
  return `features.${name} ${key}: v${version}, ${Math.round(ageMs / 60_000)} minutes old: ${columns.join(', ')}`
}

/** The columns and rows of the table of ways. */
export function waysTable({ ways }: TrainingResults): {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
} {
  return {
    columns: ['how the training set was built', 'offline', 'in service', 'lost', 'seeds ±'],
    rows: Object.values(ways).map(({ title, offline, service }) => [
      title,
      offline.auc.toFixed(4),
      service.auc.toFixed(4),
      (offline.auc - service.auc).toFixed(4),
      (Math.max(offline.spread, service.spread) / 2).toFixed(4),
    ]),
  }
}

/** The columns and rows of the table of freshness. */
export function freshnessTable({ staleness }: TrainingResults): {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
} {
  const byHours = Object.entries(staleness).toSorted(([a], [b]) => Number(a) - Number(b))
  const fresh: Auc = byHours[0]?.[1] ?? { auc: Number.NaN, spread: Number.NaN }
  return {
    columns: ['inputs', 'AUC', 'lost', 'seeds ±'],
    rows: byHours.map(([hours, { auc, spread }]) => [
      hours === '0' ? 'fresh' : `${hours} h late`,
      auc.toFixed(4),
      (fresh.auc - auc).toFixed(4),
      (spread / 2).toFixed(4),
    ]),
  }
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'unknown'
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(1) : String(value)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
