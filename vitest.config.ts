import { defineConfig } from 'vitest/config'
import { LongestFirst } from './.ci/longest-first.ts'

const slow = '**/*.slow.test.ts'

// Processes, not threads: tests kill, fork and load native modules. One more than CI has cores: a third of the time a test waits for a
// disk, a server or a process that it started.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 3,
    // A process for each file would cost a second of processor and more, for what it imports. No file leaves anything behind that another notices.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['*/test/**/*.test.ts', '.ci/*.test.ts'],
          exclude: [slow, '**/node_modules/**'],
          testTimeout: 10_000,
          hookTimeout: 20_000,
        },
      },
      {
        // Crashes, properties, other readers, demos: worth minutes, so kept out of `make check`.
        extends: true,
        test: {
          name: 'slow',
          include: [`*/test/${slow}`],
          globalSetup: ['delta/test/readers/spark-server.ts', 'delta/test/servers/s3-server.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
