import { defineConfig } from 'vitest/config'

const slow = '**/*.slow.test.ts'

// Processes, not threads: tests kill, fork and load native modules. Two of them: CI has two cores.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // Many small files: a process each would take longer than their tests. They leave nothing behind that another would notice.
          isolate: false,
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
