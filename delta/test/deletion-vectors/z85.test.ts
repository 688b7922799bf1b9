import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeZ85, encodeZ85 } from '../../src/deletion-vectors/z85.ts'

test('the test vector of ZeroMQ RFC 32', () => {
  const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b)
  expect(encodeZ85(bytes)).toBe('HelloWorld')
  expect(decodeZ85('HelloWorld')).toEqual(bytes)
})

test('all bytes survive, filled up to a multiple of four', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const decoded = decodeZ85(encodeZ85(bytes))
      expect(decoded?.subarray(0, bytes.length)).toEqual(bytes)
      expect(decoded?.length).toBe(Math.ceil(bytes.length / 4) * 4)
    }),
  )
})

test.each(['abcd', 'abcd"', 'ab cd', '#####'])('the text %j is not Z85', (text) => {
  expect(decodeZ85(text)).toBeUndefined()
})
