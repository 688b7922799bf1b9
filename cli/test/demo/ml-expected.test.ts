import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findDeviations } from '../../src/demo/ml-expected.ts'
import { parseResults, type TrainingResults } from '../../src/demo/ml-training.ts'

const kept = parseResults(await readFile(join(import.meta.dirname, '../../src/demo/ml/expected.json'), 'utf8'))

test('figures as they were kept deviate in nothing, and seeds lie within a hundredth', () => {
  expect(findDeviations(kept, kept)).toEqual([])
})

test('a figure off by more than a hundredth is told, with what was expected', () => {
  const { auc } = kept.ways['known']?.service ?? { auc: 0 }
  expect(findDeviations(withKnown(auc - 0.0101, 0), kept)).toEqual([
    { what: 'known in service', found: auc - 0.0101, expected: auc },
  ])
  expect(findDeviations(withKnown(auc - 0.0099, 0), kept)).toEqual([])
})

test('seeds that lie further apart are told too, and so is a figure that nobody kept', () => {
  const { auc } = kept.ways['known']?.service ?? { auc: 0 }
  expect(findDeviations(withKnown(auc, 0.021), kept)).toHaveLength(1)
  expect(findDeviations({ ...kept, staleness: { ...kept.staleness, 48: { auc: 0.6, spread: 0 } } }, kept)).toEqual([
    { what: 'inputs 48 h late', found: 0.6, expected: Number.NaN },
  ])
})

function withKnown(auc: number, spread: number): TrainingResults {
  const known = kept.ways['known']
  if (known === undefined) throw new Error('no figures of the way `known` were kept')
  return { ...kept, ways: { ...kept.ways, known: { ...known, service: { auc, spread } } } }
}
