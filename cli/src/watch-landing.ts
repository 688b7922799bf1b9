import type { Engine } from '@tributary/delta'
import {
  type FollowOptions,
  followQueue,
  type IngestSummary,
  type Lake,
  type ListenPlace,
  missingLanding,
  openSqsQueue,
  parseLandingPlace,
  type Queue,
  serveMetrics,
  watch,
  workerMetrics,
} from '@tributary/pipeline'
import { flagsInvalid } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { writeJson } from './list-output.ts'
import type { WatchWords } from './watch-words.ts'

/** Pause between two looks at the landing. */
export const INTERVAL_SECONDS = 5
/** With a queue, looking finds what it did not tell. */
export const SWEEP_SECONDS = 300

interface WatchFlags {
  readonly words: WatchWords
  readonly table?: readonly string[]
  readonly interval?: number
  readonly listen: ListenPlace | undefined
}

/** `ingest --watch`: told by a queue, or looking again and again, until somebody ends it. */
export async function watchLanding(
  invocation: Invocation,
  { lake, engine }: { readonly lake: Lake; readonly engine: Engine },
  { table, interval, listen, words }: WatchFlags,
): Promise<void> {
  const { interrupts } = invocation
  const options = {
    settleMs: lake.config.reloadSettleMs,
    signal: interrupts.signal,
    cut: interrupts.cut,
    onEvent: words.onEvent,
    ...(invocation.flags.json ? { onRound: (summary: IngestSummary) => void writeJson(invocation, summary) } : {}),
  }
  const place = parseLandingPlace(lake.config.landing)
  if (lake.config.queue !== undefined && place !== undefined) {
    const queue = await openSqsQueue(lake.config.queue)
    words.tell('watching', `watching ${lake.landing.url}, told by ${queue.url}`, {
      landing: lake.landing.url,
      queue: queue.url,
    })
    const limits = { sweepMs: (interval ?? SWEEP_SECONDS) * 1000 }
    const follow = (more: Partial<FollowOptions>): Promise<void> =>
      followQueue({ lake, engine, queue, place }, { ...options, limits, ...more })
    await (listen === undefined ? follow({}) : withMetrics({ words, lake, queue, listen }, follow))
  } else {
    const message = await missingLanding(lake)
    words.tell('watching', `watching ${lake.landing.url}`, { landing: lake.landing.url })
    if (message !== undefined) words.onEvent({ kind: 'warning', table: 'landing', message })
    const intervalMs = (interval ?? INTERVAL_SECONDS) * 1000
    await watch(lake, engine, { ...options, intervalMs, ...(table === undefined ? {} : { tables: table }) })
  }
  const commits = words.commits()
  words.tell('ended', `stopped after ${commits} commits; each of them is complete`, { commits })
  invocation.end(EXIT.interrupted)
}

interface Measured {
  readonly words: WatchWords
  readonly lake: Lake
  readonly queue: Queue
  readonly listen: ListenPlace
}

async function withMetrics(
  { words, lake, queue, listen }: Measured,
  follow: (more: Partial<FollowOptions>) => Promise<void>,
): Promise<void> {
  const targets = lake.config.tables.flatMap(({ name, freshnessMs }) =>
    freshnessMs === undefined ? [] : [[name, freshnessMs] as const],
  )
  const metrics = workerMetrics(lake.clock, new Map(targets))
  const server = await serveMetrics(metrics, listen, queue.depth)
  const url = `http://${server.address}/metrics`
  words.tell('metrics', `metrics at ${url}`, { url })
  try {
    await follow({
      onSignal: metrics.onSignal,
      onEvent: (event) => {
        metrics.onEvent(event)
        words.onEvent(event)
      },
    })
  } finally {
    server.close()
  }
}

/** Reads `9464` or `0.0.0.0:9464`. Throws `FLAGS_INVALID`. */
export function parseListenPlace(text: string): ListenPlace {
  const [, host = '127.0.0.1', digits = ''] = /^(?:(.+):)?([0-9]{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) throw flagsInvalid(`--metrics ${text} is no port`, 'Write --metrics 9464')
  return { host, port }
}
