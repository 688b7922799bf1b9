// Worth its seconds: Spark's rules of conflicts are its own, and only Spark itself shows whether they and ours leave no gap. A minute a
// table under TRIBUTARY_SOAK=1.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { workshop } from '../read/table.ts'
import { sparkRun } from '../readers/spark.ts'
import { IS_SOAK } from '../soak.ts'
import { numbersOf, type Operation, SHARED_IDS } from './operations.ts'
import { expectSerial, operationsInLog, runOurs, startTable } from './race.ts'

const SECONDS = IS_SOAK ? 60 : 5
const PROCESSES = 2

let place: Awaited<ReturnType<typeof workshop>>
// Spark gives up when anyone changed rows between its look and its commit: without pauses, some times as long as a MERGE takes it
// here, it would starve.
let pauseMsMax = 0
beforeAll(async () => {
  place = await workshop()
  // The first statements take Spark a multiple of the later ones.
  const folder = join(place.folder, 'first')
  await startTable(place.engine, folder, { deletionVectors: true })
  for (const operation of sparkOperations(2)) {
    const start = systemClock.now()
    await perform(folder, operation)
    if (operation.kind === 'upsert') pauseMsMax = Math.min(5 * (systemClock.now() - start), (SECONDS * 1000) / 2)
  }
}, 180_000)
afterAll(() => place.close())

test.each([
  ['copied', false],
  ['marked with deletion vectors', true],
])(
  'two processes of ours and Spark write one table whose rows are %s, and the result is that of a serial order',
  async (name, deletionVectors) => {
    const folder = join(place.folder, name)
    const table = await startTable(place.engine, folder, { deletionVectors })
    const [ours, refusals] = await Promise.all([
      runOurs(folder, { processes: PROCESSES, seconds: SECONDS, pauseMsMax }),
      runSpark(folder),
    ])
    const theirs = await operationsInLog(table)
    await expectSerial(table, new Map([...ours, ...theirs]))
    // Nobody starved: the test would prove nothing.
    expect(ours.size, 'our commits').toBeGreaterThanOrEqual(PROCESSES)
    const kinds = new Set([...theirs.values()].map(({ kind }) => kind))
    expect(kinds.size, refusals.join('\n')).toBeGreaterThanOrEqual(IS_SOAK ? 3 : 1)
  },
)

/** Lets Spark write until the time is over. Returns the words with which it lost races. */
async function runSpark(folder: string): Promise<readonly string[]> {
  const refusals: string[] = []
  const end = systemClock.now() + SECONDS * 1000
  for (const operation of sparkOperations(SECONDS * 10)) {
    if (systemClock.now() >= end) break
    const refusal = await perform(folder, operation)
    if (refusal !== undefined) refusals.push(refusal)
  }
  return refusals
}

type SparkOperation = Exclude<Operation, { readonly kind: 'delete' }>

function* sparkOperations(count: number): Generator<SparkOperation> {
  const next = numbersOf(99)
  for (let turn = 1; turn <= count; turn++) {
    const value = `spark ${turn}`
    yield { kind: 'append', ids: [800_000_000 + turn], value }
    yield { kind: 'upsert', ids: [...new Set([next(SHARED_IDS), next(SHARED_IDS)])], value }
    yield { kind: 'optimize' }
  }
}

/** Undefined when Spark committed. */
async function perform(folder: string, operation: SparkOperation): Promise<string | undefined> {
  try {
    await sparkRun(folder, { run: statementOf(folder, operation), note: JSON.stringify(operation) })
    return undefined
  } catch (error) {
    // Only a lost race is expected.
    if (error instanceof Error && /DELTA_CONCURRENT_|DELTA_METADATA_CHANGED/.test(error.message)) return error.message
    throw error
  }
}

function statementOf(folder: string, operation: SparkOperation): string {
  const table = `delta.\`${folder}\``
  if (operation.kind === 'optimize') return `OPTIMIZE ${table}`
  const rows = operation.ids.map((id) => `(${id}L, '${operation.value}')`).join(', ')
  return operation.kind === 'append'
    ? `INSERT INTO ${table} VALUES ${rows}`
    : `MERGE INTO ${table} t USING (SELECT * FROM VALUES ${rows} AS r(id, v)) s ON t.id = s.id
       WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *`
}
