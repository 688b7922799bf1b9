// All that lives outside of the processes: the clock, the bucket, the queue, DMS and its database, and the eyes on it all.
import type { Store } from '@tributary/delta'
import { type Random, randomFrom } from '../support/random.ts'
import { type Bucket, createBucket } from './bucket.ts'
import { createDisk } from './disk.ts'
import { type Faults, noFaults, randomFaults } from './faults.ts'
import { type Encode, encodeJson, type SimFile } from './landing-files.ts'
import type { Network } from './s3-client.ts'
import { type Actor, createScheduler, type Scheduler } from './scheduler.ts'
import { createQueue, type SimQueue } from './sim-queue.ts'
import { openSourceTable, type SourceParts, type SourceTable } from './source.ts'
import { createWatcher, type Watcher } from './watcher.ts'

/** What a message says of one file, and when the message was deleted. */
export interface Telling {
  readonly file: SimFile
  /** The newest batch of the file's table at each time when the message was deleted and the object was still the one that it told of. */
  readonly deletions: number[]
}

/** How much goes on in a world at most. */
export interface WorldSize {
  readonly tables: number
  readonly workers: number
  /** What happens at the source, at least and at most. */
  readonly events: readonly [number, number]
  /** Processes that optimize or vacuum. */
  readonly errands: number
}

export const LARGE: WorldSize = { tables: 3, workers: 3, events: [4, 14], errands: 4 }
/** What breaks mostly breaks in little, and three of these take the time of a large one. */
const SMALL: WorldSize = { tables: 2, workers: 2, events: [1, 4], errands: 2 }
const LARGE_EVERY = 16

/** Everything of one run. */
export interface World {
  readonly seed: number
  readonly size: WorldSize
  readonly random: Random
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly bucket: Bucket
  readonly network: Network
  readonly queue: SimQueue
  readonly watcher: Watcher
  readonly tables: readonly SourceTable[]
  readonly source: SourceParts
  /** What each message tells of, by its body. */
  readonly events: Map<string, readonly Telling[]>
  /** What S3 has to tell and has not yet. */
  readonly untold: Telling[]
  /** The last time that each landing object was put. */
  readonly newest: Map<string, Telling>
  /** Every state that each landing object ever had, by key. */
  readonly files: Map<string, SimFile[]>
  /** A table's store with its data files on a disk, where an engine needs them there. */
  readonly onDisk: (store: Store, prefix: string) => Store
  /** What happened, line by line; nothing is written down unless the run is recorded. */
  readonly note: (line: () => string) => void
  readonly history: readonly string[]
  /** What follows when a process dies; whoever is not here cannot die. */
  readonly deaths: Map<Actor, () => void>
  /** Rivals that are still under way, or to come. */
  readonly errands: Set<string>
  /** A person learns that a table was truncated at the source. */
  onTruncated: (table: SourceTable) => void
}

/** How a run differs from the usual one. */
export interface WorldOptions {
  /** Every sixteenth world is large, the others are small, unless this is said. */
  readonly size?: WorldSize
  readonly isRecorded?: boolean
  readonly encode?: Encode
  readonly stepsMax?: number
  readonly hasFaults?: boolean
  /** Where data files lie for an engine that opens files; without one, in the bucket alone. */
  readonly folder?: string
  readonly elsewhere?: ReadonlySet<Promise<unknown>>
  /** Called once when all is taken in, before workers are told to end; what it brings about has to be taken in, too. */
  readonly afterDrained?: (world: World) => Promise<void>
  /** Told of each step. */
  readonly onStep?: (what: string, actor: Actor | undefined) => void
}

const START_MS = Date.UTC(2026, 2, 1, 9)
const STEPS_MAX = 30_000

/** The world of a seed. */
export function createWorld(seed: number, options: WorldOptions = {}): World {
  const random = randomFrom(seed)
  const size = options.size ?? (seed % LARGE_EVERY === 0 ? LARGE : SMALL)
  const faults = options.hasFaults === false ? noFaults() : randomFaults(random)
  const history: string[] = []
  const note = (line: () => string): void => {
    if (options.isRecorded === true)
      history.push(`${new Date(scheduler.nowMs()).toISOString().slice(11, 23)} ${line()}`)
  }
  const slownessMs = random.pick([0, 5, 50, 500])
  const scheduler = createScheduler({
    choose: (count) => random.int(0, count - 1),
    stepMs: () => random.int(0, slownessMs),
    startMs: START_MS,
    stepsMax: options.stepsMax ?? STEPS_MAX,
    ...(options.elsewhere === undefined ? {} : { elsewhere: options.elsewhere }),
    onStep: (what, actor) => {
      options.onStep?.(what, actor)
      if (actor !== undefined) mayDie(world, actor)
    },
  })
  const source: SourceParts = {
    random: randomFrom(seed ^ 0x5ca1ab1e),
    encode: options.encode ?? encodeJson,
    nowMs: scheduler.nowMs,
    badRow: random.pick([0, 0, 0.1, 0.3]),
  }
  const names = Array.from({ length: random.int(1, size.tables) }, (_, at) => `shop.t${at}`)
  const watcher = createWatcher(names, scheduler.nowMs)
  const bucket = createBucket(scheduler.nowMs, watcher.onWrite)
  const events = new Map<string, readonly Telling[]>()
  const newest = new Map<string, Telling>()
  const world: World = {
    seed,
    size,
    random,
    scheduler,
    faults,
    bucket,
    network: {
      scheduler,
      bucket,
      faults,
      random,
      pageKeysMax: random.pick([2, 5, 1000]),
      onRequest: (actor, request, fate) =>
        note(() => `${actor.name} ${request.kind} ${request.kind === 'list' ? request.prefix : request.key}: ${fate}`),
    },
    queue: createQueue({
      scheduler,
      faults,
      random,
      receivesMax: random.pick([undefined, 3, 8]),
      onCall: (actor, what) => note(() => `${actor.name} queue ${what}`),
      onDelete: (body) => {
        for (const telling of events.get(body) ?? []) {
          const { key, table } = telling.file
          if (newest.get(key) !== telling || !bucket.objects.has(`landing/${key}`)) continue
          telling.deletions.push(watcher.tables.get(table)?.batch ?? 0)
        }
      },
    }),
    watcher,
    tables: names.map((name) => openSourceTable(name, source.random.chance(0.6))),
    source,
    events,
    untold: [],
    newest,
    files: new Map(),
    onDisk: options.folder === undefined ? (store) => store : createDisk(options.folder, bucket),
    note,
    history,
    deaths: new Map(),
    errands: new Set(),
    onTruncated: () => undefined,
  }
  return world
}

/** A process that dies at this step does not do it. */
function mayDie({ random, faults, scheduler, deaths, note }: World, actor: Actor): void {
  const onDeath = deaths.get(actor)
  if (!actor.isAlive || onDeath === undefined || !random.chance(faults.crash)) return
  note(() => `${actor.name} dies`)
  scheduler.kill(actor)
  deaths.delete(actor)
  onDeath()
}
