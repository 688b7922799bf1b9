import { afterEach, expect, test } from 'vitest'
import { connectS3, type S3Options } from '../../src/store/s3/connect.ts'

const KEYS = { accessKeyId: 'AKIA1', secretAccessKey: 'secret', sessionToken: 'token' }
const before = { ...process.env }
afterEach(() => {
  process.env = { ...before }
})

async function accessTo(bucket: string, options: S3Options) {
  const connection = await connectS3(bucket, { credentials: KEYS, ...options })
  const { host, usesTls, isPathStyle, region } = await connection.access()
  return { isAws: connection.isAws, host, usesTls, isPathStyle, region }
}

test('AWS is asked in the region of the bucket, with the bucket in the name of the host', async () => {
  expect(await accessTo('acme-lake', { region: 'eu-west-1' })).toEqual({
    isAws: true,
    host: 's3.eu-west-1.amazonaws.com',
    usesTls: true,
    isPathStyle: false,
    region: 'eu-west-1',
  })
})

test('a bucket with dots in its name, which no certificate fits, stands in the path', async () => {
  expect(await accessTo('acme.lake', { region: 'us-east-1' })).toMatchObject({ isAws: true, isPathStyle: true })
})

test('another server is asked by path and needs no region, by option and by environment', async () => {
  const wanted = { isAws: false, host: '127.0.0.1:9000', usesTls: false, isPathStyle: true, region: 'us-east-1' }
  delete process.env['AWS_REGION']
  expect(await accessTo('lake', { endpoint: 'http://127.0.0.1:9000' })).toEqual(wanted)
  process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:9000'
  expect(await accessTo('lake', {})).toEqual(wanted)
})

test('another server may have the bucket in the name of its host', async () => {
  const r2 = { endpoint: 'https://account.r2.cloudflarestorage.com', region: 'auto', pathStyle: false }
  expect(await accessTo('lake', r2)).toEqual({
    isAws: false,
    host: 'account.r2.cloudflarestorage.com',
    usesTls: true,
    isPathStyle: false,
    region: 'auto',
  })
})

test('AWS without a region is refused with the remedy', async () => {
  Object.assign(process.env, { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' })
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL']) delete process.env[name]
  await expect(connectS3('lake', { credentials: KEYS })).rejects.toThrow(
    'The region of the bucket lake is not known: neither AWS_REGION nor the profile names one. Set AWS_REGION.',
  )
})

test('keys, secret and token go to the query engine as they are', async () => {
  const connection = await connectS3('lake', { region: 'eu-west-1', credentials: KEYS })
  expect(await connection.access()).toMatchObject({
    scope: 's3://lake/',
    keyId: 'AKIA1',
    secret: 'secret',
    sessionToken: 'token',
  })
})
