// The property of the whole pipeline: whatever happens at the source, and however DMS writes it, the table is what a Map says.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { expect } from 'vitest'
import { seedOfRun } from '../support/random.ts'
import { openTally } from '../support/tally.ts'
import { openWorkplace } from '../support/workplace.ts'
import { runLanding, TABLES } from './run-landing.ts'

const MUST_OCCUR = [
  'op I',
  'op U',
  'op D',
  'delete that carries the key alone',
  'key change with before image',
  'delete and insert in a row',
  'partial update',
  'format: CSV with header',
  'format: CSV with header, GZIP',
  'format: CSV without header',
  'format: CSV without header, GZIP',
  'format: Parquet',
  'format: Parquet, GZIP',
  'null: empty',
  'null: \\N',
  'null: NULL',
  'load: Op present',
  'load: Op absent',
  'cdc: Op present',
  'cdc: Op absent',
  'sequence: none',
  'sequence: text',
  'sequence: long',
  'sequence: time',
  'change replayed',
  'file delivered again',
  'late file',
  'late load file',
  'reload',
  'file of an older generation',
  'tie of commit times',
  'tie of one key in the sequence',
  'change that the load holds already',
  'key twice in a load',
  'bad row',
  'no load',
  'write: merge-on-read',
  'write: copy-on-write',
  'small file written anew',
  'file rewritten between batches',
  'batch written while the key index is read',
  'batch written while the key index is read: inserted',
  'batch written while the key index is read: updated',
  'batch written while the key index is read: deleted',
  'batch written while the key index is read: superseded',
  'batch written while the key index is read: noop',
  'partitioned',
  'types read from the data',
  'columns at, order, a"b, __proto__',
  'row applied',
  'row superseded',
  'row without effect',
  'row quarantined',
  'table',
  'history',
]

const FAILURES_SHOWN_MAX = 10

/** Runs landings, each of another format, and fails with the way to run the first bad ones again. */
export async function runHistories(count: number): Promise<void> {
  const seed = seedOfRun()
  const only = process.env['TRIBUTARY_LANDING']
  const tally = openTally(MUST_OCCUR)
  const workplace = await openWorkplace()
  const startMs = systemClock.now()
  try {
    const landings = only === undefined ? Array.from({ length: count }, (_, at) => at) : [Number(only)]
    const failures: string[] = []
    for (const landing of landings) {
      const folder = join(workplace.folder, String(landing))
      try {
        await runLanding(
          workplace.engine,
          folder,
          { seed: seed + landing * 7919, kind: landing, tables: TABLES },
          tally,
        )
        await rm(folder, { recursive: true, force: true })
      } catch (error) {
        failures.push(
          `${messageOf(error)}\nreplay: TRIBUTARY_SEED=${seed} TRIBUTARY_LANDING=${landing} npm test -- histories`,
        )
      }
    }
    console.log(
      `seed ${seed}, ${landings.length} landings, ${Math.round((systemClock.now() - startMs) / 1000)} s\n${tally.text()}`,
    )
    expect(failures.slice(0, FAILURES_SHOWN_MAX), `${failures.length} landings failed`).toEqual([])
    if (only === undefined) expect(tally.zeros(), 'what never occurred').toEqual([])
  } finally {
    await workplace.close()
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const shown = 'diff' in error && typeof error.diff === 'string' ? `\n${error.diff}` : ''
  return `${error.message}${shown}`
}
