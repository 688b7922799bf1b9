import type { Clock } from '../../clock.ts'
import { fileNotFound, fileTruncated } from '../../errors.ts'
import type { StoreEntry } from '../store.ts'
import type { S3Connection } from './connect.ts'
import { wholeSeconds } from './list.ts'
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
    const bytes = await readBody(connection, clock, name, `bytes=${offset}-${wantedBytes - 1}`)
    if (bytes?.length === length) return bytes
  }
  // HTTP knows no empty range, cuts one that goes too far, and refuses one that begins there: in all three the size tells the rest.
  const found = await statObject(connection, name)
  if (found === undefined) throw fileNotFound(name.path)
  if (length > 0 || found.sizeBytes < wantedBytes)
    throw fileTruncated(name.path, { wantedBytes, sizeBytes: found.sizeBytes })
  return new Uint8Array()
}

// The SDK repeats a request that fails; a body that breaks off is ours to ask for again.
async function readBody(
  { sdk, client, bucket }: S3Connection,
  clock: Clock,
  { key, path }: ObjectName,
  range: string | undefined,
): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      const get = new sdk.GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(range === undefined ? {} : { Range: range }),
      })
      const { Body, ContentLength } = await client.send(get)
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array()
      if (ContentLength !== undefined && bytes.length !== ContentLength) throw new Error('the answer was cut short')
      return bytes
    } catch (cause) {
      const { status } = describeFailure(cause)
      if (status === 416) return new Uint8Array()
      if (status !== undefined || attempt === ATTEMPTS_MAX) throw wrapS3Error(cause, { bucket, path, doing: 'read' })
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
    const { ContentLength = 0, LastModified } = await client.send(
      new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }),
    )
    return { path, sizeBytes: ContentLength, modifiedMs: wholeSeconds(LastModified) }
  } catch (cause) {
    if (describeFailure(cause).status === 404) return undefined
    throw wrapS3Error(cause, { bucket, path, doing: 'look at' })
  }
}
