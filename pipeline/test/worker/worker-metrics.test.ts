import { expect, test } from 'vitest'
import { serveMetrics } from '../../src/worker/serve-metrics.ts'
import { workerMetrics } from '../../src/worker/worker-metrics.ts'

const COMMITTED = {
  kind: 'committed',
  table: 's."a"',
  version: 1,
  operation: 'UPSERT',
  files: 1,
  bytesAdded: 700,
  read: 5,
  applied: 3,
  superseded: 1,
  noop: 0,
  quarantined: 1,
  digitsCut: 0,
  inserted: 1,
  updated: 2,
  deleted: 0,
  ms: 12,
} as const
const LISTEN = { host: '127.0.0.1', port: 0 }

test('commits, rows, messages and lags are counted, and said as Prometheus reads them', () => {
  const metrics = workerMetrics({ now: () => 5000 })
  metrics.onEvent(COMMITTED)
  metrics.onEvent(COMMITTED)
  metrics.onEvent({ kind: 'stopped', table: 's.b', code: 'LATE_FILE', message: 'late' })
  metrics.onSignal({ kind: 'settled', as: 'done', hopsMs: { queue: 300, merge: 1500 } })
  metrics.onSignal({ kind: 'settled', as: 'aside', hopsMs: {} })
  metrics.onSignal({ kind: 'holding', messages: 7 })
  const lines = metrics.text(3).split('\n')
  for (const line of [
    '# TYPE tributary_commits_total counter',
    'tributary_commits_total{table="s.\\"a\\"",operation="UPSERT"} 2',
    'tributary_rows_total{table="s.\\"a\\"",outcome="applied"} 6',
    'tributary_rows_total{table="s.\\"a\\"",outcome="quarantined"} 2',
    'tributary_table_stopped{table="s.\\"a\\""} 0',
    'tributary_table_stopped{table="s.b"} 1',
    'tributary_table_committed_timestamp_seconds{table="s.\\"a\\""} 5',
    'tributary_messages_total{outcome="done"} 1',
    'tributary_messages_total{outcome="aside"} 1',
    'tributary_messages_held 7',
    'tributary_queue_messages 3',
    'tributary_lag_seconds_bucket{hop="queue",le="0.25"} 0',
    'tributary_lag_seconds_bucket{hop="queue",le="0.5"} 1',
    'tributary_lag_seconds_bucket{hop="merge",le="1"} 0',
    'tributary_lag_seconds_bucket{hop="merge",le="+Inf"} 1',
    'tributary_lag_seconds_sum{hop="merge"} 1.5',
  ])
    expect(lines).toContain(line)
})

test('the hop of DMS is counted by commit, where files carry the time at the source', () => {
  const metrics = workerMetrics({ now: () => 0 })
  metrics.onEvent(COMMITTED)
  metrics.onEvent({ ...COMMITTED, dmsMs: 61_000 })
  expect(metrics.text(0)).toContain('tributary_lag_seconds_count{hop="dms"} 1\n')
  expect(metrics.text(0)).toContain('tributary_lag_seconds_sum{hop="dms"} 61\n')
})

test('a table is late while a file waits longer than its target, also during the look that takes it in', async () => {
  let nowMs = 0
  const metrics = workerMetrics({ now: () => nowMs }, new Map([['s.a', 60_000]]))
  const server = await serveMetrics(metrics, LISTEN, async () => 0)
  const fresh = async (): Promise<readonly [number, string]> => {
    const answer = await fetch(`http://${server.address}/freshness`)
    return [answer.status, await answer.text()]
  }
  metrics.onSignal({ kind: 'woken', table: 's.a', writtenMs: 0 })
  metrics.onSignal({ kind: 'woken', table: 's.a', writtenMs: 50_000 })
  nowMs = 60_000
  expect(await fresh()).toEqual([200, 'fresh\n'])
  nowMs = 61_000
  metrics.onSignal({ kind: 'looking', table: 's.a' })
  expect(await fresh()).toEqual([503, 's.a: a file waits for 61 s, the target is 60 s\n'])
  expect(metrics.text(0)).toContain('tributary_table_waiting_seconds{table="s.a"} 61\n')
  expect(metrics.text(0)).toContain('tributary_table_target_seconds{table="s.a"} 60\n')
  metrics.onSignal({ kind: 'woken', table: 's.a', writtenMs: 61_000 })
  metrics.onSignal({ kind: 'looked', table: 's.a', waitingSinceMs: undefined })
  expect(await fresh()).toEqual([200, 'fresh\n'])
  nowMs = 122_000
  expect(await fresh()).toEqual([503, 's.a: a file waits for 61 s, the target is 60 s\n'])
  // A late table does not make the worker ill: starting it anew would not help.
  metrics.onSignal({ kind: 'answered', by: 'queue' })
  expect((await fetch(`http://${server.address}/healthz`)).status).toBe(200)
  server.close()
})

test('a table that goes on is no longer stopped', () => {
  const metrics = workerMetrics({ now: () => 0 })
  metrics.onEvent({ kind: 'stopped', table: 's."a"', code: 'LATE_FILE', message: 'late' })
  metrics.onEvent(COMMITTED)
  expect(metrics.text(0)).toContain('tributary_table_stopped{table="s.\\"a\\""} 0\n')
})

test('a worker whose queue is silent for minutes is ill, and well again when it answers', async () => {
  let nowMs = 0
  const metrics = workerMetrics({ now: () => nowMs })
  const server = await serveMetrics(metrics, LISTEN, () => Promise.reject(new Error('silent')))
  const ask = async (path: string): Promise<readonly [number, string]> => {
    const answer = await fetch(`http://${server.address}${path}`)
    return [answer.status, await answer.text()]
  }
  expect(await ask('/healthz')).toEqual([200, 'well\n'])
  nowMs = 121_000
  expect(await ask('/healthz')).toEqual([503, 'the queue has not answered for 121 s\n'])
  metrics.onSignal({ kind: 'answered', by: 'queue' })
  expect(await ask('/healthz')).toEqual([200, 'well\n'])
  expect((await ask('/metrics'))[1]).not.toContain('tributary_queue_messages ')
  expect((await ask('/'))[0]).toBe(404)
  server.close()
})

test('a port that is taken is told', async () => {
  const metrics = workerMetrics({ now: () => 0 })
  const server = await serveMetrics(metrics, LISTEN, async () => 0)
  const port = Number(server.address.split(':').at(-1))
  await expect(serveMetrics(metrics, { ...LISTEN, port }, async () => 0)).rejects.toThrow(
    `Metrics cannot be served at 127.0.0.1:${port} (EADDRINUSE). Give \`--metrics\` another port, or leave it out.`,
  )
  server.close()
})
