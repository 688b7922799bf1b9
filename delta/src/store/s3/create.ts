// Put-if-absent. The answer to a PUT may be lost after the server did what it was asked, so there are three outcomes: written, not
// written, and unknown; and unknown is settled by looking before anything else happens. Each object carries the id of the call that
// wrote it: by that a call knows its own object again, whoever repeated the request on the way, and whatever its bytes.
//
//   PUT If-None-Match: * ──> 200 created
//        │  412 ──> HEAD ──> our id: created · another's: exists
//        │  no answer, 5xx ──> HEAD ──> our id: created · another's: exists · nothing there: the same PUT again
//        └  409, 429, 503: not done, the same PUT again

import type { Clock } from '../../clock.ts'
import { conditionalPutMissing, writeUnknown } from '../../errors.ts'
import type { S3Connection } from './connect.ts'
import { type Asked, describeFailure, wrapS3Error } from './wrap-error.ts'

/** An object to be made. */
export interface NewObject {
  readonly key: string
  readonly path: string
  readonly bytes: Uint8Array
}

const ATTEMPTS_MAX = 6
const WAIT_MS = 100
const WRITE_ID = 'tributary-write'

/**
 * Make an object that is not there yet. Throws `WRITE_UNKNOWN` when nobody could say what became of it: what it refers to must stay.
 * Throws `CONDITIONAL_PUT_MISSING` and what `wrapS3Error` makes of a refusal.
 */
export async function createObject(
  connection: S3Connection,
  clock: Clock,
  object: NewObject,
): Promise<'created' | 'exists'> {
  const writeId = clock.uuid()
  const asked: Asked = { bucket: connection.bucket, path: object.path, doing: 'write' }
  let lost: unknown
  let failure: unknown
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (attempt > 0) await clock.sleep(WAIT_MS * 2 ** (attempt - 1))
    const put = await putOnce(connection, object, writeId)
    if (put.kind === 'created') return 'created'
    if (put.kind === 'refused' && lost === undefined) throw wrapS3Error(put.cause, asked)
    failure = put.cause
    if (put.kind === 'not-done') continue
    if (put.kind === 'unknown') lost = put.cause
    const found = await readBack(connection, object.key, writeId)
    if (found === 'ours') return 'created'
    if (found === 'others') return 'exists'
    // Refused for being there, and gone when looked at: whoever comes second has lost.
    if (put.kind === 'exists' && found === 'nothing') return 'exists'
    if (found === 'unknown') lost ??= put.cause
  }
  throw lost === undefined ? wrapS3Error(failure, asked) : writeUnknown(`s3://${connection.bucket}/${object.key}`, lost)
}

type PutOutcome =
  | { readonly kind: 'created' }
  | { readonly kind: 'exists' | 'not-done' | 'unknown' | 'refused'; readonly cause: unknown }

async function putOnce(
  { sdk, once, bucket }: S3Connection,
  { key, bytes }: NewObject,
  writeId: string,
): Promise<PutOutcome> {
  const put = new sdk.PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: bytes,
    IfNoneMatch: '*',
    Metadata: { [WRITE_ID]: writeId },
  })
  try {
    await once.send(put)
    return { kind: 'created' }
  } catch (cause) {
    return { kind: outcomeOf(cause), cause }
  }
}

function outcomeOf(cause: unknown): 'exists' | 'not-done' | 'unknown' | 'refused' {
  const { name, status } = describeFailure(cause)
  if (status === 412) return 'exists'
  if (status === 409 || status === 429 || status === 503 || name === 'RequestTimeout') return 'not-done'
  if (name === 'CredentialsProviderError') return 'refused'
  return status === undefined || status >= 500 ? 'unknown' : 'refused'
}

async function readBack(
  { sdk, client, bucket }: S3Connection,
  key: string,
  writeId: string,
): Promise<'ours' | 'others' | 'nothing' | 'unknown'> {
  try {
    const head = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }))
    return head.Metadata?.[WRITE_ID] === writeId ? 'ours' : 'others'
  } catch (cause) {
    return describeFailure(cause).status === 404 ? 'nothing' : 'unknown'
  }
}

const WITNESS = 'Tributary asks here whether this server keeps what is there when it is told to.\n'
const verified = new WeakMap<S3Connection, Promise<void>>()

/**
 * Refuse a bucket whose server overwrites in spite of `If-None-Match`. AWS is known; any other is asked once in the life of a process,
 * before its first write: with one request where an earlier process left the witness. Throws `CONDITIONAL_PUT_MISSING`.
 */
export function assertConditionalPut(connection: S3Connection, prefix: string): Promise<void> {
  if (connection.isAws) return Promise.resolve()
  const known = verified.get(connection) ?? tryConditionalPut(connection, `${prefix}_tributary/.conditional-put`)
  verified.set(connection, known)
  known.catch(() => verified.delete(connection))
  return known
}

async function tryConditionalPut(connection: S3Connection, key: string): Promise<void> {
  const { sdk, client, bucket } = connection
  // The second must fail, whether the first was let through or not.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: WITNESS, IfNoneMatch: '*' }))
    } catch (cause) {
      const { name, status } = describeFailure(cause)
      if (status === 412) return
      if (status === 501 || name === 'NotImplemented') throw conditionalPutMissing(bucket)
      throw wrapS3Error(cause, { bucket, path: key, doing: 'write' })
    }
  }
  throw conditionalPutMissing(bucket)
}
