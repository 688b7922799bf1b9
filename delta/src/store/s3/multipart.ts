import type { S3Connection } from './connect.ts'

/** Larger objects are sent in parts: one request may take 5 GiB, but one that breaks is sent anew as a whole. */
export const PARTS_FROM_BYTES = 64 * 1024 * 1024
const PART_BYTES = 16 * 1024 * 1024
const PARTS_AT_ONCE = 4

/** Write an object in parts; it appears whole. After a failure nothing of it stays that costs money. */
export async function writeInParts(connection: S3Connection, key: string, bytes: Uint8Array): Promise<void> {
  const { sdk, client, bucket } = connection
  const at = { Bucket: bucket, Key: key }
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(at))
  const upload = { ...at, UploadId }
  try {
    const Parts = await sendParts(connection, upload, bytes)
    await client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  } catch (error) {
    // The upload's own failure is what matters; one that cannot be given up is removed by the bucket's lifecycle rule.
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}

interface Part {
  readonly PartNumber: number
  readonly ETag: string | undefined
}

async function sendParts(
  { sdk, client }: S3Connection,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  bytes: Uint8Array,
): Promise<Part[]> {
  const parts: Part[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next * PART_BYTES < bytes.length) {
      const index = next++
      const Body = bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)
      const sent = await client.send(new sdk.UploadPartCommand({ ...upload, PartNumber: index + 1, Body }))
      parts[index] = { PartNumber: index + 1, ETag: sent.ETag }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, lane))
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
  return parts
}
