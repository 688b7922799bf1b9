import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../engine.ts'
import { atLeast, baseFigures, type Figure, figureOf, ownMs, ratiosOf, valuesOf } from '../figures.ts'
import { copyLake, DEFINITIONS, type FlightsBase, makeFlightsBase, makeWholeYear } from '../flights.ts'
import { measure } from '../measure.ts'
import { scriptIn, scriptOf } from '../places.ts'
import { lakeOf } from '../project.ts'
import { type Bench, type Contender, type Program, type Run, runRounds } from '../rounds.ts'
import { assertSameRows } from '../same-rows.ts'
import type { Outcome } from '../suite.ts'

/** A worker refreshes so many times before those that count; the first time is never an increment. */
const WARM_UPS = 3
/** So many hours count: a day of increments, and fewer full computations, which differ less. */
const HOURS = { incremental: 24, full: 6 } as const
const REPEATS = 6

const FLIGHT = ['time_hour', 'carrier', 'flight']

interface Feature {
  readonly name: string
  readonly key: readonly string[]
  /** In words. */
  readonly of: string
  readonly timesMin?: number
}

/** Three features, of which the first is much work for DuckDB: of the others little can be saved, so they have no goal. */
const FEATURES: readonly Feature[] = [
  { name: 'route', key: FLIGHT, of: 'the fortnight of its route, a row a flight', timesMin: 20 },
  { name: 'leg', key: FLIGHT, of: 'joined columns, a row a flight' },
  { name: 'aircraft', key: ['tailnum'], of: 'the year of an aircraft' },
]

type Mode = keyof typeof HOURS

/** Features over the year, brought up to date hour by hour, against computing them anew each time. */
export async function featureIncrement(bench: Bench): Promise<Outcome> {
  const base = await makeFlightsBase(bench)
  const year = await makeWholeYear(bench, base)
  const contenders: Contender[] = []
  for (const feature of FEATURES) {
    for (const program of bench.programs)
      for (const mode of ['incremental', 'full'] as const)
        contenders.push(await worker(bench, program, { base, feature, mode }))
    contenders.push(byHand(bench, { base, feature, year }))
  }
  const runs = await runRounds(bench, 'flights/feature-increment', contenders)
  return {
    work: `${HOURS.incremental} hours of changes to features over ${base.days} days of flights, in a worker that is running`,
    runs,
    figures: [...FEATURES.flatMap((feature) => figures(runs, feature)), ...baseFigures(runs)],
  }
}

function figures(runs: readonly Run[], feature: Feature): readonly Figure[] {
  const increment = nameOf(feature, 'incremental')
  const own = (name: string): readonly number[] => valuesOf(runs, increment, (run) => run.own[name] ?? Number.NaN)
  return [
    figureOf(
      `a full computation takes, of the time of an hour’s increment, ${feature.of}`,
      'times',
      ratiosOf(runs, nameOf(feature, 'full'), increment, ownMs),
      feature.timesMin === undefined ? undefined : atLeast(feature.timesMin),
    ),
    figureOf(
      `DuckDB by hand takes, of the time of an hour’s increment, ${feature.of}`,
      'times',
      ratiosOf(runs, handName(feature), increment, ownMs),
    ),
    figureOf(`an hour’s increment, ${feature.of}`, 'ms', own('ms')),
    figureOf(`keys that an hour touches, ${feature.of}`, 'runs', own('affected')),
  ]
}

function nameOf({ name }: Feature, mode: Mode): string {
  return `${name}, ${mode === 'full' ? 'full' : 'increment'}`
}

function handName({ name }: Feature): string {
  return `${name}, duckdb by hand`
}

interface Work {
  readonly base: FlightsBase
  readonly feature: Feature
  readonly mode: Mode
}

async function worker(bench: Bench, { suffix, root }: Program, { base, feature, mode }: Work): Promise<Contender> {
  const hours = base.held.slice(0, WARM_UPS + HOURS[mode])
  const list = join(bench.work, `hours-${mode}.json`)
  await writeFile(list, JSON.stringify(hours))
  const name = `${nameOf(feature, mode)}${suffix}`
  return {
    name,
    prepare: (folder) => copyLake(base.folder, folder),
    command: (folder) => [
      process.execPath,
      scriptIn(root, 'refresh.ts'),
      folder,
      feature.name,
      mode,
      String(WARM_UPS),
      list,
    ],
    check: async (folder) => {
      const asOfMs = hours.at(-1)?.untilMs ?? 0
      const out = join(folder, 'expected.parquet')
      await measure(handCommand(feature, { project: folder, out, asOfMs, repeats: 1 }), { cwd: folder })
      await assertSameRows(bench.duck, name, {
        actual: `FROM delta_scan(${literal(lakeOf(folder, `features.${feature.name}`))})`,
        expected: `FROM read_parquet(${literal(out)})`,
        key: feature.key,
      })
    },
  }
}

/** The same SQL by DuckDB alone, which keeps nothing of what it computed before. */
function byHand(
  { programs: _, ...bench }: Bench,
  { base, feature, year }: Pick<Work, 'base' | 'feature'> & { readonly year: string },
): Contender {
  const asOfMs = base.held.at(-1)?.untilMs ?? 0
  return {
    name: handName(feature),
    prepare: async () => {},
    command: (folder) =>
      handCommand(feature, { project: year, out: join(folder, 'out.parquet'), asOfMs, repeats: REPEATS }),
    check: async (folder) => {
      const { rows } = await bench.duck.row(
        `SELECT count(*) AS rows FROM read_parquet(${literal(join(folder, 'out.parquet'))})`,
      )
      if (rows === '0') throw new Error(`${handName(feature)}: there are no rows`)
    },
  }
}

function handCommand(
  { name }: Feature,
  {
    project,
    out,
    asOfMs,
    repeats,
  }: { readonly project: string; readonly out: string; readonly asOfMs: number; readonly repeats: number },
): readonly string[] {
  return [
    process.execPath,
    scriptOf('sql-file.ts'),
    join(DEFINITIONS, 'features', `${name}.sql`),
    String(repeats),
    `lake=${join(project, 'lake')}`,
    `out=${out}`,
    `as_of=${new Date(asOfMs).toISOString()}`,
  ]
}
