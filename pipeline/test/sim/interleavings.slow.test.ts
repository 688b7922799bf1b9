// Worth its seconds: not some orders of requests and faults, but all of them (reliability.md §6, row A).
import { expect, test } from 'vitest'
import { IS_SOAK } from '../../../delta/test/soak.ts'
import { type Exploration, explore } from './interleavings.ts'
import { namelessHead, unconditional } from './mutants.ts'

interface Case extends Exploration {
  /** Fewer would mean that the exploration went blind. */
  readonly statesMin: number
}

const USUAL: readonly Case[] = [
  { writers: 2, isLong: false, faultsMax: 2, statesMin: 1_000 },
  { writers: 2, isLong: true, faultsMax: 2, statesMin: 20_000 },
  { writers: 3, isLong: false, faultsMax: 1, statesMin: 700 },
]
const FULL: readonly Case[] = [
  { writers: 2, isLong: false, faultsMax: 4, statesMin: 10_000 },
  { writers: 2, isLong: true, faultsMax: 3, statesMin: 100_000 },
  { writers: 3, isLong: false, faultsMax: 3, statesMin: 50_000 },
  { writers: 3, isLong: true, faultsMax: 1, statesMin: 10_000 },
]

test.for(IS_SOAK ? [...USUAL, ...FULL] : USUAL)(
  '$writers writers (with data files: $isLong) and up to $faultsMax faults: in no order is a commit lost, made twice or told wrongly',
  { timeout: 3_600_000 },
  async ({ statesMin, ...exploration }) => {
    const { failure, states } = await explore(exploration)
    expect(failure).toBeUndefined()
    expect(states).toBeGreaterThan(statesMin)
  },
)

test('writers that do not know their own commit again are found out', async () => {
  const { failure } = await explore({ writers: 2, isLong: true, faultsMax: 1, change: namelessHead })
  expect(failure).toMatch(/was told that it lost|I5 part-w/)
})

test('writers whose PUT replaces what is there are found out', async () => {
  const { failure } = await explore({ writers: 2, isLong: false, faultsMax: 0, change: unconditional })
  expect(failure).toMatch('I4 a commit was written twice')
})
