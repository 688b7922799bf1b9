// S3 as a map: what a request does to it, at once and whole, and how it answers. Faults and delays are the network's business
// (s3-client.ts).
import type * as Sdk from '@aws-sdk/client-s3'

/** An object as it lies there. */
export interface SimObject {
  readonly bytes: Uint8Array
  /** S3 tells whole seconds only. */
  readonly modifiedMs: number
  readonly metadata: Readonly<Record<string, string>>
}

/** One request, by what it does. */
export type Request =
  | {
      readonly kind: 'put'
      readonly key: string
      readonly bytes: Uint8Array
      readonly isConditional: boolean
      readonly metadata: Readonly<Record<string, string>>
    }
  | { readonly kind: 'get'; readonly key: string; readonly range: string | undefined }
  | { readonly kind: 'head' | 'delete'; readonly key: string }
  | { readonly kind: 'list'; readonly prefix: string; readonly after: string }

/** What S3 refuses, in the SDK's form: a name, and a status unless no answer came. */
export class S3Failure extends Error {
  readonly $metadata: { readonly httpStatusCode?: number }
  constructor(name: string, status: number | undefined) {
    // Most of them answer "is it there?": where that was asked nobody wants to know.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(`${name}: the simulation did this`)
    Error.stackTraceLimit = stackTraceLimit
    this.name = name
    this.$metadata = status === undefined ? {} : { httpStatusCode: status }
  }
}

/** A page of a listing. */
export interface Page {
  readonly Contents: readonly { readonly Key: string; readonly Size: number; readonly LastModified: Date }[]
  readonly IsTruncated: boolean
  readonly NextContinuationToken?: string
}

/** The bucket that all share. */
export interface Bucket {
  readonly objects: ReadonlyMap<string, SimObject>
  readonly put: (request: Extract<Request, { kind: 'put' }>) => void
  readonly find: (key: string) => SimObject
  readonly remove: (key: string) => void
  readonly list: (prefix: string, after: string, keysMax: number) => Page
}

/** Told of each object that came or went, before it does. */
export type OnWrite = (what: 'put' | 'delete', key: string, bytes: Uint8Array) => void

/** Starts empty. */
export function createBucket(nowMs: () => number, onWrite: OnWrite): Bucket {
  const objects = new Map<string, SimObject>()
  let sorted: string[] | undefined
  const keys = (): readonly string[] => {
    sorted ??= [...objects.keys()].sort()
    return sorted
  }
  return {
    objects,
    put: ({ key, bytes, isConditional, metadata }) => {
      if (isConditional && objects.has(key)) throw new S3Failure('PreconditionFailed', 412)
      onWrite('put', key, bytes)
      if (!objects.has(key)) sorted = undefined
      objects.set(key, { bytes: bytes.slice(), modifiedMs: nowMs(), metadata })
    },
    find: (key) => {
      const object = objects.get(key)
      if (object === undefined) throw new S3Failure('NoSuchKey', 404)
      return object
    },
    remove: (key) => {
      if (!objects.has(key)) return
      onWrite('delete', key, new Uint8Array())
      objects.delete(key)
      sorted = undefined
    },
    list: (prefix, after, keysMax) => {
      const found = keys().filter((key) => key > after && key.startsWith(prefix))
      const page = found.slice(0, keysMax)
      const last = page.at(-1)
      return {
        Contents: page.map((key) => {
          const { bytes, modifiedMs } = objects.get(key) ?? { bytes: new Uint8Array(), modifiedMs: 0 }
          return { Key: encodeURIComponent(key), Size: bytes.length, LastModified: new Date(modifiedMs) }
        }),
        IsTruncated: found.length > page.length,
        ...(last === undefined ? {} : { NextContinuationToken: last }),
      }
    },
  }
}

/** What a command of the SDK asks for. */
export function parseRequest(sdk: typeof Sdk, command: unknown): Request {
  if (command instanceof sdk.PutObjectCommand) {
    const { Key = '', Body, IfNoneMatch, Metadata = {} } = command.input
    const bytes = Body instanceof Uint8Array ? Body : new TextEncoder().encode(String(Body))
    return { kind: 'put', key: Key, bytes, isConditional: IfNoneMatch === '*', metadata: Metadata }
  }
  if (command instanceof sdk.GetObjectCommand)
    return { kind: 'get', key: command.input.Key ?? '', range: command.input.Range }
  if (command instanceof sdk.HeadObjectCommand) return { kind: 'head', key: command.input.Key ?? '' }
  if (command instanceof sdk.DeleteObjectCommand) return { kind: 'delete', key: command.input.Key ?? '' }
  if (command instanceof sdk.ListObjectsV2Command) {
    const { Prefix = '', StartAfter = '', ContinuationToken } = command.input
    return { kind: 'list', prefix: Prefix, after: ContinuationToken ?? StartAfter }
  }
  throw new Error('a request that the simulated S3 does not know')
}
