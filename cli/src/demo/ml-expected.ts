// Whether the demo found what it found when its figures were kept: `ml/expected.json`, the `auc.json` of such a run.
import type { Auc, TrainingResults } from './ml-training.ts'

/** A figure that is another than it was. */
export interface Deviation {
  readonly what: string
  readonly found: number
  readonly expected: number
}

/** So far an AUC may be off, and seeds may be apart. */
export const TOLERANCE = 0.01

/** Figures that are off, or whose seeds are apart, by more than the tolerance. */
export function findDeviations(found: TrainingResults, expected: TrainingResults): readonly Deviation[] {
  const before = new Map(figuresOf(expected))
  return figuresOf(found).flatMap(([what, { auc, spread }]): readonly Deviation[] => {
    const wanted = before.get(what)?.auc ?? Number.NaN
    const isOff = !(Math.abs(auc - wanted) <= TOLERANCE)
    return isOff || spread > 2 * TOLERANCE ? [{ what, found: auc, expected: wanted }] : []
  })
}

function figuresOf({ ways, staleness }: TrainingResults): readonly (readonly [string, Auc])[] {
  return [
    ...Object.entries(ways).flatMap(([name, { offline, service }]): (readonly [string, Auc])[] => [
      [`${name} offline`, offline],
      [`${name} in service`, service],
    ]),
    ...Object.entries(staleness).map(([hours, auc]): readonly [string, Auc] => [`inputs ${hours} h late`, auc]),
  ]
}
