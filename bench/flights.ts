// The year of real flights: its landing, and a lake of it that keeps histories, with the last hours held back so that they can come one by one.

import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openEngine } from '@tributary/delta'
import { writeFlights } from '../cli/src/demo/flights-landing.ts'
import { measure } from './measure.ts'
import { type BenchOptions, ROWS_MIN } from './options.ts'
import { BENCH, CHECKOUT, copyFolder } from './places.ts'
import { NO_CACHE } from './project.ts'
import { type Bench, roundFolder } from './rounds.ts'

const DAYS = 365
const DAYS_MIN = 7
/** Tables that change; all others come with the load. */
const CHANGING: readonly string[] = ['flights', 'weather']
const HOURS_HELD = 48

/** What is defined beside `tributary.yaml`. */
export const DEFINITIONS: string = join(BENCH, 'definitions')

/** Landing files of one hour: where they are, and where they belong below a project. */
export interface HeldHour {
  /** The end of the hour. */
  readonly untilMs: number
  readonly files: readonly { readonly source: string; readonly target: string }[]
}

/** A project whose lake holds the flights, with histories, but for the last hours. */
export interface FlightsBase {
  readonly folder: string
  readonly days: number
  readonly held: readonly HeldHour[]
}

/** The landing of the demo, written once: its files are the same every time. A try with fewer rows has fewer days. */
export async function flightsOf(
  { say }: Pick<Bench, 'say'>,
  { rows }: Pick<BenchOptions, 'rows'>,
): Promise<{ readonly folder: string; readonly days: number }> {
  const days = Math.min(DAYS, Math.max(DAYS_MIN, Math.round((DAYS * rows) / ROWS_MIN)))
  const folder = join(BENCH, 'data', `flights-${days}`)
  if (existsSync(folder)) return { folder, days }
  say(`writing ${days} days of flights`)
  const draft = `${folder}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  const engine = await openEngine()
  const place = { data: join(CHECKOUT, '.venv', 'flights'), folder: draft }
  for await (const step of writeFlights(engine, place, { days, minuteHours: 0 }))
    if (step.kind === 'load') say(`${step.files.length} files of the load, then a file an hour`)
  await engine.close()
  await rename(draft, folder)
  return { folder, days }
}

/** Makes the lake once a run: every suite of features and datasets begins with a copy of it. */
export async function makeFlightsBase(bench: Bench): Promise<FlightsBase> {
  const { folder: year, days } = await flightsOf(bench, bench.options)
  const held = await hoursOf(year)
  const folder = join(bench.work, 'base-flights')
  if (existsSync(folder)) return { folder, days, held }
  bench.say(`ingesting ${days} days of flights with their histories`)
  const round = roundFolder(bench)
  await rm(round, { recursive: true, force: true })
  await mkdir(round, { recursive: true })
  const project = await readFile(join(year, 'tributary.yaml'), 'utf8')
  await writeFile(join(round, 'tributary.yaml'), withHistories(project))
  const later = new Set(held.flatMap(({ files }) => files.map(({ target }) => target)))
  await linkLanding(year, round, (target) => !later.has(target))
  for (const part of ['features', 'datasets']) {
    await mkdir(join(round, part))
    for (const name of await readdir(join(DEFINITIONS, part)))
      if (name.endsWith('.yml')) await copyFile(join(DEFINITIONS, part, name), join(round, part, name))
  }
  await ingestAll(round)
  await rename(round, folder)
  return { folder, days, held }
}

/** The same lake after its last hours. */
export async function makeWholeYear(bench: Bench, base: FlightsBase): Promise<string> {
  const folder = join(bench.work, 'base-year')
  if (existsSync(folder)) return folder
  const round = roundFolder(bench)
  await rm(round, { recursive: true, force: true })
  await copyLake(base.folder, round)
  for (const { files } of base.held) await landHour(round, files)
  await ingestAll(round)
  await rename(round, folder)
  return folder
}

/** A copy without the landing: what was taken in is in the lake. */
export async function copyLake(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true })
  await copyFile(join(source, 'tributary.yaml'), join(target, 'tributary.yaml'))
  for (const part of ['lake', 'features', 'datasets']) await copyFolder(join(source, part), join(target, part))
}

/** Lets the files of an hour land in a project. */
export async function landHour(project: string, files: HeldHour['files']): Promise<void> {
  for (const { source, target } of files) {
    await mkdir(join(project, target, '..'), { recursive: true })
    await link(source, join(project, target))
  }
}

function withHistories(text: string): string {
  const isChanging = new RegExp(`^ {2}nyc\\.(?:${CHANGING.join('|')}):$`, 'gm')
  return text.replaceAll(isChanging, '$&\n    history: true')
}

const LANDING = join('landing', 'out', 'nyc')

/** The last hours in order; their files are named for the time at which they were written. */
async function hoursOf(year: string): Promise<readonly HeldHour[]> {
  const hours = new Map<string, HeldHour['files'][number][]>()
  for (const table of CHANGING)
    for (const name of await readdir(join(year, LANDING, table))) {
      if (name.startsWith('LOAD')) continue
      const target = join(LANDING, table, name)
      const files = hours.get(name) ?? []
      files.push({ source: join(year, target), target })
      hours.set(name, files)
    }
  return [...hours]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .slice(-HOURS_HELD)
    .map(([name, files]) => ({ untilMs: timeOf(name), files }))
}

/** `20131231-130000000.csv` */
function timeOf(name: string): number {
  const [, year, month, day, hour] = /^(\d{4})(\d\d)(\d\d)-(\d\d)/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour))
}

async function linkLanding(year: string, project: string, isWanted: (target: string) => boolean): Promise<void> {
  for (const table of await readdir(join(year, LANDING))) {
    await mkdir(join(project, LANDING, table), { recursive: true })
    for (const name of await readdir(join(year, LANDING, table))) {
      const target = join(LANDING, table, name)
      if (isWanted(target)) await link(join(year, target), join(project, target))
    }
  }
}

// No index is asked or built: nobody would use it.
async function ingestAll(project: string): Promise<void> {
  await measure([join(CHECKOUT, 'bin', 'tributary'), 'ingest', '-C', project], { cwd: project, environment: NO_CACHE })
}
