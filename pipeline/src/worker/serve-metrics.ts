import { once } from 'node:events'
import { metricsNotServed } from '../errors.ts'
import type { WorkerMetrics } from './worker-metrics.ts'

/** An open port. */
export interface MetricsServer {
  /** `127.0.0.1:9464`, with the port that was found when 0 was asked for. */
  readonly address: string
  readonly close: () => void
}

/** Where to listen. */
export interface ListenPlace {
  readonly host: string
  readonly port: number
}

/**
 * Answers `/metrics` for Prometheus, `/healthz` for whoever restarts what is ill, and `/freshness` for alarms: a table that is late is no
 * reason to restart. Throws `METRICS_NOT_SERVED`.
 */
export async function serveMetrics(
  metrics: WorkerMetrics,
  { host, port }: ListenPlace,
  readDepth: () => Promise<number>,
): Promise<MetricsServer> {
  // Only a worker needs it, and every command would wait until it is loaded.
  const { createServer } = await import('node:http')
  const server = createServer(async (request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      response.end(text)
    }
    if (request.method !== 'GET') return answer(405, 'only GET\n')
    if (request.url === '/metrics') return answer(200, metrics.text(await readDepth().catch(() => undefined)))
    const late = metrics.late()
    if (request.url === '/freshness') return answer(late.length === 0 ? 200 : 503, `${late.join('\n') || 'fresh'}\n`)
    if (request.url !== '/healthz') return answer(404, 'there are /metrics, /healthz and /freshness\n')
    const illness = metrics.illness()
    return answer(illness === undefined ? 200 : 503, `${illness ?? 'well'}\n`)
  })
  server.listen(port, host)
  // `once` throws what the server emits as an error.
  await once(server, 'listening').catch((cause: unknown) => {
    throw metricsNotServed(`${host}:${port}`, cause)
  })
  const found = server.address()
  return {
    address: `${host}:${typeof found === 'object' && found !== null ? found.port : port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
