import { existsSync } from 'node:fs'
import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { localStore, readSnapshot } from '@tributary/delta'
import { prepareDataset } from '../dataset.ts'
import { atMost, baseFigures, type Figure, figureOf, ownMs, ratiosOf, valuesOf } from '../figures.ts'
import { measure } from '../measure.ts'
import { ORDERS } from '../orders.ts'
import { CHECKOUT, copyFolder, PYTHON, scriptIn, scriptOf } from '../places.ts'
import { type Base, cacheOf, changesName, lakeOf, landingOf, makeBase, NO_CACHE } from '../project.ts'
import { type Bench, type Contender, type Run, runRounds } from '../rounds.ts'
import { sharesOf } from '../source.ts'
import type { Outcome } from '../suite.ts'

const MS_MAX = 200
const FEW = 100
const REPEATS = 7

/** A last commit: which rows it changed, and how many. */
interface Kind {
  readonly name: string
  readonly changes: number
  readonly keys: 'recent' | 'random'
}

/** What the last commit of a large table changed: every row of it before and after, and in numbers. */
export async function changes(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const many = bench.options.changes
  const kinds: readonly Kind[] = [
    { name: `${many} recent`, changes: many, keys: 'recent' },
    { name: `${FEW} random`, changes: FEW, keys: 'random' },
    { name: `${many} random`, changes: many, keys: 'random' },
  ]
  const contenders: Contender[] = []
  for (const kind of kinds) contenders.push(...(await readersOf(bench, base, kind)))
  const runs = await runRounds(bench, 'orders/changes', contenders)
  for (const kind of kinds) assertAgreed(runs, kind)
  return {
    work: `what the last commit of ${dataset.rows} rows changed, keys recent (the newest hundredth) or random over all`,
    runs,
    figures: [...kinds.flatMap((kind) => figures(runs, kind)), ...baseFigures(runs)],
  }
}

function figures(runs: readonly Run[], { name }: Kind): readonly Figure[] {
  return [
    figureOf(`${name}: all rows, before and after, warm`, 'ms', valuesOf(runs, `rows, ${name}`, ownMs), atMost(MS_MAX)),
    figureOf(`${name}: in numbers, warm`, 'ms', valuesOf(runs, `summary, ${name}`, ownMs), atMost(MS_MAX)),
    figureOf(`${name}: tributary changes --summary, whole process`, 'ms', valuesOf(runs, `command, ${name}`)),
    figureOf(
      `${name}: delta-rs’s feed takes, of the time of ours`,
      'times',
      ratiosOf(runs, `delta-rs, ${name}`, `rows, ${name}`, ownMs),
    ),
    figureOf(
      `${name}: all rows take, of the time of the floor, which is to read what came`,
      'times',
      ratiosOf(runs, `rows, ${name}`, `files, ${name}`, ownMs),
    ),
  ]
}

async function readersOf(bench: Bench, base: Base, kind: Kind): Promise<readonly Contender[]> {
  // The base has the first batch of the larger size: numbers count in batches of the own size, and no row is to be inserted twice.
  const before = Math.ceil((kind.keys === 'random' ? 2 : 9) * (bench.options.changes / kind.changes))
  const batch = await base.dataset.batch({ ...kind, number: before })
  const project = await projectOf(bench, base, { kind, batch })
  const table = lakeOf(project, ORDERS.shape.table)
  const last = String((await readSnapshot(localStore(table))).version)
  const reading = (name: string, command: readonly string[]): Contender => ({
    name,
    prepare: async () => {},
    command: () => command,
    environment: () => cacheOf(project),
    check: async () => {},
  })
  const warm = (root: string, what: string): readonly string[] => [
    process.execPath,
    scriptIn(root, 'changes.ts'),
    what,
    table,
    String(REPEATS),
  ]
  return [
    ...bench.programs.flatMap(({ suffix, root }) => [
      reading(`rows, ${kind.name}${suffix}`, warm(root, 'rows')),
      reading(`summary, ${kind.name}${suffix}`, warm(root, 'summary')),
      reading(`command, ${kind.name}${suffix}`, [
        join(root, 'bin', 'tributary'),
        ...['changes', ORDERS.shape.table, '--from-version', last, '--summary', '-C', project],
      ]),
    ]),
    reading(`files, ${kind.name}`, warm(CHECKOUT, 'files')),
    reading(`delta-rs, ${kind.name}`, [
      PYTHON,
      scriptOf('delta-rs.py'),
      'feed',
      await feedOf(bench, base, { kind, batch }),
      String(REPEATS),
    ]),
  ]
}

interface Commit {
  readonly kind: Kind
  readonly batch: string
}

/** The base's project after one more batch. */
async function projectOf({ work }: Bench, { folder }: Base, { kind, batch }: Commit): Promise<string> {
  const project = join(work, `changes-${kind.name.replace(' ', '-')}`)
  if (existsSync(project)) return project
  await copyFolder(folder, project)
  await link(batch, join(landingOf(project, ORDERS.shape.table), changesName(2)))
  await measure([join(CHECKOUT, 'bin', 'tributary'), 'ingest', '-C', project], {
    cwd: project,
    environment: NO_CACHE,
  })
  return project
}

/** delta-rs's table with a change feed after its MERGE of the same batch: what it reads later, it has written down then. */
async function feedOf({ work }: Bench, { dataset }: Base, { kind, batch }: Commit): Promise<string> {
  const table = join(work, `feed-${kind.name.replace(' ', '-')}`)
  if (existsSync(table)) return table
  await copyFolder(dataset.table, table)
  await measure(
    [PYTHON, scriptOf('delta-rs.py'), 'merge-with-feed', table, dataset.source.shape.key.join(','), batch],
    {
      cwd: work,
    },
  )
  return table
}

/** Throws when somebody counts other changes than were made; the files that came hold no row that was deleted or as it was before. */
function assertAgreed(runs: readonly Run[], kind: Kind): void {
  const { inserts, deletes } = sharesOf({ ...kind, number: 2 })
  const updates = kind.changes - inserts - deletes
  for (const { contender, measured } of runs) {
    const [reader = '', name] = contender.replace(' (base)', '').split(', ')
    if (name !== kind.name || reader === 'command') continue
    const rows = inserts + updates + (reader === 'files' ? 0 : updates + deletes)
    if (measured.own.rows !== rows)
      throw new Error(`${contender} counts ${measured.own.rows} rows where there are ${rows}`)
  }
}
