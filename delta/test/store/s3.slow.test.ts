import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { connectS3, type S3Request } from '../../src/store/s3/connect.ts'
import { listObjects } from '../../src/store/s3/list.ts'
import { s3Store } from '../../src/store/s3.ts'
import { makeBucket } from '../servers/bucket.ts'
import { storeContract } from '../store-contract.ts'

const bucket = await makeBucket()

storeContract('s3Store', async () => ({
  store: s3Store(`s3://${bucket.name}/made on/demand-${randomUUID()}`, bucket.options),
  cleanup: async () => {},
}))

test('four writers that race for the same objects win each exactly once between them', async () => {
  const folder = `s3://${bucket.name}/race`
  // Each with sockets of its own, as four processes have.
  const writers = Array.from({ length: 4 }, () => s3Store(folder, { ...bucket.options }))
  for (let version = 0; version < 5; version++) {
    const path = `_delta_log/${version}.json`
    const outcomes = await Promise.all(writers.map((store, who) => store.create(path, Buffer.from(`writer ${who}`))))
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
    expect(Buffer.from((await writers[0]?.read(path)) ?? []).toString()).toBe(`writer ${outcomes.indexOf('created')}`)
  }
})

test('an object of many parts is written whole', async () => {
  const requests: S3Request[] = []
  const store = s3Store(`s3://${bucket.name}/large`, {
    ...bucket.options,
    onRequest: (request) => requests.push(request),
  })
  const bytes = Buffer.alloc(70 * 1024 * 1024)
  for (let offset = 0; offset < bytes.length; offset += 1024) bytes.writeUInt32LE(offset, offset)
  await store.write('part.bin', bytes)
  expect(bytes.equals(await store.read('part.bin'))).toBe(true)
  expect(requests.filter(({ target }) => target.includes('partNumber=')).length).toBe(5)
})

test('a listing of more than one page is complete and in order, and as AWS lists it too', async () => {
  const store = s3Store(`s3://${bucket.name}/many`, bucket.options)
  const paths = Array.from({ length: 1_010 }, (_, at) => `f/${String(at).padStart(5, '0')}`)
  for (let from = 0; from < paths.length; from += 100)
    await Promise.all(paths.slice(from, from + 100).map((path) => store.write(path, Buffer.from('1'))))
  expect((await Array.fromAsync(store.list('f/'))).map(({ path }) => path)).toEqual(paths)
  // In one folder SeaweedFS sorts as AWS does, so pages may be handed on as they come, from a name on.
  const connection = { ...(await connectS3(bucket.name, bucket.options)), isAws: true }
  const listed = await Array.fromAsync(listObjects(connection, { root: 'many/', prefix: 'f/', after: paths[4] }))
  expect(listed.map(({ path }) => path)).toEqual(paths.slice(5))
})
