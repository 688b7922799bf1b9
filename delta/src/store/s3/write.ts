import type { S3Connection } from './connect.ts'
import { PARTS_FROM_BYTES, writeInParts } from './multipart.ts'
import type { ObjectName } from './read.ts'
import { wrapS3Error } from './wrap-error.ts'

/** Replace or make an object. To do so twice changes nothing, so the SDK may repeat it. Throws what `wrapS3Error` makes of a failure. */
export async function writeObject(
  connection: S3Connection,
  { key, path }: ObjectName,
  bytes: Uint8Array,
): Promise<void> {
  const { sdk, client, bucket } = connection
  try {
    if (bytes.length >= PARTS_FROM_BYTES) await writeInParts(connection, key, bytes)
    else await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))
  } catch (cause) {
    throw wrapS3Error(cause, { bucket, path, doing: 'write' })
  }
}

/** Delete an object; one that is not there is no error. */
export async function deleteObject({ sdk, client, bucket }: S3Connection, { key, path }: ObjectName): Promise<void> {
  try {
    await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }))
  } catch (cause) {
    const error = wrapS3Error(cause, { bucket, path, doing: 'delete' })
    if (error.code !== 'FILE_NOT_FOUND') throw error
  }
}
