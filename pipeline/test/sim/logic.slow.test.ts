// Worth its seconds: workers, S3 and SQS in hundreds of worlds, each with its own faults (reliability.md §6, row B).
import { expect, test } from 'vitest'
import { halfOf, runRange } from './report.ts'
import { logicParts, runSeed } from './run-seed.ts'
import { expectSound } from './seeds-apart.ts'
import { LARGE } from './world.ts'

/** The other half is in logic-second.slow.test.ts, for the other core. */
const half = halfOf('logic', 1)
/** Seeds whose large worlds show what once broke: a session kept a newer snapshot beside an older ledger. */
const BROKE_ONCE = [160, 188, 273]

const large = { name: 'logic', parts: logicParts, options: { size: LARGE } } as const

test.for(BROKE_ONCE)('seed %i, which once broke something, breaks nothing', async (seed) => {
  expect((await runRange(large, { first: seed, last: seed })).failure).toBeUndefined()
})

test('a seed gives the same history, byte for byte, however often it is run', async () => {
  const histories: string[] = []
  for (let run = 0; run < 3; run += 1)
    histories.push((await runSeed(7, logicParts, { isRecorded: true })).world.history.join('\n'))
  expect(histories[0]?.length).toBeGreaterThan(1000)
  expect(new Set(histories).size).toBe(1)
})

test(
  `${half.last} worlds of crashes, lost answers, lost messages and racing workers leave tables that are the source`,
  {
    timeout: 3_600_000,
  },
  () => expectSound('logic', half),
)
