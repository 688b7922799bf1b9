// What a function keeps between two calls. Everything in it can be made again, and is when it may be out of date: a function sleeps for
// minutes between two calls, and meanwhile sockets die, credentials expire, the clock moves and the configuration changes.
import { mkdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, diskCache, type Engine, openEngine } from '@tributary/delta'
import { readConfig } from '../config/config.ts'
import { functionConfigInvalid } from '../errors.ts'
import { parseLandingPlace } from '../queue/notification.ts'
import { openLake } from '../worker/lake.ts'
import { batchPace, type Pace } from '../worker/room.ts'
import { tableFolders } from '../worker/table-folders.ts'
import type { BatchParts } from './take-messages.ts'

/** Where a function runs and how it is set. */
export interface FunctionSettings {
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** A function that has begun. */
export interface Warm {
  readonly parts: BatchParts
  readonly pace: Pace
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly openedMs: number
  usedMs: number
}

const MIB = 1024 * 1024
const MEMORY_MIB_DEFAULT = 1024
/** The rest is for Node, and for what DuckDB does not count. */
const MEMORY_SHARE = 0.7
const DISK_SHARE = 0.9
const CACHE_DISK_SHARE = 1 / 8
const ASLEEP_MS = 60_000
const OPEN_MS_MAX = 5 * 60_000

/** Begins, or goes on with what is there. Throws `CONFIG_INVALID`, `FUNCTION_CONFIG_INVALID` and the errors of `S3_…`. */
export async function warmUp(settings: FunctionSettings, warm: Warm | undefined): Promise<Warm> {
  const nowMs = settings.clock.now()
  if (warm === undefined) return begin(settings)
  const isStale = nowMs < warm.usedMs || nowMs - warm.usedMs > ASLEEP_MS || nowMs - warm.openedMs > OPEN_MS_MAX
  warm.usedMs = nowMs
  return isStale ? reopen(settings, warm) : warm
}

/** The same engine, with everything else read and connected anew. */
export async function reopen(settings: FunctionSettings, warm: Warm): Promise<Warm> {
  const nowMs = settings.clock.now()
  return {
    ...warm,
    parts: await openParts(settings, warm.parts.engine, warm.diskBytes),
    openedMs: nowMs,
    usedMs: nowMs,
  }
}

async function begin(settings: FunctionSettings): Promise<Warm> {
  const { clock, environment } = settings
  const isFunction = environment['AWS_LAMBDA_FUNCTION_NAME'] !== undefined
  const tempFolder = isFunction ? join(tmpdir(), 'tributary') : tmpdir()
  // A process that was cut off left its files here, and the disk is small and ours alone.
  if (isFunction) await rm(tempFolder, { recursive: true, force: true })
  await mkdir(tempFolder, { recursive: true })
  const { bavail, bsize } = await statfs(tempFolder)
  const diskBytes = Math.floor(bavail * bsize * DISK_SHARE)
  const sizeMiB = Number(environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? MEMORY_MIB_DEFAULT)
  const memoryMiB = Math.floor(sizeMiB * MEMORY_SHARE)
  const engine = await openEngine({ memoryMiB, tempFolder, tempMiB: Math.max(1, Math.floor(diskBytes / MIB)) })
  try {
    const parts = await openParts(settings, engine, diskBytes)
    // One that could not start is not kept for the calls that come: the next one tries again.
    await engine.run('SELECT 1')
    const nowMs = clock.now()
    return { parts, pace: batchPace(), memoryBytes: memoryMiB * MIB, diskBytes, openedMs: nowMs, usedMs: nowMs }
  } catch (error) {
    await engine.close()
    throw error
  }
}

async function openParts(
  { clock, environment }: FunctionSettings,
  engine: Engine,
  diskBytes: number,
): Promise<BatchParts> {
  const path = environment['TRIBUTARY_CONFIG'] ?? join(environment['LAMBDA_TASK_ROOT'] ?? '.', 'tributary.yaml')
  // A new object: connections and credentials are made anew.
  const s3 = {}
  const config = await readConfig(path, s3)
  const place = parseLandingPlace(config.landing)
  if (place === undefined)
    throw functionConfigInvalid(path, `the landing ${config.landing} is a folder, and a function reads from S3`)
  const { folder = join(tmpdir(), 'tributary-cache'), sizeMiB } = config.cache
  // It outlives the process: Lambda keeps the disk when it begins one anew.
  const cache = diskCache(folder, { bytesMax: Math.min(sizeMiB * MIB, diskBytes * CACHE_DISK_SHARE), clock })
  const lake = openLake(config, { clock, s3, cache })
  return { lake, engine, place, folders: tableFolders(lake), sessions: new Map() }
}
