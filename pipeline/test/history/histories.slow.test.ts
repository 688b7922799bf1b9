// Worth its minutes: nothing else meets the combinations of order, format and repetition that a source can produce.
import { test } from 'vitest'
import { runHistories } from './run-histories.ts'

test('a table is what a Map says after each ingest of any history in any form', { timeout: 600_000 }, () =>
  runHistories(16),
)
