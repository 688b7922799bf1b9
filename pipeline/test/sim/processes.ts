// Workers that follow the queue with the product's own code, die at any of their steps, and are started again by a supervisor.
import { type Clock, type Engine, type Snapshot, TributaryError } from '@tributary/delta'
import { type S3Connection, s3StoreOver } from '@tributary/delta/s3'
import type { Config } from '../../src/config/config.ts'
import { s3Settings } from '../../src/config/s3-settings.ts'
import type { PinPlace } from '../../src/maintain/pins.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { followQueue } from '../../src/worker/follow-queue.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { BatchWork } from '../../src/worker/run.ts'
import { PLACE } from './events.ts'
import { connectionOf } from './s3-client.ts'
import type { Actor } from './scheduler.ts'
import type { World } from './world.ts'

/** Writes the live rows of a table into other files. */
export type Rewrite = (
  parts: { readonly engine: Engine; readonly clock: Clock },
  table: { readonly snapshot: Snapshot; readonly place: PinPlace },
) => Promise<void>

/** What processes are made of. */
export interface ProcessParts {
  readonly engineFor: (world: World, actor: Actor) => Engine
  readonly work: BatchWork | undefined
  readonly rewrite: Rewrite
  /** Puts something between a process and the bucket, its stores or its queue. */
  readonly wrapConnection?: (connection: S3Connection) => S3Connection
  readonly wrapLake?: (lake: Lake) => Lake
  readonly wrapQueue?: (queue: Queue) => Queue
}

/** The workers of a world. */
export interface Processes {
  /** Tells all to end as SIGTERM does. */
  readonly end: () => void
  readonly haveEnded: () => boolean
}

const RESTART_MS_MAX = 30_000
const SKEW_MS_MAX = 3_600_000
const LIMITS = { windowMs: 500, sweepMs: 20_000, hideMs: 30_000 } as const

/** Starts one or some workers; each is started again when it dies. */
export function startProcesses(world: World, parts: ProcessParts): Processes {
  const { random, scheduler, deaths } = world
  const running = new Map<Actor, AbortController>()
  const settleMs = random.pick([0, 0, 5_000])
  const isSkewed = random.chance(0.3)
  let isEnding = false
  const start = (name: string, life: number): void => {
    if (isEnding) return
    const skewMs = isSkewed ? random.int(-SKEW_MS_MAX, SKEW_MS_MAX) : 0
    const actor: Actor = { name: `${name}.${life}`, skewMs, isAlive: true }
    const ending = new AbortController()
    running.set(actor, ending)
    world.note(() => `${actor.name} starts, its clock is off by ${skewMs} ms`)
    const again = (): void => {
      running.delete(actor)
      scheduler.at(scheduler.nowMs() + random.int(1, RESTART_MS_MAX), 'restart', () => start(name, life + 1))
    }
    followOn(world, parts, { actor, ending, settleMs }).then(
      () => {
        running.delete(actor)
        deaths.delete(actor)
      },
      (error: unknown) => {
        // The supervisor's view: it could not reach what it needs, and is started anew.
        if (!(error instanceof TributaryError) || error.kind !== 'unavailable')
          world.watcher.violations.push(
            `a worker ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          )
        world.note(() => `${actor.name} ended: ${String(error)}`)
        scheduler.kill(actor)
        deaths.delete(actor)
        again()
      },
    )
    deaths.set(actor, again)
  }
  for (let at = random.int(1, world.size.workers); at > 0; at -= 1) start(`worker-${at}`, 1)
  return {
    end: () => {
      isEnding = true
      for (const ending of running.values()) ending.abort()
    },
    haveEnded: () => running.size === 0,
  }
}

async function followOn(
  world: World,
  { engineFor, work, wrapConnection, wrapLake = (lake) => lake, wrapQueue = (queue) => queue }: ProcessParts,
  life: { readonly actor: Actor; readonly ending: AbortController; readonly settleMs: number },
): Promise<void> {
  const { actor, ending, settleMs } = life
  await followQueue(
    {
      lake: wrapLake(lakeOf(world, actor, wrapConnection)),
      engine: engineFor(world, actor),
      queue: wrapQueue(world.queue.handleFor(actor)),
      place: PLACE,
      ...(work === undefined ? {} : { work }),
    },
    {
      signal: ending.signal,
      settleMs,
      limits: LIMITS,
      onEvent: (event) => {
        if (event.kind !== 'progress') world.note(() => `${actor.name} ${JSON.stringify(event)}`)
      },
    },
  )
}

/** The lake as a process reaches it. */
export function lakeOf(
  world: World,
  actor: Actor,
  wrap: (connection: S3Connection) => S3Connection = (connection) => connection,
): Lake {
  const clock = world.scheduler.clockOf(actor)
  const connection = Promise.resolve(wrap(connectionOf(world.network, actor)))
  const open = (path: string) => s3StoreOver(`s3://${PLACE.bucket}/${path}`, () => connection, clock)
  return {
    config: configOf(world),
    clock,
    landing: open('landing'),
    root: open('lake'),
    tableStore: (table) => {
      const prefix = `lake/${table.replace('.', '/')}`
      return world.onDisk(open(prefix), prefix)
    },
  }
}

/** The configuration of a world's tables. */
export function configOf({ tables }: Pick<World, 'tables'>): Config {
  return {
    landing: `s3://${PLACE.bucket}/landing`,
    lake: `s3://${PLACE.bucket}/lake`,
    dms: s3Settings.parse({ AddColumnName: true, BucketFolder: 'dms' }),
    queue: undefined,
    reloadSettleMs: 0,
    cache: { folder: undefined, sizeMiB: 0, indexMiB: 0 },
    tables: tables.map(({ name, hasSequence }) => ({
      name,
      schema: name.slice(0, name.indexOf('.')),
      table: name.slice(name.indexOf('.') + 1),
      key: ['id'],
      columns: [
        { name: 'id', type: 'long' },
        { name: 'v', type: 'string' },
        { name: 'seq', type: 'string' },
      ],
      sequence: hasSequence ? 'seq' : undefined,
      write: 'merge-on-read',
      partitionBy: [],
      rename: new Map(),
      keepOnNull: [],
      tombstonesMs: undefined,
      engine: 'duckdb',
      freshnessMs: undefined,
      upkeep: true,
      history: false,
      properties: {},
    })),
  }
}

/** An engine for processes that never ask one. */
export const noEngine: Engine = {
  tempFolder: '',
  database: {},
  run: () => noSuch(),
  all: () => noSuch(),
  stream: () => {
    throw new Error('there is no engine in this simulation')
  },
  vectors: () => noSuch(),
  streamVectors: () => {
    throw new Error('there is no engine in this simulation')
  },
  append: () => noSuch(),
  fork: () => noSuch(),
  sideBySide: () => noSuch(),
  close: () => Promise.resolve(),
}

function noSuch(): Promise<never> {
  return Promise.reject(new Error('there is no engine in this simulation'))
}
