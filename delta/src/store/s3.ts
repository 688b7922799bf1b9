import { type Clock, systemClock } from '../clock.ts'
import { fileNotFound, s3KeyRefused } from '../errors.ts'
import { assertInside } from './keys.ts'
import { connectS3, type S3Connection, type S3Options } from './s3/connect.ts'
import { assertConditionalPut, createObject } from './s3/create.ts'
import { listObjects } from './s3/list.ts'
import { downloadObject, readObject, readObjectRange, statObject } from './s3/read.ts'
import { parseS3Url } from './s3/url.ts'
import { deleteObject, writeObject } from './s3/write.ts'
import type { Store } from './store.ts'

/**
 * A store below `s3://bucket/prefix`, on AWS or any server that speaks S3 and honours `If-None-Match: *`. Nothing is asked before the
 * first call, which loads the AWS SDK. Throws `S3_URL_INVALID`; its methods throw the errors of `S3_…` beside those of every store.
 */
export function s3Store(url: string, options: S3Options = BY_THE_CHAIN, clock: Clock = systemClock): Store {
  const { bucket } = parseS3Url(url)
  return s3StoreOver(url, () => connectionTo(bucket, options), clock)
}

/** The same store over a connection that the caller brings: in a simulation of S3 it settles and repeats as it does on S3. */
export function s3StoreOver(url: string, connect: () => Promise<S3Connection>, clock: Clock): Store {
  const { bucket, prefix } = parseS3Url(url)
  const named = (path: string): { readonly key: string; readonly path: string } => {
    assertInside(path)
    return { key: `${prefix}${path}`, path }
  }

  return {
    url: `s3://${bucket}/${prefix}`,
    read: async (path) => {
      const name = named(path)
      return readObject(await connect(), clock, name)
    },
    readRange: async (path, range) => {
      const name = named(path)
      return readObjectRange(await connect(), clock, { ...name, ...range })
    },
    stat: async (path) => {
      const name = named(path)
      return statObject(await connect(), name)
    },
    list: async function* (listed, { after } = {}) {
      yield* listObjects(await connect(), { root: prefix, prefix: listed, after })
    },
    create: async (path, bytes) => {
      const name = named(path)
      // A copy: the caller may go on to use its buffer while we still wait.
      const copy = bytes.slice()
      const connection = await connect()
      await assertConditionalPut(connection, prefix)
      return createObject(connection, clock, { ...name, bytes: copy })
    },
    write: async (path, bytes) => {
      const name = named(path)
      const copy = bytes.slice()
      await writeObject(await connect(), name, copy)
    },
    delete: async (path) => {
      const name = named(path)
      await deleteObject(await connect(), name)
    },
    locate: async (path) => {
      // `?s3_endpoint=…` would send our signature and session token wherever the writer of a log likes.
      if (path.includes('?')) throw s3KeyRefused(path)
      return `s3://${bucket}/${named(path).key}`
    },
    // A PUT that was answered is durable; what DuckDB wrote must be there, whole.
    sync: async (path) => {
      const name = named(path)
      const entry = await statObject(await connect(), name)
      if (entry === undefined) throw fileNotFound(path)
      return entry
    },
    remote: {
      access: async () => (await connect()).access(),
      download: async (path, file) => {
        const name = named(path)
        return downloadObject(await connect(), clock, { ...name, file })
      },
    },
  }
}

// By the options object: all stores that are opened the same way share sockets, credentials and what is known of the server.
const connections = new WeakMap<S3Options, Map<string, Promise<S3Connection>>>()
const BY_THE_CHAIN: S3Options = {}

function connectionTo(bucket: string, options: S3Options): Promise<S3Connection> {
  const known = connections.get(options) ?? new Map<string, Promise<S3Connection>>()
  connections.set(options, known)
  const connection = known.get(bucket) ?? connectS3(bucket, options)
  known.set(bucket, connection)
  connection.catch(() => known.delete(bucket))
  return connection
}
