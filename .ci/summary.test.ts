import { expect, test } from 'vitest'
import { parseResults, parseStated, skippedSuites, total } from './summary.ts'

const report = JSON.stringify({
  testResults: [
    {
      name: 'a.test.ts',
      status: 'passed',
      assertionResults: [
        { ancestorTitles: ['readers'], status: 'skipped' },
        { ancestorTitles: ['readers', 'delta-rs'], status: 'pending' },
        { ancestorTitles: [], status: 'passed' },
        { ancestorTitles: [], status: 'todo' },
      ],
    },
    { name: 'b.test.ts', status: 'failed', assertionResults: [] },
  ],
})

test('a suite is skipped when none of its tests ran', () => {
  expect(skippedSuites(parseResults(report))).toEqual(['a.test.ts > readers'])
})

test('a file that could not be loaded counts as a failed test', () => {
  expect(total(parseResults(report))).toBe('1 passed, 1 failed, 3 skipped')
})

test('the README states one number for a fresh clone and one with the shared folder beside it', () => {
  const readme = '# Tributary\n\nSkipped suites in a fresh clone: 2; with `../shared` beside it: 0.\n'
  expect(parseStated(readme)).toEqual({ alone: 2, besideShared: 0 })
  expect(parseStated('# Tributary\n')).toBeUndefined()
})
