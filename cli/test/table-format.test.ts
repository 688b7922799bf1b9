import { expect, test } from 'vitest'
import { formatTable, PLAIN_STYLE, plainLine } from '../src/table-format.ts'
import { fitText, textWidth, visibleText } from '../src/text-width.ts'

test('columns line up when a text is twice as wide', () => {
  const table = formatTable(
    ['city', 'n'],
    [
      ['東京', '1'],
      ['Rome', '20'],
    ],
    PLAIN_STYLE,
  )
  expect(table).toBe('city  n\n東京   1\nRome  20\n')
})

test('NULL looks unlike the text NULL and unlike nothing', () => {
  expect(formatTable(['a'], [[null], ['NULL'], ['']], PLAIN_STYLE)).toBe('a\n∅\nNULL\n\n')
  expect([plainLine([null]), plainLine(['\\N']), plainLine([''])]).toEqual(['\\N\n', '\\\\N\n', '\n'])
})

test('a plain record stays one line whatever is in it', () => {
  expect(plainLine(['a\tb', 'c\nd', 'e\\f'])).toBe('a\\tb\tc\\nd\te\\\\f\n')
})

test('a table is cut to the terminal, the wide columns first', () => {
  const table = formatTable(['id', 'text'], [['1', 'a long text that does not fit']], { ...PLAIN_STYLE, width: 16 })
  expect(table.split('\n')[1]).toBe(' 1  a long text…')
})

test('control characters cannot move the cursor', () => {
  expect(visibleText('a\u001b[31mb\nc')).toBe('a\\x1b[31mb\\nc')
})

test('a cut never splits a wide character', () => {
  expect(fitText('東京都', 4)).toBe('東… ')
  expect(textWidth('e\u0301')).toBe(1)
})
