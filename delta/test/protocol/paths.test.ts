import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodePath, encodePath } from '../../src/protocol/paths.ts'

test.each([
  ['part-0.parquet', 'part-0.parquet'],
  ['p=a%20b/x.parquet', 'p=a b/x.parquet'],
  ['p=a%2525b/x', 'p=a%25b/x'],
  ['a+b', 'a+b'],
  ['p=%C3%A9/ü', 'p=é/ü'],
  ['100%', '100%'],
  ['./part-0.parquet', 'part-0.parquet'],
  ['././a/./b', 'a/b'],
  ['./p:1/x', 'p:1/x'],
  ['a./b', 'a./b'],
  ['.a/..b', '.a/..b'],
  ['./../a', '../a'],
  ['.', '.'],
  ['p=a:b/c', 'p=a:b/c'],
])('the relative path %s is decoded once to %s', (logPath, path) => {
  expect(decodePath(logPath)).toEqual({ kind: 'relative', path })
})

test.each([
  ['file:/lake/a%20b', 'file:///lake/a%20b'],
  ['file:///lake/a b', 'file:///lake/a%20b'],
  ['file://localhost/lake/a', 'file:///lake/a'],
  ['/lake/a%20b', 'file:///lake/a%20b'],
  ['s3://bucket/a%20b', 's3://bucket/a%20b'],
])('the absolute path %s is the URL %s', (logPath, url) => {
  expect(decodePath(logPath)).toEqual({ kind: 'absolute', url })
})

test('what is encoded decodes to the same path', () => {
  // No file is called `.`, and as a part of a path it leads nowhere.
  const part = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .map((text) => text.replaceAll('/', '_').replace(/^\.$/, '_'))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const path = parts.join('/')
      expect(decodePath(encodePath(path))).toEqual({ kind: 'relative', path })
    }),
  )
})

test('an equals sign stays readable', () => {
  expect(encodePath('p=1/a b')).toBe('p=1/a%20b')
})
