// The rounds that contenders run in: in every round each one works once, in a fresh process and on a fresh copy of the same table, and
// the order turns by one from round to round.

import { execFileSync } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duck } from './engine.ts'
import { type Measured, measure } from './measure.ts'
import type { BenchOptions } from './options.ts'

/** One contender: makes its folder ready, runs, and proves its rows. */
export interface Contender {
  readonly name: string
  readonly prepare: (folder: string) => Promise<void>
  readonly command: (folder: string) => readonly string[]
  /** Variables that differ from ours. */
  readonly environment?: (folder: string) => Readonly<Record<string, string | undefined>>
  readonly check: (folder: string) => Promise<void>
  /** Who takes minutes runs in fewer rounds. */
  readonly roundsMax?: number
}

/** One run of one contender. */
export interface Run {
  readonly contender: string
  readonly round: number
  readonly measured: Measured
}

/** What suites need. */
export interface Bench {
  readonly duck: Duck
  readonly options: BenchOptions
  /** Emptied at the start and at the end. */
  readonly work: string
  /** The checkouts that are measured: this one, and the base it is compared with. */
  readonly programs: readonly Program[]
  readonly say: (text: string) => void
}

/** A checkout of Tributary. */
export interface Program {
  /** What its contenders' names end with: nothing for this checkout. */
  readonly suffix: '' | ' (base)'
  readonly root: string
}

/** Runs the contenders of a suite. Throws when anybody's rows differ from the generated files'. */
export async function runRounds(
  bench: Bench,
  suite: string,
  contenders: readonly Contender[],
): Promise<readonly Run[]> {
  const { rounds } = bench.options
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]
      if (contender === undefined || round >= (contender.roundsMax ?? rounds)) continue
      const measured = await runOnce(bench, contender)
      runs.push({ contender: contender.name, round, measured })
      const itself = measured.own.ms === undefined ? '' : `, itself ${(measured.own.ms / 1000).toFixed(3)} s`
      bench.say(
        `${suite}  round ${round + 1}/${rounds}  ${contender.name}  ${(measured.ms / 1000).toFixed(3)} s${itself}`,
      )
    }
  }
  return runs
}

/**
 * Where every run happens, whoever runs. The name of a key index comes from the address of its table, so a table that was prepared here
 * finds its index again only here.
 */
export function roundFolder({ work }: Bench): string {
  return join(work, 'round')
}

async function runOnce(bench: Bench, contender: Contender): Promise<Measured> {
  const folder = roundFolder(bench)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  await contender.prepare(folder)
  // What the one before left dirty in the page cache goes to the disk now, and not during this one's time.
  execFileSync('sync')
  const environment = contender.environment?.(folder) ?? {}
  const measured = await measure(contender.command(folder), { cwd: folder, environment })
  await contender.check(folder)
  await rm(folder, { recursive: true })
  return measured
}
