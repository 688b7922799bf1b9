// Until when all tables of a dataset are known. By the source's clock the newest change of one table says nothing of another, whose files may
// still wait: a row would take its old values for what was known. A table without changes that wait is quiet, and known as far as any.
import type { Engine } from '@tributary/delta'
import { type Arrears, progressOf } from '@tributary/pipeline'
import type { Definition } from './definition.ts'
import type { GuardFinding } from './manifest.ts'
import { liveName, type Source, type Sources, sourceSql } from './sources.ts'

/** How far the tables of a dataset are. */
export interface ConsistentCut {
  /** Undefined where no feature has a history. */
  readonly knownUntil: string | undefined
  /** Tables that do not know all there is, in words. */
  readonly lagging: readonly string[]
}

/** The newest change that each history knows, by the clock that is meant. */
export async function newestChanges(
  engine: Engine,
  { knownAt }: Definition,
  histories: readonly Source[],
): Promise<ReadonlyMap<string, string>> {
  const newest = new Map<string, string>()
  for (const source of new Set(histories)) {
    const isServed = source.snapshot.schema.fields.some(({ name }) => name === '__served_at')
    const known = isServed
      ? '"__served_at"'
      : knownAt.clock === 'source'
        ? 'coalesce("__source_at", "__committed_at")'
        : '"__committed_at"'
    const rows = await sourceSql(engine, source, isServed ? ['__served_at'] : ['__source_at', '__committed_at'])
    const [row] = await engine.all(`SELECT max(${known}) AS latest FROM (${rows})`)
    if (typeof row?.['latest'] === 'string') newest.set(source.name, row['latest'])
  }
  return newest
}

/** The latest of some times. */
export function latestOf(times: Iterable<string>): string | undefined {
  return [...times].reduce<string | undefined>(
    (latest, time) => (latest === undefined || time > latest ? time : latest),
    undefined,
  )
}

/** When the source committed the newest change of a table at the version that is read; undefined where nothing tells. */
export function sourceTimeOf({ name, snapshot }: Source, newest: ReadonlyMap<string, string>): string | undefined {
  return newest.get(name) ?? progressOf(snapshot)?.sourceAt
}

/** Moves the end of the data back to where the table is that is furthest behind. `newest` as `newestChanges` gives it. */
export async function findConsistentCut(
  { knownAt }: Pick<Definition, 'knownAt'>,
  sources: Sources,
  newest: ReadonlyMap<string, string>,
): Promise<ConsistentCut> {
  const arrears = await sources.arrears()
  const lagging = new Set<string>()
  let knownUntil = latestOf(newest.values())
  for (const source of sources.all()) {
    const table = liveName(source.name)
    const missing = arrears.get(table)
    if (missing === undefined) continue
    const reasons = reasonsOf(source, missing)
    if (reasons.length === 0) {
      if (missing.quarantinedRows > 0)
        lagging.add(
          `${missing.quarantinedRows} rows of ${table} are in quarantine, so no row of the dataset knows them`,
        )
      continue
    }
    const until = sourceTimeOf(source, newest)
    lagging.add(
      `${table} is behind${until === undefined ? '' : `, its newest change is of ${until}`}: ${reasons.join(', ')}`,
    )
    // What the lake did not know when it should have, nobody was served: by its own clock nothing is missing.
    const isEarlier = until !== undefined && knownUntil !== undefined && Date.parse(until) < Date.parse(knownUntil)
    if (knownAt.clock === 'source' && isEarlier) knownUntil = until
  }
  if ([...arrears.values()].some(({ waitingFiles }) => waitingFiles === undefined))
    lagging.add('the landing cannot be read from here, so whether changes wait there is not known')
  return { knownUntil, lagging: [...lagging] }
}

function reasonsOf({ name, snapshot }: Source, missing: Arrears): readonly string[] {
  const isHistory = name !== liveName(name)
  const batch = isHistory
    ? Number(snapshot.transactions.get(`tributary/${name}`)?.version ?? 0)
    : progressOf(snapshot)?.batch
  const newestBatch = isHistory ? missing.historyBatch : missing.batch
  const { waitingFiles = 0, endsInQuarantine, stopped } = missing
  return [
    ...(stopped === undefined ? [] : [`it stopped with ${stopped}`]),
    ...(waitingFiles === 0
      ? []
      : [waitingFiles === 1 ? '1 file waits in the landing' : `${waitingFiles} files wait in the landing`]),
    ...(endsInQuarantine ? ['its newest rows are in quarantine'] : []),
    ...(batch !== undefined && batch < newestBatch ? [`version ${snapshot.version} is not its newest`] : []),
  ]
}

/** What a build reports of its cut; nothing where all tables know all there is. */
export function cutFindings(lagging: readonly string[]): readonly GuardFinding[] {
  return lagging.map((message) => ({ guard: 'consistent_cut', outcome: 'warned', message }))
}
