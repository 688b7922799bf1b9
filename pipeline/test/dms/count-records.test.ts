import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RecordCount, recordCounter } from '../../src/dms/count-records.ts'
import type { Dialect } from '../../src/dms/dialect.ts'

const PLAIN: Dialect = {
  delimiter: ',',
  rowDelimiter: '\n',
  isQuoted: true,
  nullMarker: undefined,
  noSupMarker: undefined,
}

function count(
  text: string | Buffer,
  options: { readonly dialect?: Partial<Dialect>; readonly chunkBytes?: number; readonly byTable?: boolean } = {},
): RecordCount {
  const bytes = Buffer.from(text)
  const size = options.chunkBytes ?? bytes.length
  const counter = recordCounter({ ...PLAIN, ...options.dialect }, { byTable: options.byTable ?? false })
  for (let at = 0; at < bytes.length; at += size) counter.update(bytes.subarray(at, at + size))
  return counter.finish()
}

test.each<[string, string, Partial<RecordCount>, Partial<Dialect>?]>([
  ['an empty file', '', { records: 0, isTerminated: true }],
  ['two records', 'a,b\nc,d\n', { records: 2, isTerminated: true, blankRecords: 0 }],
  ['a record without its end', 'a,b\nc,d', { records: 2, isTerminated: false }],
  ['blank lines', '\na\n\n\nb\n', { records: 5, blankRecords: 3 }],
  ['line breaks inside quotes', '"a\n\n",b\n"c""\n"\n', { records: 2, hasUnclosedQuote: false }],
  ['a quote inside a field opens nothing', 'a"b\nc"\nd\n', { records: 3, hasUnclosedQuote: false }],
  ['a quote without an end', 'a\n"b\nc\n', { records: 2, hasUnclosedQuote: true, isTerminated: false }],
  ['text after a closing quote', '"a"b\n"c"\n', { records: 2 }],
  ['a bare carriage return', 'a\rb\n', { records: 1, hasBareCarriageReturn: true }],
  ['a carriage return inside quotes', '"a\rb"\n', { records: 1, hasBareCarriageReturn: false }],
  [
    'carriage return and line feed',
    'a\r\nb\r\n',
    { records: 2, hasBareCarriageReturn: false },
    { rowDelimiter: '\r\n' },
  ],
  ['a line feed that ends nothing', 'a\nb\r\n', { records: 1 }, { rowDelimiter: '\r\n' }],
  [
    'long delimiters',
    'a||"b||~~"~~c||d~~',
    { records: 2, isTerminated: true },
    { delimiter: '||', rowDelimiter: '~~' },
  ],
  ['no quoting', '"a\n"b\n', { records: 2, hasUnclosedQuote: false }, { isQuoted: false }],
])('%s', (_, text, expected, dialect = {}) => {
  for (const chunkBytes of [1, 2, 3, 7, 1000]) expect(count(text, { dialect, chunkBytes })).toMatchObject(expected)
})

test('bytes that are not UTF-8 are seen, a character cut by a chunk is not one of them', () => {
  for (const chunkBytes of [1, 2, 3, 5]) {
    expect(count('é☕🙂\n', { chunkBytes }).isUtf8).toBe(true)
    expect(count(Buffer.from([0x61, 0xff, 0x0a]), { chunkBytes }).isUtf8).toBe(false)
    expect(count(Buffer.from([0x61, 0xc3]), { chunkBytes }).isUtf8).toBe(false)
  }
})

test('the fast passes over a file see what the machine alone does, a byte at a time or all at once', () => {
  const dialects: readonly Partial<Dialect>[] = [
    {},
    { rowDelimiter: '\r\n' },
    { delimiter: '||' },
    { delimiter: '|', rowDelimiter: '|\n' },
    { isQuoted: false },
  ]
  const piece = fc.constantFrom(
    'a',
    'bc',
    ',',
    '|',
    '||',
    '"',
    '""',
    '"x"',
    ',"y,\nz",',
    '\n',
    '\r\n',
    '\r',
    '|\n',
    'é',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
      fc.constantFrom(...dialects),
      fc.integer({ min: 2, max: 40 }),
      (text, dialect, chunkBytes) => {
        // Who counts by table passes over nothing.
        const slow = { ...count(text, { dialect, chunkBytes: 1, byTable: true }), byTable: new Map() }
        expect(count(text, { dialect, chunkBytes: 1 })).toEqual(slow)
        expect(count(text, { dialect })).toEqual(slow)
        expect(count(text, { dialect, chunkBytes })).toEqual(slow)
      },
    ),
    { numRuns: 3000 },
  )
})

test('transaction records are counted by schema and table', () => {
  for (const chunkBytes of [1, 3, 1000]) {
    const { byTable, records } = count('I,orders,sales,1,"a\nb"\nU,"my ""t""",sales,1\nD,orders,sales,2\nI\n', {
      chunkBytes,
      byTable: true,
    })
    expect([records, [...byTable]]).toEqual([
      4,
      [
        ['sales.orders', 2],
        ['sales.my "t"', 1],
        ['.', 1],
      ],
    ])
  }
})
