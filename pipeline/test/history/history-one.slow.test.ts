// Worth its minutes: nothing else meets the combinations of order, format and repetition that a source can produce.
// Two files, because CI has two cores.
import { test } from 'vitest'
import { runHistories } from './run-histories.ts'

test(
  'a table is what a Map says after each ingest of any history in any form, landings 0 to 11',
  { timeout: 600_000 },
  () => runHistories(0, 12),
)
