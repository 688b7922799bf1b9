// Worth its seconds: proves that the simulation can fail. Each broken variant of mutants.ts must be caught within few seeds.
import { expect, test } from 'vitest'
import { MUTANTS } from './mutants.ts'
import { runSeed } from './run-seed.ts'

const SEEDS_MAX = 400
/** A variant that runs in circles is caught by that, and needs not do so for long. */
const STEPS_MAX = 6000

test.for(MUTANTS)('where $what, an invariant breaks', async ({ what, parts }) => {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { violations } = await runSeed(seed, parts, { stepsMax: STEPS_MAX })
    if (violations.length === 0) continue
    console.log(`${what}: seed ${seed}, ${violations[0]?.split('\n')[0]}`)
    return
  }
  expect.fail(`${SEEDS_MAX} seeds did not notice that ${what}`)
})
