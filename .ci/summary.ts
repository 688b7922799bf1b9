// Reads vitest's JSON results: `summary.ts skipped FILE` compares the number of skipped suites with the number that
// the README states, `summary.ts total FILE` prints the closing line of CI.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** One test as vitest reports it; `suite` is its file and outermost `describe`. */
export interface TestResult {
  readonly suite: string
  readonly status: 'passed' | 'failed' | 'skipped'
}

/** Reads vitest's JSON report. A file that could not even be loaded has no tests: it counts as one failed test. */
export function parseResults(text: string): readonly TestResult[] {
  const report = JSON.parse(text) as {
    testResults: { name: string; status: string; assertionResults: { ancestorTitles: string[]; status: string }[] }[]
  }
  return report.testResults.flatMap((file): readonly TestResult[] => {
    if (file.assertionResults.length === 0)
      return file.status === 'failed' ? [{ suite: file.name, status: 'failed' }] : []
    return file.assertionResults.map((test) => ({
      suite: `${file.name} > ${test.ancestorTitles[0] ?? ''}`,
      status: test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped',
    }))
  })
}

/** The suites of which no test ran. */
export function skippedSuites(results: readonly TestResult[]): readonly string[] {
  const ran = new Set(results.filter((test) => test.status !== 'skipped').map((test) => test.suite))
  return [...new Set(results.map((test) => test.suite))].filter((suite) => !ran.has(suite))
}

/** The closing line: `N passed, N failed, N skipped`. */
export function total(results: readonly TestResult[]): string {
  const count = (status: TestResult['status']) => results.filter((test) => test.status === status).length
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`
}

/** What the README states: how many suites a fresh clone skips, and how many when the shared folder lies beside it. */
export function parseStated(readme: string): { readonly alone: number; readonly besideShared: number } | undefined {
  const line = /^Skipped suites in a fresh clone: (\d+); with `\.\.\/shared` beside it: (\d+)\.$/m.exec(readme)
  return line === null ? undefined : { alone: Number(line[1]), besideShared: Number(line[2]) }
}

function checkSkipped(results: readonly TestResult[]): number {
  const skipped = skippedSuites(results)
  console.log(`Skipped suites: ${skipped.length}`)
  for (const suite of skipped) console.log(`  ${suite.replace(`${root}/`, '')}`)
  const readme = join(root, 'README.md')
  const stated = existsSync(readme) ? parseStated(readFileSync(readme, 'utf8')) : undefined
  if (stated === undefined) {
    console.error('README.md must say: Skipped suites in a fresh clone: N; with `../shared` beside it: N.')
    return 1
  }
  const expected = existsSync(join(root, '../shared')) ? stated.besideShared : stated.alone
  if (skipped.length === expected) return 0
  console.error(`README.md states ${expected} skipped suites here, but ${skipped.length} were skipped.`)
  return 1
}

if (import.meta.main) {
  const [task, file = ''] = process.argv.slice(2)
  const results = parseResults(readFileSync(file, 'utf8'))
  if (task === 'skipped') process.exitCode = checkSkipped(results)
  else console.log(total(results))
}
