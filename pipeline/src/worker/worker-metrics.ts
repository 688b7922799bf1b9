// What a worker did, in the text that Prometheus reads. It holds counts, times and the names of tables: no keys, no values, no secrets.
import type { Clock } from '@tributary/delta'
import type { IngestEvent } from './run.ts'
import { waitingTimes } from './waiting-times.ts'
import type { WorkerSignal } from './worker-signal.ts'

/** Counts what it is told, and says it. */
export interface WorkerMetrics {
  readonly onEvent: (event: IngestEvent) => void
  readonly onSignal: (signal: WorkerSignal) => void
  /** The text of `/metrics`; the depth of the queue is asked for by whoever calls. */
  readonly text: (depth: number | undefined) => string
  /** Why the worker does not work, if it doesn't. A table that stopped is no reason: starting anew would not help it. */
  readonly illness: () => string | undefined
  /** Tables that miss their target now, in words. Each has a file that waits longer than it may. */
  readonly late: () => readonly string[]
}

// From well below the goal (p50 2 s, p99 10 s) to a load that settles for minutes.
const BUCKETS_SECONDS = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800] as const
/** A long poll takes 20 s; three in a row without an answer are an illness. */
const SILENCE_MS_MAX = 120_000

interface Histogram {
  readonly counts: number[]
  count: number
  sumSeconds: number
}

/** Starts with nothing counted. `targetsMs` holds the tables that have a target for freshness. */
export function workerMetrics(
  clock: Pick<Clock, 'now'>,
  targetsMs: ReadonlyMap<string, number> = new Map(),
): WorkerMetrics {
  const waiting = waitingTimes(clock, targetsMs)
  const commits = new Map<string, number>()
  const rows = new Map<string, number>()
  const stopped = new Map<string, number>()
  const committedAt = new Map<string, number>()
  const messages = new Map<string, number>()
  const lag = new Map<string, Histogram>()
  const answeredMs = new Map<string, number>([['queue', clock.now()]])
  let held = 0
  return {
    onEvent: (event) => {
      if (event.kind === 'stopped') stopped.set(label({ table: event.table }), 1)
      if (event.kind !== 'committed') return
      const { table } = event
      add(commits, label({ table, operation: event.operation }), 1)
      for (const outcome of ['applied', 'superseded', 'noop', 'quarantined'] as const)
        add(rows, label({ table, outcome }), event[outcome])
      stopped.set(label({ table }), 0)
      committedAt.set(label({ table }), clock.now() / 1000)
      if (event.dmsMs !== undefined) observe(lag, label({ hop: 'dms' }), event.dmsMs / 1000)
    },
    onSignal: (signal) => {
      switch (signal.kind) {
        case 'answered':
          answeredMs.set(signal.by, clock.now())
          break
        case 'holding':
          held = signal.messages
          break
        case 'settled':
          add(messages, label({ outcome: signal.as }), 1)
          for (const [hop, ms] of Object.entries(signal.hopsMs)) observe(lag, label({ hop }), ms / 1000)
          break
        default:
          waiting.note(signal)
      }
    },
    text: (depth) =>
      [
        ...family('commits_total', 'counter', 'Commits of this worker.', commits),
        ...family('rows_total', 'counter', 'Rows of landing files, by what became of them.', rows),
        ...family('table_stopped', 'gauge', '1: the last thing heard of the table is that it stopped.', stopped),
        ...family('table_committed_timestamp_seconds', 'gauge', 'When the table was last committed to.', committedAt),
        ...family('messages_total', 'counter', 'Messages of the queue, by what became of them.', messages),
        ...family('messages_held', 'gauge', 'Messages received and not settled yet.', new Map([['', held]])),
        ...(depth === undefined
          ? []
          : family('queue_messages', 'gauge', 'Messages that wait in the queue, about.', new Map([['', depth]]))),
        ...family(
          'answered_timestamp_seconds',
          'gauge',
          'When the queue, or a look at the whole landing, last succeeded.',
          new Map([...answeredMs].map(([by, ms]) => [label({ by }), ms / 1000])),
        ),
        ...family('table_waiting_seconds', 'gauge', 'For how long the oldest file waits.', inSeconds(waiting.all())),
        ...family('table_target_seconds', 'gauge', 'The target for freshness.', inSeconds(targetsMs)),
        ...histogramLines(lag),
        '',
      ].join('\n'),
    late: waiting.late,
    illness: () => {
      const silentMs = clock.now() - (answeredMs.get('queue') ?? 0)
      return silentMs > SILENCE_MS_MAX ? `the queue has not answered for ${Math.round(silentMs / 1000)} s` : undefined
    },
  }
}

function add(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}

function observe(histograms: Map<string, Histogram>, name: string, seconds: number): void {
  const found = histograms.get(name) ?? { counts: BUCKETS_SECONDS.map(() => 0), count: 0, sumSeconds: 0 }
  histograms.set(name, found)
  found.count += 1
  found.sumSeconds += seconds
  BUCKETS_SECONDS.forEach((bound, at) => {
    if (seconds <= bound) found.counts[at] = (found.counts[at] ?? 0) + 1
  })
}

/** Times of tables, as the format wants them. */
function inSeconds(timesMs: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...timesMs].map(([table, ms]) => [label({ table }), ms / 1000]))
}

/** Labels inside the braces, escaped as the format asks. */
function label(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
    )
    .join(',')
}

function family(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  values: ReadonlyMap<string, number>,
): readonly string[] {
  const full = `tributary_${name}`
  const lines = [...values].map(([labels, value]) => `${full}${labels === '' ? '' : `{${labels}}`} ${value}`)
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines]
}

function histogramLines(histograms: ReadonlyMap<string, Histogram>): readonly string[] {
  const name = 'tributary_lag_seconds'
  const help =
    'Dms: from the source to the write of the object, by commit. Queue: from there until a worker looks. Merge: from there to the durable commit.'
  const lines = [...histograms].flatMap(([labels, { counts, count, sumSeconds }]) => [
    ...BUCKETS_SECONDS.map((bound, at) => `${name}_bucket{${labels},le="${bound}"} ${counts[at]}`),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumSeconds}`,
    `${name}_count{${labels}} ${count}`,
  ])
  return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...lines]
}
