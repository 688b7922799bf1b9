// Worth its seconds: whatever is told again, in whatever order, changes nothing (reliability.md §6, row J).
import { expect, test } from 'vitest'
import { times } from '../../../delta/test/soak.ts'
import { randomFrom } from '../support/random.ts'
import { eventBody } from './events.ts'
import { describeTables } from './invariants.ts'
import { logicParts, runSeed } from './run-seed.ts'

const SEEDS = times(40, 1_000)

test(`${SEEDS} worlds whose events are all told again, shuffled, and whose files are put again, keep rows and ledger`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = randomFrom(seed)
    const before: { tables: readonly string[]; isTold: boolean } = { tables: [], isTold: false }
    const { violations, world } = await runSeed(seed, logicParts, {
      hasFaults: false,
      afterDrained: async (drained) => {
        before.tables = await describeTables(drained)
        before.isTold = true
        const keys = [...drained.bucket.objects.keys()].filter((key) => key.startsWith('landing/dms/shop/t'))
        for (const key of keys) {
          const object = drained.bucket.objects.get(key)
          // A prefix of the day is put again: the same bytes at a new time.
          if (object !== undefined && !key.includes('/LOAD') && random.chance(0.5))
            drained.watcher.bySource(() =>
              drained.bucket.put({ kind: 'put', key, bytes: object.bytes, isConditional: false, metadata: {} }),
            )
        }
        const told = [...keys, ...keys].map((key) => key.slice('landing/'.length))
        for (const key of random.shuffle(told))
          drained.queue.send(eventBody(random, [key], drained.scheduler.nowMs()), random.int(0, 5_000))
      },
    })
    expect(violations, `seed ${seed}`).toEqual([])
    expect(before.isTold).toBe(true)
    expect(await describeTables(world), `seed ${seed}`).toEqual(before.tables)
  }
})
