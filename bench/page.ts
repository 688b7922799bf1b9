// `node bench/page.ts [RESULT.json …]`: makes `docs/benchmarks.md` and its plots of results that were kept, `bench/results/published-*.json`
// unless others are named. All suites take hours, so they need not be of one run: each is taken from the newest result that holds it, and says
// of which. Nothing in the page is written by hand but what no run can tell.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Figure, ownMs, spreadOf, valuesOf } from './figures.ts'
import { type Kept, parseKept, RESULTS } from './kept.ts'
import { lossesText } from './losses.ts'
import { SUITE_NAMES, whyTry } from './options.ts'
import { CHECKOUT } from './places.ts'
import { barsSvg, type Line, linesSvg, timeText } from './plot.ts'
import { goalText, numberText, type SuiteResult } from './report.ts'
import type { Run } from './rounds.ts'

/** The newest result of a suite, and the run that it is of. */
type Newest = { readonly run: Kept; readonly result: SuiteResult }
type Done = { readonly run: Kept; readonly result: Extract<SuiteResult, { readonly failed?: undefined }> }

const docs = join(CHECKOUT, 'docs')
const newest = newestOf(await readRuns(process.argv.slice(2)))
const plots = plotsOf(newest)
await rm(join(docs, 'benchmarks'), { recursive: true, force: true })
await mkdir(join(docs, 'benchmarks'), { recursive: true })
for (const [suite, svg] of plots) await writeFile(join(docs, 'benchmarks', plotName(suite)), svg)
await writeFile(join(docs, 'benchmarks.md'), pageText(newest, new Set(plots.keys())))

async function readRuns(files: readonly string[]): Promise<readonly Kept[]> {
  const published = (await readdir(RESULTS)).filter((name) => /^published-.*\.json$/.test(name))
  const paths = files.length > 0 ? files : published.map((name) => join(RESULTS, name))
  return Promise.all(paths.map(async (path) => parseKept(await readFile(path, 'utf8'))))
}

function newestOf(runs: readonly Kept[]): readonly Newest[] {
  const sorted = runs.toSorted((one, other) => other.at.localeCompare(one.at))
  return SUITE_NAMES.flatMap((name) => {
    const found = sorted.flatMap((run) =>
      run.results.flatMap((result) => (result.suite === name ? [{ run, result }] : [])),
    )
    return found.slice(0, 1)
  })
}

function pageText(suites: readonly Newest[], plotted: ReadonlySet<string>): string {
  const done = suites.flatMap(({ run, result }) => (result.failed === undefined ? [{ run, result }] : []))
  const failed = suites.flatMap(({ result }) => (result.failed === undefined ? [] : [result]))
  return `# Benchmarks

Made by \`node bench/page.ts\` of what \`make bench\` measured:

${[...Map.groupBy(suites, ({ run }) => settingText(run))].map(([setting, alike]) => `* ${runsText(alike)}. ${setting}`).join('\n')}
${missingLine(suites)}

Every contender works in a fresh process on a fresh copy of the same table, all over the same Parquet files, in an order that turns from round to
round. After each run its rows, read by DuckDB's delta extension, have to be those of the generated files. A ratio is taken within each round; a
figure is the median over the rounds, with the least and the greatest; noise is half of that distance. A goal that is missed by more than its
noise makes \`make bench\` fail.

## Goals

| suite | figure | goal | measured | noise | |
|---|---|---|---|---|---|
${done.flatMap(({ result: { suite, figures } }) => figures.flatMap((figure) => goalRow(suite, figure))).join('\n')}
${failed.map(({ suite, failed: because }) => `\n\`${suite}\` could not be run: ${because}\n`).join('')}
${done.map((each) => suitePart(each, plotted.has(each.result.suite))).join('\n')}
${lossesText(done.map(({ result }) => result))}`
}

function missingLine(suites: readonly Newest[]): string {
  const missing = SUITE_NAMES.filter((name) => !suites.some(({ result }) => result.suite === name))
  return missing.length === 0 ? '' : `* Not measured yet: ${missing.map((name) => `\`${name}\``).join(', ')}.\n`
}

/** What runs have to have in common to be told of in one breath. */
function settingText({ machine, versions, options }: Kept): string {
  const why = whyTry(options)
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${options.rounds} rounds, seed ${options.seed}; ${machine.replace(/, load [\d.]+ at the start/, '')};
  ${parts.join(', ')}${why === undefined ? '' : `. **${why[0]?.toUpperCase()}${why.slice(1)}**`}`
}

/** Commit and time of each run, and what it measured. */
function runsText(suites: readonly Newest[]): string {
  return [...Map.groupBy(suites, ({ run }) => run)]
    .toSorted(([one], [other]) => one.at.localeCompare(other.at))
    .map(
      ([{ at, commit }, parts]) =>
        `${parts.map(({ result }) => `\`${result.suite}\``).join(', ')} at ${at.slice(0, 16).replace('T', ' ')} (commit ${commit})`,
    )
    .join('; ')
}

function goalRow(suite: string, { label, spread, noise, unit, goal }: Figure): readonly string[] {
  if (goal === undefined) return []
  const measured = `${numberText(spread.median, unit)} (${numberText(spread.min, unit)}–${numberText(spread.max, unit)})`
  const verdict = goal.verdict === 'missed' ? '**missed**' : goal.verdict
  return [
    `| \`${suite}\` | ${label} | ${goalText(goal, unit)} | ${measured} | ± ${(noise * 100).toFixed(0)} % | ${verdict} |`,
  ]
}

function suitePart({ run, result: { suite, work, runs, figures } }: Done, isPlotted: boolean): string {
  const names = [...new Set(runs.map(({ contender }) => contender))]
  const others = figures.filter(({ goal }) => goal === undefined)
  return `## \`${suite}\`

${work[0]?.toUpperCase()}${work.slice(1)}. At commit ${run.commit}, ${run.options.rounds} rounds.
${isPlotted ? `\n![${suite}](benchmarks/${plotName(suite)})\n` : ''}
| | whole process | itself | CPU | RssAnon | written |
|---|---|---|---|---|---|
${names.map((name) => contenderRow(runs, name)).join('\n')}
${others.length === 0 ? '' : `\n${others.map(({ label, spread, unit }) => `* ${label}: ${numberText(spread.median, unit)}`).join('\n')}\n`}`
}

function contenderRow(runs: readonly Run[], name: string): string {
  const of = (value: (measured: Run['measured']) => number): number => spreadOf(valuesOf(runs, name, value)).median
  const own = of(ownMs)
  const mib = (bytes: number): string => numberText(bytes / 1024 ** 2, 'MiB')
  const cells = [
    timeText(of(({ ms }) => ms)),
    Number.isNaN(own) ? '' : timeText(own),
    timeText(of(({ cpuMs }) => cpuMs)),
    mib(of(({ anonKib }) => anonKib * 1024)),
    mib(of(({ writtenBytes }) => writtenBytes)),
  ]
  return `| ${name} | ${cells.join(' | ')} |`
}

/** The plots by suite. */
function plotsOf(suites: readonly Newest[]): ReadonlyMap<string, string> {
  const plots = new Map<string, string>()
  for (const { result } of suites) {
    if (result.failed !== undefined) continue
    const { suite, work, runs } = result
    if (suite === 'orders/upsert-100m') plots.set(suite, linesSvg(work, growthLines(runs)))
    if (suite === 'orders/upsert' || suite === 'orders/scan' || suite === 'lineitem/upsert')
      plots.set(suite, barsSvg(work, barsOf(runs)))
  }
  return plots
}

function barsOf(runs: readonly Run[]): Parameters<typeof barsSvg>[1] {
  return [...new Set(runs.map(({ contender }) => contender))].map((label) => {
    const own = spreadOf(valuesOf(runs, label, ownMs)).median
    const ms = Number.isNaN(own) ? spreadOf(valuesOf(runs, label)).median : own
    return { label, ms, isOurs: label.startsWith('tributary') }
  })
}

/** Names of contenders end with `, N rows` there. */
function growthLines(runs: readonly Run[]): readonly Line[] {
  const lines = new Map<string, { rows: number; ms: number }[]>()
  for (const contender of new Set(runs.map((run) => run.contender))) {
    const [, label = contender, rows = ''] = /^(.*), (\d+) rows$/.exec(contender) ?? []
    const points = lines.get(label) ?? []
    points.push({ rows: Number(rows), ms: spreadOf(valuesOf(runs, contender, ownMs)).median })
    lines.set(label, points)
  }
  return [...lines].map(([label, points]) => ({
    label,
    isOurs: label.startsWith('tributary'),
    points: points.toSorted((one, other) => one.rows - other.rows),
  }))
}

function plotName(suite: string): string {
  return `${suite.replace('/', '-')}.svg`
}
