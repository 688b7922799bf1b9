import { expect, test } from 'vitest'
import { decodePath } from '../../src/protocol/paths.ts'
import { localStore } from '../../src/store/local.ts'
import { placeOf } from '../../src/store/place.ts'
import { s3Store } from '../../src/store/s3.ts'

test.each([
  ['file:///lake/t/a%20b.parquet', { kind: 'inside', path: 'a b.parquet' }],
  ['file:/lake/t/a.parquet', { kind: 'inside', path: 'a.parquet' }],
  ['/lake/t//p=1//a.parquet', { kind: 'inside', path: 'p=1/a.parquet' }],
  ['file:///lake/t/../u/a.parquet', { kind: 'file', file: '/lake/u/a.parquet' }],
  ['file:///lake/t2/a.parquet', { kind: 'file', file: '/lake/t2/a.parquet' }],
  ['s3://lake/t/a.parquet', { kind: 'unreachable', url: 's3://lake/t/a.parquet' }],
])('a file named %s has one place, by which it is listed too', (logPath, place) => {
  expect(placeOf(localStore('/lake/t'), decodePath(logPath))).toEqual(place)
})

test('a table in a bucket names no file of this machine', () => {
  const store = s3Store('s3://lake/t')
  expect(placeOf(store, decodePath('file:///etc/secret.parquet'))).toEqual({
    kind: 'unreachable',
    url: 'file:///etc/secret.parquet',
  })
  expect(placeOf(store, decodePath('s3://lake/t/a.parquet'))).toEqual({ kind: 'inside', path: 'a.parquet' })
})
