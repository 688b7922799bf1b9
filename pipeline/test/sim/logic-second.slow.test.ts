// Worth its seconds: the second half of the worlds of logic.slow.test.ts.
import { expect, test } from 'vitest'
import { halfOf, runRange } from './report.ts'
import { logicParts } from './run-seed.ts'

const { first, last } = halfOf('logic', 2)

test(`the worlds ${first} to ${last} leave tables that are the source`, { timeout: 3_600_000 }, async () => {
  const { failure, commits } = await runRange({ name: 'logic', parts: logicParts, options: {} }, { first, last })
  expect(failure).toBeUndefined()
  expect(commits, 'commits of a world, on average').toBeGreaterThan((last - first + 1) * 3)
})
