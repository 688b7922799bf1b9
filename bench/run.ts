// `make bench`: Tributary, its peers and the floor on one generated table, in fresh processes and alternating order. It fails when the
// table or the batch is smaller than what the goals speak of, and when anybody's rows are not those of the landing files.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prepareDataset, tableOf } from './dataset.ts'
import { type Duck, literal, openDuck } from './engine.ts'
import { figuresOf } from './figures.ts'
import { readCircumstances } from './machine.ts'
import { type BenchOptions, CHANGES_MIN, parseOptions, ROWS_MIN, USAGE } from './options.ts'
import { BENCH, dataFilesOf, findDeltaExtension } from './places.ts'
import { LEGEND, type SuiteResult, suiteText } from './report.ts'
import { type Bench, makeBase, runSuite } from './suites.ts'

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
  await duck.run(`LOAD ${literal(await findDeltaExtension())}`)
  const circumstances = await readCircumstances(duck)
  const dataset = await prepareDataset(duck, options, say)
  const parts: Bench = { duck, dataset, rounds: options.rounds, say }
  const base = await makeBase(parts)
  const tables = { tributary: await dataFilesOf(tableOf(base)), 'delta-rs': await dataFilesOf(dataset.peerTable) }
  const results: SuiteResult[] = []
  for (const suite of options.only) {
    const runs = await runSuite(parts, suite, base)
    results.push({ suite, runs, figures: figuresOf(suite, runs) })
  }
  await rm(dataset.work, { recursive: true, force: true })
  const { rows } = dataset.expected.load
  const text = [
    `${rows} rows × 12 columns, ${options.changes} changes, ${options.rounds} rounds, seed ${options.seed}`,
    circumstances.machine,
    Object.entries({ ...circumstances.versions, commit: circumstances.commit })
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    Object.entries(tables)
      .map(([name, { files, bytes }]) => `table of ${name}: ${files} files, ${(bytes / 1024 ** 2).toFixed(0)} MiB`)
      .join('; '),
    '',
    ...results.map(suiteText),
    LEGEND,
    '',
    'rows: after every run those of all tables were the same, and those of the landing files',
  ]
  console.log(text.join('\n'))
  await keep({ schema: 'tributary.bench/1', options, ...circumstances, tables, expected: dataset.expected, results })
  const tooSmall = rows < ROWS_MIN || options.changes < CHANGES_MIN
  if (tooSmall)
    say(
      `too small to prove anything: ${rows} rows and ${options.changes} changes, where ${ROWS_MIN} and ${CHANGES_MIN} are needed`,
    )
  return tooSmall ? 1 : 0
}

async function keep(result: object): Promise<void> {
  const at = new Date().toISOString()
  const folder = join(BENCH, 'results')
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, `${at.replaceAll(/[:.]/g, '-')}.json`),
    `${JSON.stringify({ at, ...result }, null, 2)}\n`,
  )
}
