import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Test files that take a minute and more, the longest first. A clone has no memory of how long its files took, and what begins last and takes
 * longest leaves a core idle.
 */
const LONG = [
  'pipeline/test/crash/kill.slow.test.ts',
  'pipeline/test/history/histories.slow.test.ts',
  'pipeline/test/readers/readers.slow.test.ts',
  'ml/test/features/incremental-property.slow.test.ts',
  'pipeline/test/sim/logic.slow.test.ts',
  'pipeline/test/sim/logic-second.slow.test.ts',
  'pipeline/test/crash/store-operations.slow.test.ts',
  'pipeline/test/sim/duckdb.slow.test.ts',
  'pipeline/test/sim/duckdb-second.slow.test.ts',
  'cli/test/demo/flights-landing.slow.test.ts',
  'delta/test/concurrency/spark-writer.slow.test.ts',
  'delta/test/maintain/readers.slow.test.ts',
  'delta/test/readers/spark.slow.test.ts',
  'pipeline/test/maintain/upkeep.slow.test.ts',
  'delta/test/write/operations.slow.test.ts',
] as const

/** Vitest's order, but for the long ones. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files)
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((path) => moduleId.endsWith(`/${path}`))
      return at === -1 ? LONG.length : at
    }
    return rest.toSorted((left, right) => rank(left) - rank(right))
  }
}
