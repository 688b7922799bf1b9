import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Clock } from '../../clock.ts'
import { fileNotFound, fileTruncated, TributaryError } from '../../errors.ts'
import type { StoreEntry } from '../store.ts'
import type { S3Connection } from './connect.ts'
import { entryOf } from './list.ts'
import { describeFailure, wrapS3Error } from './wrap-error.ts'

/** An object by its key, and by its path as messages name it. */
export interface ObjectName {
  readonly key: string
  readonly path: string
}

const ATTEMPTS_MAX = 3
const WAIT_MS = 100

/** The whole object. Throws `FILE_NOT_FOUND` and what `wrapS3Error` makes of a failure. */
export function readObject(connection: S3Connection, clock: Clock, name: ObjectName): Promise<Uint8Array> {
  return readBody(connection, clock, name, undefined)
}

/** A part of an object. Throws `FILE_NOT_FOUND`, `FILE_TRUNCATED` and what `wrapS3Error` makes of a failure. */
export async function readObjectRange(
  connection: S3Connection,
  clock: Clock,
  { offset, length, ...name }: ObjectName & { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  const wantedBytes = offset + length
  if (length > 0) {
    const range = `bytes=${offset}-${wantedBytes - 1}`
    const bytes = await readBody(connection, clock, name, range).catch((error: unknown) => {
      if (!isBeyond(error)) throw error
    })
    if (bytes?.length === length) return bytes
  }
  // HTTP knows no empty range, cuts one that goes too far, and refuses one that begins there: in all three the size tells the rest.
  const found = await statObject(connection, name)
  if (found === undefined) throw fileNotFound(name.path)
  if (length > 0 || found.sizeBytes < wantedBytes)
    throw fileTruncated(name.path, { wantedBytes, sizeBytes: found.sizeBytes })
  return new Uint8Array()
}

function isBeyond(error: unknown): boolean {
  return error instanceof TributaryError && describeFailure(error.cause).status === 416
}

/** Copy an object into a file, in bounded memory. One GET is one state of the object, whoever replaces it meanwhile. */
export function downloadObject(
  connection: S3Connection,
  clock: Clock,
  { file, ...name }: ObjectName & { readonly file: string },
): Promise<StoreEntry> {
  return getObject(connection, clock, { ...name, range: undefined }, async (answer) => {
    const { Body, ContentLength } = answer
    if (!(Body instanceof Readable)) throw new Error('the answer is no stream')
    const target = createWriteStream(file, { mode: 0o600 })
    await pipeline(Body, target)
    assertWhole(target.bytesWritten, ContentLength)
    return entryOf(name.path, target.bytesWritten, answer)
  })
}

async function readBody(
  connection: S3Connection,
  clock: Clock,
  name: ObjectName,
  range: string | undefined,
): Promise<Uint8Array> {
  return getObject(connection, clock, { ...name, range }, async ({ Body, ContentLength }) => {
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
    assertWhole(bytes.length, ContentLength)
    return bytes
  })
}

function assertWhole(sizeBytes: number, promisedBytes: number | undefined): void {
  if (promisedBytes !== undefined && sizeBytes !== promisedBytes) throw new Error('the answer was cut short')
}

// The SDK repeats a request that fails; a body that breaks off is ours to ask for again.
async function getObject<T>(
  { sdk, client, bucket }: S3Connection,
  clock: Clock,
  { key, path, range }: ObjectName & { readonly range: string | undefined },
  take: (answer: GetObjectCommandOutput) => Promise<T>,
): Promise<T> {
  const get = new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...(range === undefined ? {} : { Range: range }) })
  for (let attempt = 1; ; attempt++) {
    try {
      return await take(await client.send(get))
    } catch (cause) {
      const isFinal = describeFailure(cause).status !== undefined || attempt === ATTEMPTS_MAX
      if (isFinal) throw wrapS3Error(cause, { bucket, path, doing: 'read' })
      await clock.sleep(WAIT_MS * attempt)
    }
  }
}

/** Size and time of an object, or undefined when there is none. */
export async function statObject(
  { sdk, client, bucket }: S3Connection,
  { key, path }: ObjectName,
): Promise<StoreEntry | undefined> {
  try {
    const answer = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }))
    return entryOf(path, answer.ContentLength ?? 0, answer)
  } catch (cause) {
    if (describeFailure(cause).status === 404) return undefined
    throw wrapS3Error(cause, { bucket, path, doing: 'look at' })
  }
}
