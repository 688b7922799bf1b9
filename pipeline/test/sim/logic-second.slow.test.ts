// Worth its seconds: the second half of the worlds of logic.slow.test.ts.
import { test } from 'vitest'
import { halfOf } from './report.ts'
import { expectSound } from './seeds-apart.ts'

const half = halfOf('logic', 2)

test(`the worlds ${half.first} to ${half.last} leave tables that are the source`, { timeout: 3_600_000 }, () =>
  expectSound('logic', half),
)
