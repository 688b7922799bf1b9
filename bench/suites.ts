// The contenders of each suite and the rounds they run in: in every round each one works once, in a fresh process and on a fresh copy
// of the same table, and the order turns by one from round to round.

import { execFileSync } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Dataset, landingOf, makeProject, tableOf } from './dataset.ts'
import { assertSame, digestDelta, digestParquet } from './digest.ts'
import type { Duck } from './engine.ts'
import { type Measured, measure } from './measure.ts'
import type { Suite } from './options.ts'
import { copyFolder, PYTHON, scriptOf, TRIBUTARY } from './places.ts'

/** One contender: makes its folder ready, runs, and proves its rows. */
interface Contender {
  readonly name: ContenderName
  readonly prepare: (folder: string) => Promise<void>
  readonly command: (folder: string) => readonly string[]
  readonly check: (folder: string) => Promise<void>
}

/** Names of the contenders, as the report shows them. */
export type ContenderName = 'tributary' | 'tributary warm' | 'delta-rs' | 'duckdb copy' | 'floor' | 'status'

/** One run of one contender. */
export interface Run {
  readonly contender: ContenderName
  readonly round: number
  readonly measured: Measured
}

/** What the suites need. */
export interface Bench {
  readonly duck: Duck
  readonly dataset: Dataset
  readonly rounds: number
  readonly say: (text: string) => void
}

const BATCH = '20260102-000000000.csv'
const WARM_UP = '20260101-000000000.csv'

/** Runs one suite. `base` is a project whose table holds the load. Throws when anybody's rows differ from the landing files'. */
export async function runSuite(bench: Bench, suite: Suite, base: string): Promise<readonly Run[]> {
  const contenders = contendersOf(bench, base)[suite]
  const runs: Run[] = []
  for (let round = 0; round < bench.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]
      if (contender === undefined) continue
      const measured = await runOnce(bench, contender)
      runs.push({ contender: contender.name, round, measured })
      bench.say(
        `orders/${suite}  round ${round + 1}/${bench.rounds}  ${contender.name}  ${(measured.ms / 1000).toFixed(3)} s`,
      )
    }
  }
  return runs
}

/** A project whose table holds the load: the start of every round. */
export async function makeBase(bench: Bench): Promise<string> {
  const folder = join(bench.dataset.work, 'base')
  await makeProject(folder, bench.dataset)
  bench.say('loading the table that the rounds begin with')
  await measure([TRIBUTARY, 'ingest', '-C', folder], { cwd: folder })
  await checkLake(bench, folder, 'load')
  return folder
}

async function runOnce({ dataset }: Bench, contender: Contender): Promise<Measured> {
  const folder = join(dataset.work, 'round')
  await mkdir(folder)
  await contender.prepare(folder)
  // What the one before left dirty in the page cache goes to the disk now, and not during this one's time.
  execFileSync('sync')
  const measured = await measure(contender.command(folder), { cwd: folder })
  await contender.check(folder)
  await rm(folder, { recursive: true })
  return measured
}

function contendersOf(bench: Bench, base: string): Readonly<Record<Suite, readonly Contender[]>> {
  const { dataset } = bench
  return {
    'first-load': [
      {
        name: 'tributary',
        prepare: (folder) => makeProject(folder, dataset),
        command: (folder) => [TRIBUTARY, 'ingest', '-C', folder],
        check: (folder) => checkLake(bench, folder, 'load'),
      },
      {
        name: 'duckdb copy',
        prepare: async () => {},
        command: (folder) => [process.execPath, scriptOf('copy.ts'), dataset.load, join(folder, 'out.parquet'), 'load'],
        check: async (folder) =>
          assertSame(
            'duckdb copy',
            await digestParquet(bench.duck, join(folder, 'out.parquet')),
            dataset.expected.load,
          ),
      },
    ],
    upsert: [ours(bench, base), oursWarm(bench, base), deltaRs(bench), floor(bench)],
    status: [
      {
        name: 'status',
        prepare: (folder) => copyProject(base, folder, bench, { [BATCH]: dataset.changes }),
        command: (folder) => [TRIBUTARY, 'status', '-C', folder],
        check: async () => {},
      },
    ],
  }
}

function ours(bench: Bench, base: string): Contender {
  return {
    name: 'tributary',
    prepare: (folder) => copyProject(base, folder, bench, { [BATCH]: bench.dataset.changes }),
    command: (folder) => [TRIBUTARY, 'ingest', '-C', folder],
    check: (folder) => checkLake(bench, folder, 'upsert'),
  }
}

function oursWarm(bench: Bench, base: string): Contender {
  return {
    name: 'tributary warm',
    prepare: (folder) => copyProject(base, folder, bench, { [WARM_UP]: bench.dataset.warmUp }),
    command: (folder) => [
      process.execPath,
      scriptOf('warm.ts'),
      join(folder, 'tributary.yaml'),
      bench.dataset.changes,
      join(landingOf(folder), BATCH),
    ],
    check: (folder) => checkLake(bench, folder, 'warm'),
  }
}

function deltaRs({ duck, dataset }: Bench): Contender {
  return {
    name: 'delta-rs',
    prepare: (folder) => copyFolder(dataset.peerTable, join(folder, 'table')),
    command: (folder) => [PYTHON, scriptOf('delta-rs.py'), 'merge', join(folder, 'table'), dataset.changes],
    check: async (folder) =>
      assertSame('delta-rs', await digestDelta(duck, join(folder, 'table')), dataset.expected.upsert),
  }
}

function floor({ dataset }: Bench): Contender {
  return {
    name: 'floor',
    prepare: async () => {},
    command: (folder) => [
      process.execPath,
      scriptOf('copy.ts'),
      dataset.changes,
      join(folder, 'out.parquet'),
      'changes',
    ],
    check: async () => {},
  }
}

async function copyProject(
  base: string,
  folder: string,
  { dataset }: Bench,
  batches: Readonly<Record<string, string>>,
): Promise<void> {
  await makeProject(folder, dataset, batches)
  await copyFolder(join(base, 'lake'), join(folder, 'lake'))
}

async function checkLake({ duck, dataset }: Bench, folder: string, state: 'load' | 'upsert' | 'warm'): Promise<void> {
  assertSame('tributary', await digestDelta(duck, tableOf(folder)), dataset.expected[state])
}
