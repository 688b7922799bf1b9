// Worth its seconds: whenever a lake is put back, deleted and taken on by others, a worker that lives on does no harm.
import { expect, test } from 'vitest'
import { openLiveLake } from '../support/put-back.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const STEPS = 60

test.each([true, false])(
  'a lake that is put back at any time has the rows of its files (index: %s)',
  async (withIndex) => {
    const seed = seedOfRun()
    const random = randomFrom(seed)
    const lake = await openLiveLake({ withIndex })
    const steps: string[] = []
    try {
      await lake.land(Array.from({ length: 30 }, (_, at) => `I,${at}`))
      await lake.work()
      lake.backUp()
      for (let at = 0; at < STEPS; at++) {
        const step = random.pick(['work', 'work', 'workElsewhere', 'backUp', 'putBack', 'putBack', 'remove'] as const)
        steps.push(step)
        if (step === 'backUp' || step === 'putBack' || step === 'remove') {
          lake[step]()
          // What was deleted cannot be backed up, and is made anew by somebody.
          if (step !== 'remove') continue
        } else
          await lake.land(
            Array.from({ length: random.int(1, 6) }, () => `${random.pick(['U', 'D'])},${random.int(0, 40)}`),
          )
        await (step === 'work' || random.chance(0.5) ? lake.work() : lake.workElsewhere())
      }
      expect.hasAssertions()
    } catch (error) {
      throw new Error(`TRIBUTARY_SEED=${seed}: ${steps.join(' ')}`, { cause: error })
    } finally {
      await lake.place.close()
    }
  },
)
