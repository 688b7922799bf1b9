// When the first change after a copied load was made: its history tells no later time for the load (decision 20).
import { TributaryError } from '@tributary/delta'
import { timeOfPlace } from '../dms/file-name.ts'
import { planRead } from '../dms/plan-read.ts'
import { readRows } from '../dms/read-rows.ts'
import { ownTimeSql } from '../history-table/change-rows.ts'
import { isWaiting, type LandingFile, type SeenFile } from './plan.ts'
import { openFile, readContext } from './read-file.ts'
import type { TableRun } from './run.ts'
import type { EvolvingSchema } from './schema.ts'

/**
 * When the first change that waits was made, in microseconds: the time in its file's name. Where the load looks newer than that, it was
 * copied, and the earliest commit time in that file, if it carries any, tells more.
 */
export async function firstChangeUs(
  run: TableRun,
  seen: readonly SeenFile[],
  load: { readonly files: readonly LandingFile[]; readonly schema: EvolvingSchema },
): Promise<number | undefined> {
  const first = firstWaiting(run, seen)
  if (first === undefined) return undefined
  const isCopied = load.files.some(({ modifiedMs }) => modifiedMs * 1000 > first.atUs)
  const madeUs = run.table.history && isCopied ? await earliestTimeUs(run, first.file, load.schema) : undefined
  return Math.min(first.atUs, madeUs ?? first.atUs)
}

interface TimedFile {
  readonly file: LandingFile
  /** The time in its name, in microseconds. */
  readonly atUs: number
}

function firstWaiting({ session: { state } }: TableRun, seen: readonly SeenFile[]): TimedFile | undefined {
  return seen
    .filter((candidate) => candidate.file.place > (state?.lastPlace ?? '') && isWaiting(candidate, state))
    .flatMap(({ file }): readonly TimedFile[] => {
      const atUs = timeOfPlace(file.place)
      return atUs === undefined ? [] : [{ file, atUs }]
    })
    .reduce<TimedFile | undefined>(
      (first, next) => (first !== undefined && first.file.place <= next.file.place ? first : next),
      undefined,
    )
}

/** The earliest commit time in a file. Undefined where it has none, and where it cannot be read: its own batch says why. */
async function earliestTimeUs(run: TableRun, file: LandingFile, schema: EvolvingSchema): Promise<number | undefined> {
  const { engine, lake, table } = run
  const source = lake.config.dms.TimestampColumnName
  if (source === undefined) return undefined
  try {
    const opened = await openFile(run, engine, file)
    try {
      const context = readContext(run, file, { schema: schema.current(), source: schema.source() })
      const seenWidth = file.kind === 'transactions' ? undefined : schema.width(file.kind)
      const plan = await planRead(engine, opened, { ...context, seenWidth })
      const column = plan.columns.find(({ name }) => name === (table.rename.get(source) ?? source))
      if (column === undefined) return undefined
      let earliest: unknown
      await readRows(engine, opened, plan, async (relation) => {
        const [row] = await engine.all(
          `SELECT count("__row") AS rows, epoch_us(min(${ownTimeSql(column)})) AS earliest FROM (${relation}) b`,
        )
        earliest = row?.['earliest'] ?? undefined
        return Number(row?.['rows'])
      })
      return earliest === undefined ? undefined : Number(earliest)
    } finally {
      await opened.dispose()
    }
  } catch (error) {
    if (error instanceof TributaryError && error.kind !== 'unavailable') return undefined
    throw error
  }
}
