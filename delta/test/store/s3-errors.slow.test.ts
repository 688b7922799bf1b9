import { expect, test } from 'vitest'
import { s3Store } from '../../src/store/s3.ts'
import { makeBucket } from '../servers/bucket.ts'
import { openFaultProxy } from '../servers/fault-proxy.ts'

const bucket = await makeBucket()
const SECRET = 'a-secret-that-nobody-may-see'

test('a bucket that is not there is named', async () => {
  const store = s3Store('s3://no-such-bucket/t', bucket.options)
  const wanted = { kind: 'not-found', code: 'S3_BUCKET_NOT_FOUND' }
  await expect(Array.fromAsync(store.list(''))).rejects.toMatchObject(wanted)
  await expect(store.read('a')).rejects.toThrow(
    'There is no bucket no-such-bucket: its name is wrong, it was deleted, or it belongs to another server. Check the name and AWS_ENDPOINT_URL.',
  )
})

test('a wrong secret is told from a missing right, and is not in the message', async () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: SECRET }
  const store = s3Store(`s3://${bucket.name}/t`, { ...bucket.options, credentials })
  const error: unknown = await store.read('a').catch((cause: unknown) => cause)
  expect(error).toMatchObject({ kind: 'refused', code: 'S3_CREDENTIALS_REFUSED' })
  expect(String(error)).toBe(
    `TributaryError: The credentials for the bucket ${bucket.name} were refused: the server says SignatureDoesNotMatch. Renew them, and compare the clock of this machine.`,
  )
})

test('a server that is not there is unreachable', async () => {
  const store = s3Store(`s3://${bucket.name}/t`, { ...bucket.options, endpoint: 'http://127.0.0.1:1' })
  await expect(store.stat('a')).rejects.toMatchObject({ kind: 'unavailable', code: 'S3_UNREACHABLE' })
})

test.each([
  [403, 'AccessDenied', { kind: 'refused', code: 'S3_ACCESS_DENIED' }],
  [403, 'ExpiredToken', { kind: 'refused', code: 'S3_CREDENTIALS_REFUSED' }],
  [301, 'PermanentRedirect', { kind: 'invalid', code: 'S3_REGION_WRONG' }],
  [503, 'SlowDown', { kind: 'unavailable', code: 'S3_THROTTLED' }],
  [500, 'InternalError', { kind: 'unavailable', code: 'STORE_FAILED' }],
])('the answer %i %s has a code of its own', async (status, code, wanted) => {
  const proxy = await openFaultProxy(bucket.options.endpoint, () => ({ status, code }))
  try {
    const store = s3Store(`s3://${bucket.name}/t`, { ...bucket.options, endpoint: proxy.endpoint })
    await expect(store.read('a')).rejects.toMatchObject(wanted)
    await expect(store.delete('a')).rejects.toMatchObject(wanted)
  } finally {
    await proxy.close()
  }
})

test.each(['s3://', 's3://a/b', 's3:///t', 's3://bucket/a//b', 's3://bucket/../t', 's3://bucket/a?b'])(
  '%s is no place in S3',
  (url) => {
    expect(() => s3Store(url)).toThrow(
      `${JSON.stringify(url)} is not a place in S3: it has no bucket name, or a part that is empty or leaves its folder. Write s3://bucket/prefix.`,
    )
  },
)

test('a store names its bucket and prefix, and a whole bucket may be one', () => {
  expect(s3Store('s3://bucket/lake/t/').url).toBe('s3://bucket/lake/t/')
  expect(s3Store('s3a://bucket').url).toBe('s3://bucket/')
})
