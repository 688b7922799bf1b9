// A bucket of one's own on the S3 server of the test run.

import { randomUUID } from 'node:crypto'
import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { inject } from 'vitest'
import type { S3Options } from '../../src/store/s3/connect.ts'
import { KEYS } from './s3-server.ts'

export interface Bucket {
  readonly name: string
  /** How to reach it. */
  readonly options: S3Options & { readonly endpoint: string }
  /** The same for programs: AWS_ENDPOINT_URL and so on. */
  readonly environment: Readonly<Record<string, string>>
}

/** Makes an empty bucket. */
export async function makeBucket(): Promise<Bucket> {
  const endpoint = await text(createConnection(inject('s3Socket')))
  if (!endpoint.startsWith('http')) throw new Error(endpoint)
  const options = { endpoint, region: 'us-east-1', credentials: KEYS }
  const name = `bucket-${randomUUID().slice(0, 8)}`
  const client = new S3Client({ ...options, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
  return { name, options, environment: environmentOf(endpoint) }
}

/** The environment by which all programs find a server. */
export function environmentOf(endpoint: string): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    // delta-rs asks for leave.
    AWS_ALLOW_HTTP: 'true',
  }
}
