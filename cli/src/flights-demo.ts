// `demo flights`: a year of real flights flows through the real command. The clock of 2013 runs as fast as the machine can follow.
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type IngestOptions, ingest, type Lake, openLake, readConfig } from '@tributary/pipeline'
import { type CanonicalDigest, canonicalDigest } from './canonical-digest.ts'
import { type FlightsStep, writeFlights } from './demo/flights-landing.ts'
import { demoFailed, demoNotSetUp, needsYes } from './errors.ts'
import type { Invocation } from './invocation.ts'
import { CLI_FOLDER } from './places.ts'
import { countText, durationText } from './quantity.ts'
import { runProgram } from './run-program.ts'
import { plainLine } from './table-format.ts'
import { withEngine } from './with-engine.ts'

/** What of the year to play, and where. */
export interface FlightsDemo {
  readonly folder: string
  readonly days: number
  /** So many hours at the end arrive minute by minute. */
  readonly minuteHours: number
  /** Whether delta-rs and DuckDB's delta extension read the tables too. */
  readonly compare: boolean
  /** Whether the files are taken in as they come; without, there are only the files and the configuration. */
  readonly ingest: boolean
}

const ROOT = fileURLToPath(new URL('..', CLI_FOLDER))
const TRIBUTARY = join(ROOT, 'bin/tributary')
const PYTHON = join(ROOT, '.venv/bin/python')
const COMPARE = join(ROOT, 'cli/src/demo/compare.py')
const DATA = join(ROOT, '.venv/flights')
const TABLES = ['flights', 'weather', 'planes', 'airports', 'airlines'] as const

/** Plays the demo: loads, ingests step by step, asks what a person would ask, and lets other programs read the tables. */
export async function playFlights(invocation: Invocation, demo: FlightsDemo): Promise<void> {
  const folder = resolve(demo.folder)
  await clearDemoFolder(invocation, folder)
  await access(join(DATA, 'flights.csv')).catch(() => {
    throw demoNotSetUp(DATA)
  })
  if (!demo.ingest) return layOut(invocation, demo)
  const version = await playYear(invocation, folder, demo)
  if (version === undefined) return
  // The other programs read while the questions are asked; a question that fails is told first.
  const comparison = demo.compare ? readAll(invocation, folder) : undefined
  comparison?.catch(() => undefined)
  for (const args of questions(version)) await ask(invocation, folder, args)
  if (comparison !== undefined) await tellComparison(invocation, comparison)
  invocation.words.say(`\nThe tables stay in ${folder}: tributary -C ${folder} status`)
}

/** Removes an earlier demo; any other folder with something in it is not ours to empty. */
export async function clearDemoFolder({ flags }: Invocation, folder: string): Promise<void> {
  const names = await readdir(folder).catch((): readonly string[] => [])
  if (names.length > 0 && !names.includes('PROVENANCE.md') && !flags.yes)
    throw needsYes(`${folder} is not empty and would be deleted`)
  await rm(folder, { recursive: true, force: true })
}

/** Only what DMS would have written, and a configuration that fits it. */
async function layOut(invocation: Invocation, { folder, days, minuteHours }: FlightsDemo): Promise<void> {
  const { words, interrupts } = invocation
  const totals = { changes: 0, files: 0 }
  await withEngine(invocation, async (source) => {
    for await (const step of writeFlights(source, { data: DATA, folder: resolve(folder) }, { days, minuteHours })) {
      totals.changes += step.changes
      totals.files += step.files.length
      if (interrupts.signal.aborted) return
    }
  })
  words.say(
    `${countText(totals.changes)} changes in ${countText(totals.files)} files. To take them in: tributary -C ${folder} ingest`,
  )
}

/** The newest version of the flights table, or undefined when the demo was interrupted. */
async function playYear(
  invocation: Invocation,
  folder: string,
  { days, minuteHours }: FlightsDemo,
): Promise<number | undefined> {
  const { words, interrupts } = invocation
  const startedMs = performance.now()
  const sessions: NonNullable<IngestOptions['sessions']> = new Map()
  let lake: Lake | undefined
  const totals = { changes: 0, commits: 0, version: 0, day: '' }
  const release = interrupts.finishFirst(() => words.warn('finishing the commit under way; Ctrl-C again stops at once'))
  try {
    await withEngine(invocation, (source) =>
      withEngine(invocation, async (engine) => {
        for await (const step of writeFlights(source, { data: DATA, folder }, { days, minuteHours })) {
          // The first step writes the configuration.
          lake ??= openLake(await readConfig(join(folder, 'tributary.yaml')))
          const summary = await ingest(lake, engine, { sessions, signal: interrupts.signal, cut: interrupts.cut })
          for (const { table, stopped, version, commits } of summary.tables) {
            if (stopped !== null) throw demoFailed(`${table} stopped: ${stopped.message}`)
            totals.commits += commits
            if (table === 'nyc.flights') totals.version = version ?? 0
          }
          totals.changes += step.changes
          tellStep(invocation, step, totals)
          if (interrupts.signal.aborted) break
        }
      }),
    )
  } finally {
    release()
    words.clear()
  }
  const tookMs = performance.now() - startedMs
  words.say(
    `${countText(totals.changes)} changes in ${countText(totals.commits)} commits, ${durationText(tookMs)}: ${countText(Math.round((totals.changes / tookMs) * 1000))} changes/s`,
  )
  return interrupts.signal.aborted ? undefined : totals.version
}

/** A line when a day of 2013 begins, and the line of progress in between. */
function tellStep(
  { words }: Invocation,
  step: FlightsStep,
  totals: { readonly changes: number; readonly version: number; day: string },
): void {
  const day = step.until.slice(0, 10)
  const isNews = step.kind === 'load' || (step.kind === 'hour' && day !== totals.day)
  const text = `${step.until.replace('T', ' ').replace(':00Z', 'Z')}  ${step.kind === 'load' ? 'full load' : `by the ${step.kind}`}  flights v${totals.version}  ${countText(totals.changes)} changes`
  if (isNews) words.say(text)
  else words.progress(() => text)
  totals.day = day
}

function questions(version: number): readonly (readonly string[])[] {
  const middle = Math.floor(version / 2)
  const lateFlights =
    'SELECT carrier, count(*) AS flights, count(*) FILTER (WHERE dep_delay > 30) AS late, count(*) FILTER (WHERE cancelled) AS cancelled FROM nyc.flights'
  return [
    ['status'],
    ['sql', `${lateFlights} GROUP BY carrier ORDER BY flights DESC LIMIT 5`],
    [
      'sql',
      `SELECT _change_type, count(*) AS rows FROM changes('nyc.flights', since := 'v${Math.max(0, version - 15)}') GROUP BY ALL ORDER BY ALL`,
    ],
    [
      'changes',
      'nyc.flights',
      '--since',
      '15m',
      '--by',
      'source',
      '--net',
      '-o',
      'csv',
      '--out',
      'last-15-minutes.csv',
    ],
    ['row', 'nyc.flights', '2013-01-01T10:00:00Z/UA/1545'],
    ['sql', `${lateFlights} AT (VERSION => ${middle}) GROUP BY carrier ORDER BY flights DESC LIMIT 5`],
  ]
}

/** Shows the command as a person would type it, then runs it. */
async function ask({ words, flags }: Invocation, folder: string, args: readonly string[]): Promise<void> {
  words.say(`\n$ tributary ${args.map((word) => (/^[\w.:/@-]+$/.test(word) ? word : `"${word}"`)).join(' ')}`)
  const color = flags.color ? [] : ['--no-color']
  const code = await runProgram(TRIBUTARY, ['-C', folder, ...color, ...args])
  if (code !== 0) throw demoFailed(`tributary ${args.join(' ')} ended with exit code ${code}`)
}

/** All rows of a table as one digest, by us and by two other programs that agree. */
interface ReadByAll {
  readonly table: string
  readonly ours: CanonicalDigest
  readonly theirs: CanonicalDigest
}

async function readAll(invocation: Invocation, folder: string): Promise<readonly ReadByAll[]> {
  await access(PYTHON).catch(() => {
    throw demoNotSetUp(PYTHON)
  })
  const rowsFolder = await mkdtemp(join(tmpdir(), 'tributary-compare-'))
  try {
    const paths = TABLES.map((table) => join(folder, 'lake/nyc', table))
    // One process for all of them: the readers take a second to start.
    const code = await runProgram(PYTHON, [COMPARE, ...paths, '--rows', rowsFolder], { stdout: 'ignore' })
    if (code !== 0) throw demoFailed('delta-rs and DuckDB read different rows')
    const read: ReadByAll[] = []
    for (const [index, table] of TABLES.entries()) {
      const ndjson = await readFile(join(rowsFolder, table, 'duckdb.ndjson'), 'utf8')
      const theirs = await canonicalDigest(invocation, { ndjson })
      read.push({ table, ours: await canonicalDigest(invocation, paths[index] ?? ''), theirs })
    }
    return read
  } finally {
    await rm(rowsFolder, { recursive: true, force: true })
  }
}

async function tellComparison(invocation: Invocation, comparison: Promise<readonly ReadByAll[]>): Promise<void> {
  invocation.words.say('\nThe same tables read by delta-rs and by DuckDB’s delta extension, all rows compared:')
  for (const { table, ours, theirs } of await comparison) {
    if (ours.digest !== theirs.digest)
      throw demoFailed(`tributary reads other rows of ${table} than delta-rs and DuckDB`)
    await invocation.data.write(
      plainLine([table, `${countText(ours.rows)} rows`, 'delta-rs = duckdb = tributary', ours.digest.slice(0, 16)]),
    )
  }
  invocation.words.say('all rows agree')
}
