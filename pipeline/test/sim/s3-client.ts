// The network between one process and the bucket, in the place of the SDK's client: the store above it, its settlement of unknown
// commits and its repeats are the real ones. A request arrives, or not, or later than its sender waits; its answer comes, or not.
import { Readable } from 'node:stream'
import * as Sdk from '@aws-sdk/client-s3'
import type { S3Connection } from '@tributary/delta/s3'
import type { Random } from '../support/random.ts'
import { type Bucket, parseRequest, type Request, S3Failure } from './bucket.ts'
import type { Faults } from './faults.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** What lies between processes and the bucket. */
export interface Network {
  readonly scheduler: Scheduler
  readonly bucket: Bucket
  readonly faults: Faults
  readonly random: Random
  /** Keys of a page of a listing at most. */
  readonly pageKeysMax: number
  /** Told of each request and its fate. */
  readonly onRequest: (actor: Actor, request: Request, fate: string) => void
}

const BUCKET = 'sim-bucket'
/** So often the SDK sends a request that fails for the moment. */
const SDK_ATTEMPTS = 3
const ZOMBIE_MS_MAX = 120_000
const LOST_MS = 86_400_000

/** The connection of one process. */
export function connectionOf(network: Network, actor: Actor): S3Connection {
  const send = (command: unknown): Promise<unknown> => sendOnce(network, actor, parseRequest(Sdk, command))
  const sendAgain = async (command: unknown): Promise<unknown> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send(command)
      } catch (error) {
        if (attempt === SDK_ATTEMPTS || !isForTheMoment(error)) throw error
        await network.scheduler.clockOf(actor).sleep(100 * attempt)
      }
    }
  }
  return connectionBy(send, sendAgain)
}

/** A connection on which nothing goes wrong and nobody waits, for whoever checks. */
export function directConnection(bucket: Bucket): S3Connection {
  const send = async (command: unknown): Promise<unknown> => answer(bucket, parseRequest(Sdk, command), 1000)
  return connectionBy(send, send)
}

/** Sends one command of the SDK. */
export type Send = (command: unknown) => Promise<unknown>

/** A connection whose requests go where they are sent: once, and again after what is only for the moment. */
export function connectionBy(once: Send, again: Send): S3Connection {
  return {
    sdk: Sdk,
    bucket: BUCKET,
    client: parseClient(again),
    once: parseClient(once),
    isAws: true,
    access: () => Promise.reject(new Error('nobody asks the simulated S3 for its keys')),
  }
}

/** All that our code asks of a client is to send; the SDK's type has one overload a command and style. */
function parseClient(send: Send): Sdk.S3Client {
  return { send } as unknown as Sdk.S3Client
}

function isForTheMoment(error: unknown): boolean {
  if (!(error instanceof S3Failure)) return false
  const status = error.$metadata.httpStatusCode
  return status === undefined || status >= 500 || status === 429
}

async function sendOnce(network: Network, actor: Actor, request: Request): Promise<unknown> {
  const { scheduler, bucket, faults, random, pageKeysMax, onRequest } = network
  const { kind } = request
  const isWrite = kind === 'put' || kind === 'delete'
  const what = `${kind} ${kind === 'list' ? `${request.prefix} after ${request.after}` : request.key}`
  const outcome = await scheduler.take(actor, what, (): Outcome => {
    if (random.chance(faults.notDone)) {
      onRequest(actor, request, 'not done')
      return { error: refusal(random, request) }
    }
    if (isWrite && random.chance(faults.zombie)) {
      onRequest(actor, request, 'given up')
      const sentMs = scheduler.nowMs()
      scheduler.at(sentMs + random.int(1, ZOMBIE_MS_MAX), `late ${what}`, () => {
        // No request is on its way for days.
        if (scheduler.nowMs() - sentMs > LOST_MS) return
        try {
          answer(bucket, request, pageKeysMax)
          onRequest(actor, request, 'arrived late')
        } catch {
          onRequest(actor, request, 'arrived late, refused')
        }
      })
      return { error: noAnswer() }
    }
    const done = attempt(bucket, request, pageKeysMax)
    if (random.chance(faults.lostAnswer)) {
      onRequest(actor, request, 'done, answer lost')
      return { error: random.chance(0.5) ? noAnswer() : new S3Failure('InternalError', 500) }
    }
    onRequest(actor, request, 'error' in done ? String(done.error.$metadata.httpStatusCode) : 'done')
    return kind === 'get' && random.chance(faults.cutBody) ? cut(done) : done
  })
  // Whoever waits for an answer can die before it, and others go on meanwhile.
  if (random.chance(faults.lateAnswer)) await scheduler.take(actor, `answer to ${what}`, () => undefined)
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

type Outcome = { readonly value: unknown } | { readonly error: S3Failure }

function attempt(bucket: Bucket, request: Request, pageKeysMax: number): Outcome {
  try {
    return { value: answer(bucket, request, pageKeysMax) }
  } catch (error) {
    if (error instanceof S3Failure) return { error }
    throw error
  }
}

function noAnswer(): S3Failure {
  return new S3Failure('TimeoutError', undefined)
}

function refusal(random: Random, request: Request): S3Failure {
  const isCommit = request.kind === 'put' && request.isConditional
  return random.pick([
    new S3Failure('SlowDown', 503),
    new S3Failure('InternalError', 500),
    noAnswer(),
    isCommit ? new S3Failure('ConditionalRequestConflict', 409) : new S3Failure('ServiceUnavailable', 503),
  ])
}

/** What the bucket does and says. */
export function answer(bucket: Bucket, request: Request, pageKeysMax: number): object | undefined {
  switch (request.kind) {
    case 'put':
      bucket.put(request)
      return undefined
    case 'delete':
      bucket.remove(request.key)
      return undefined
    case 'list':
      return bucket.list(request.prefix, request.after, pageKeysMax)
    case 'head':
    case 'get': {
      const { bytes, modifiedMs, metadata } = bucket.find(request.key)
      const part = request.kind === 'get' ? rangeOf(bytes, request.range) : bytes
      const about = { ContentLength: part.length, LastModified: new Date(modifiedMs), Metadata: metadata }
      return request.kind === 'head' ? about : { ...about, Body: new Body(part) }
    }
  }
}

function rangeOf(bytes: Uint8Array, range: string | undefined): Uint8Array {
  if (range === undefined) return bytes
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
  if (Number(from) >= bytes.length) throw new S3Failure('InvalidRange', 416)
  return bytes.subarray(Number(from), Number(to) + 1)
}

/** A stream, as the SDK gives it in Node, that also knows all its bytes. */
class Body extends Readable {
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    super()
    this.#bytes = bytes
  }
  override _read(): void {
    this.push(this.#bytes)
    this.push(null)
  }
  transformToByteArray(): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes)
  }
}

/** An answer whose body is shorter than it says. */
function cut(done: Outcome): Outcome {
  if ('error' in done) return done
  const { value } = done
  if (typeof value !== 'object' || value === null || !('ContentLength' in value)) return done
  const length = Number(value.ContentLength)
  return length === 0 ? done : { value: { ...value, Body: new Body(new Uint8Array(Math.floor(length / 2))) } }
}
