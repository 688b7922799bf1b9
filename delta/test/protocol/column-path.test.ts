import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findPath, formatColumnPath, parseColumnPath, parseColumnPaths } from '../../src/protocol/column-path.ts'
import { fieldsOf } from '../write/support.ts'

test.each([
  ['id', ['id']],
  ['a.b', ['a', 'b']],
  ['`a.b`', ['a.b']],
  ['`a.b`.c', ['a.b', 'c']],
  ['a.`x``y`', ['a', 'x`y']],
  ['Grüße an', ['Grüße an']],
  ['a,comma', ['a,comma']],
])('the text %s leads along %j', (text, path) => {
  expect(parseColumnPath(text)).toEqual(path)
})

test.each(['', '.', 'a.', '.a', 'a..b', '`a', '`a`b', 'a`b`', '``'])('the text %j names no column', (text) => {
  expect(parseColumnPath(text)).toBeUndefined()
})

test('a list has commas, and names with dots and commas in backticks', () => {
  expect(parseColumnPaths('lower, UPPER,`a.dot`,a.nested,`a,comma`')).toEqual([
    ['lower'],
    ['UPPER'],
    ['a.dot'],
    ['a', 'nested'],
    ['a,comma'],
  ])
  expect(parseColumnPaths('')).toEqual([])
  expect(parseColumnPaths('a,,b')).toBeUndefined()
})

test('a path that is written is read as the same path, alone and in a list', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1 }), (path) => {
      expect(parseColumnPath(formatColumnPath(path))).toEqual(path)
      expect(parseColumnPaths(`${formatColumnPath(path)},b`)).toEqual([path, ['b']])
    }),
  )
})

test('a path leads through records only, whatever the case', () => {
  const inner = fieldsOf(['City', 'string'])
  const schema = fieldsOf(['Home', inner], ['all', { type: 'array', elementType: inner, containsNull: true }])
  expect(findPath(schema, ['home', 'city'])?.map(({ name }) => name)).toEqual(['Home', 'City'])
  expect(findPath(schema, ['all', 'element', 'City'])).toBeUndefined()
  expect(findPath(schema, ['home', 'street'])).toBeUndefined()
})
