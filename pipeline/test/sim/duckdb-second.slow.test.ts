// Worth its seconds: the second half of the worlds of duckdb.slow.test.ts.
import { test } from 'vitest'
import { halfOf } from './report.ts'
import { expectSound } from './seeds-apart.ts'

const half = halfOf('duckdb', 2)

test(
  `the worlds ${half.first} to ${half.last} leave tables, and change feeds, that are the source`,
  {
    timeout: 7_200_000,
  },
  () => expectSound('duckdb', half),
)
