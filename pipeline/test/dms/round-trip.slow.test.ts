import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnType } from '../../src/config/table-settings.ts'
import { readAll, useLanding } from './reading.ts'

const landing = useLanding()

interface Profile {
  readonly delimiter: string
  readonly rowDelimiter: string
  readonly hasHeader: boolean
  readonly hasOp: boolean
  readonly nullMarker: string | undefined
  readonly quoteAll: boolean
}

const NAMES = ['id', 'at', 'order', 'a"b', '__proto__', 'line\nbreak'] as const
// An object literal would make __proto__ the prototype.
const TYPES = Object.fromEntries<ColumnType>([
  ['id', 'long'],
  ['at', 'timestamp'],
  ['order', 'decimal(12,2)'],
  ['a"b', 'string'],
  ['__proto__', 'integer'],
  ['line\nbreak', 'boolean'],
])

const profile = fc.record<Profile>({
  delimiter: fc.constantFrom(',', ';', '\t', '|', '||'),
  rowDelimiter: fc.constantFrom('\n', '\r\n', '~\n'),
  hasHeader: fc.boolean(),
  hasOp: fc.boolean(),
  nullMarker: fc.constantFrom(undefined, '\\N', 'NULL'),
  quoteAll: fc.boolean(),
})

const two = (value: number): string => String(value).padStart(2, '0')
const row = fc.record({
  op: fc.constantFrom('I', 'U', 'D'),
  id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  at: fc.option(
    fc
      .tuple(
        fc.integer({ min: 1, max: 9999 }),
        fc.integer({ min: 1, max: 28 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 999_999 }),
      )
      .map(
        ([year, day, minute, micros]) =>
          `${String(year).padStart(4, '0')}-06-${two(day)} 12:${two(minute)}:00.${String(micros).padStart(6, '0')}`,
      ),
  ),
  order: fc.option(
    fc
      .tuple(fc.boolean(), fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 0, max: 99 }))
      .map(([isNegative, whole, cents]) => `${isNegative ? '-' : ''}${whole}.${two(cents)}`),
  ),
  text: fc.option(
    fc.string({
      unit: fc.constantFrom('a', '"', ',', ';', '|', '\n', '\r', '\t', ' ', 'é', '🙂', '\\N', 'NULL', '~', "'"),
      maxLength: 6,
    }),
  ),
  proto: fc.option(fc.integer({ min: -5, max: 5 })),
  flag: fc.option(fc.boolean()),
})

/** A writer of its own: nothing of the readers is in it. */
function write(
  rows: readonly (readonly (string | null)[])[],
  { delimiter, rowDelimiter, nullMarker, quoteAll }: Profile,
): string {
  const field = (value: string | null): string => {
    if (value === null) return nullMarker ?? ''
    const needsQuotes =
      quoteAll ||
      value === nullMarker ||
      [delimiter[0] ?? '', '"', '\n', '\r', '~'].some((part) => value.includes(part))
    return needsQuotes ? `"${value.replaceAll('"', '""')}"` : value
  }
  return rows.map((values) => values.map(field).join(delimiter) + rowDelimiter).join('')
}

// Written out, the linter takes it for the prototype.
const PROTO = '__proto__'

test('what an independent writer writes in any profile comes back, by both ways', { timeout: 120_000 }, async () => {
  const paths = { fast: 0, strict: 0 }
  await fc.assert(
    fc.asyncProperty(
      profile,
      fc.array(row, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (chosen, rows, withBadRow) => {
        const hasOp = chosen.hasOp
        const isBad = withBadRow && rows.length > 1
        const records = rows.map(({ op, id, at, order, text, proto, flag }) => [
          ...(hasOp ? [op] : []),
          String(id),
          at,
          order,
          text,
          proto === null ? null : String(proto),
          flag === null ? null : String(flag),
        ])
        const bad = [...(hasOp ? ['I'] : []), 'x', null, null, null, null, null]
        const header = [...(hasOp ? ['Op'] : []), ...NAMES]
        const bytes = write([...(chosen.hasHeader ? [header] : []), ...records, ...(isBad ? [bad] : [])], chosen)
        // A load holds inserts alone, so other ops come in a change file.
        const key = hasOp ? 'sales/customers/20260301-101502123.csv' : 'sales/customers/LOAD00000001.csv'
        await landing.put(key, bytes)
        const settings = {
          CsvDelimiter: chosen.delimiter,
          CsvRowDelimiter: chosen.rowDelimiter,
          AddColumnName: chosen.hasHeader,
          ...(chosen.nullMarker === undefined ? {} : { CsvNullValue: chosen.nullMarker }),
        }
        const read = await readAll(landing.engine(), landing.folder(), key, { key: ['id'], columns: TYPES, settings })
        paths[read.path] += 1
        const empty = (text: string | null): string | null =>
          text === '' && chosen.nullMarker === undefined ? null : text
        expect(
          read.rows.map((found) =>
            [
              found['__op'],
              found['id'],
              found['at'],
              found['order'],
              found['a"b'],
              found[PROTO],
              found['line\nbreak'],
            ].map(String),
          ),
        ).toEqual(
          rows.map(({ op, id, at, order, text, proto, flag }) =>
            [
              hasOp ? op : 'I',
              id,
              at === null ? null : `${at.replace(' ', 'T')}Z`,
              order === '-0.00' ? '0.00' : order,
              empty(text),
              proto,
              flag,
            ].map(String),
          ),
        )
        expect(read.rows.map((found) => Number(found['__row']))).toEqual(rows.map((_, at) => at + 1))
        expect([read.rejects.length, read.rowsRead]).toEqual(isBad ? [1, rows.length + 1] : [0, rows.length])
      },
    ),
    { numRuns: 120 },
  )
  // Both ways must have been taken, else the test proves half of what it says.
  expect(Math.min(paths.fast, paths.strict)).toBeGreaterThan(10)
})
