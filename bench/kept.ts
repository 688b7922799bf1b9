// The result of a run as JSON, in `bench/results/`. Git keeps `published-*.json`, of which the page in `docs/` is made.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Circumstances } from './machine.ts'
import type { BenchOptions } from './options.ts'
import { BENCH } from './places.ts'
import type { SuiteResult } from './report.ts'

/** What is known of a run. */
export interface Kept extends Circumstances {
  readonly schema: 'tributary.bench/2'
  readonly at: string
  readonly options: BenchOptions
  readonly results: readonly SuiteResult[]
}

/** Where results are kept. */
export const RESULTS: string = join(BENCH, 'results')

/** Writes the result under the time of its start. A line a run keeps the file small and its differences readable. */
export async function keepResult(kept: Kept): Promise<void> {
  const { results, ...rest } = kept
  const suites = results.map((suite) => JSON.stringify(suite, rounded).replaceAll('{"contender"', '\n{"contender"'))
  const text = `${JSON.stringify(rest).slice(0, -1)},"results":[\n${suites.join(',\n')}\n]}\n`
  await mkdir(RESULTS, { recursive: true })
  await writeFile(join(RESULTS, `${kept.at.replaceAll(/[:.]/g, '-')}.json`), text)
}

/** Six digits are more than a measurement has. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
}

/** A result that was kept. Throws a RangeError when it is something else. */
export function parseKept(text: string): Kept {
  const kept = JSON.parse(text) as Kept
  if (kept.schema !== 'tributary.bench/2') throw new RangeError(`this is no tributary.bench/2: ${kept.schema}`)
  return kept
}
