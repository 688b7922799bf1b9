// `make bench`: Tributary, its peers and the floor, in fresh processes and alternating order, suite by suite. It fails when a goal is missed
// by more than the noise, when anybody's rows are not those of the generated files, and when the tables are smaller than what the goals speak of.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkOutBase } from './base.ts'
import { type Duck, literal, openDuck } from './engine.ts'
import { keepResult } from './kept.ts'
import { type Circumstances, readCircumstances } from './machine.ts'
import { type BenchOptions, parseOptions, USAGE, whyTry } from './options.ts'
import { BENCH, CHECKOUT, findExtension } from './places.ts'
import { LEGEND, type SuiteResult, suiteText } from './report.ts'
import type { Bench, Program } from './rounds.ts'
import { SUITES } from './suites.ts'

const WORDS_MAX = 2000

try {
  const options = parseOptions(process.argv.slice(2))
  const duck = await openDuck()
  process.exitCode = await bench(duck, options)
  duck.close()
} catch (error) {
  console.error(
    error instanceof RangeError || (error instanceof TypeError && 'code' in error)
      ? `bench: ${error.message}\n${USAGE}`
      : error,
  )
  process.exitCode = 1
}

async function bench(duck: Duck, options: BenchOptions): Promise<number> {
  const say = (text: string): void => console.error(`bench: ${text}`)
  await duck.run(`LOAD ${literal(await findExtension('delta'))}`)
  const circumstances = await readCircumstances(duck)
  const work = join(BENCH, 'data', 'work')
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const ours: Program = { suffix: '', root: CHECKOUT }
  const programs = options.base === undefined ? [ours] : [ours, await checkOutBase(options.base, say)]
  const parts: Bench = { duck, options, work, programs, say }
  const results: SuiteResult[] = []
  const at = new Date().toISOString()
  for (const suite of options.only) {
    results.push(await runSuite(parts, suite))
    // After each suite: what is measured by then stays, whatever comes.
    await keepResult({ schema: 'tributary.bench/2', at, options, ...circumstances, results })
  }
  await rm(work, { recursive: true, force: true })
  console.log([...headText(options, circumstances), '', ...results.map(suiteText), LEGEND].join('\n'))
  const why = whyTry(options)
  if (why !== undefined) say(why)
  return why === undefined && results.every(isGood) ? 0 : 1
}

/** One suite that fails leaves the others. */
async function runSuite(parts: Bench, suite: keyof typeof SUITES): Promise<SuiteResult> {
  try {
    return { suite, ...(await SUITES[suite](parts)) }
  } catch (error) {
    // The end of what a process said tells more than its beginning.
    const failed = (error instanceof Error ? error.message : String(error)).slice(-WORDS_MAX)
    parts.say(`${suite} failed: ${failed}`)
    return { suite, failed }
  }
}

function isGood(result: SuiteResult): boolean {
  return result.failed === undefined && result.figures.every(({ goal }) => goal?.verdict !== 'missed')
}

function headText(options: BenchOptions, { machine, versions, commit }: Circumstances): readonly string[] {
  return [
    `tables of ${options.rows} rows, ${options.changes} changes, ${options.rounds} rounds, seed ${options.seed}`,
    machine,
    Object.entries({ ...versions, commit, ...(options.base === undefined ? {} : { base: options.base }) })
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    ...(whyTry(options) === undefined ? [] : ['A TRY: these figures prove nothing']),
  ]
}
