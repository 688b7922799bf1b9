import { expect, test } from 'vitest'
import { decodePath } from '../../src/protocol/paths.ts'
import { localStore } from '../../src/store/local.ts'
import { placeOf } from '../../src/store/place.ts'

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
