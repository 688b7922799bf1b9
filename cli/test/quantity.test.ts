import { expect, test } from 'vitest'
import { timeText } from '../src/quantity.ts'

test('a time is told in one form, whatever form the source wrote it in', () => {
  for (const time of [
    'T10:16:01.000000Z',
    'T10:16:01Z',
    ' 10:16:01',
    ' 10:16:01.25',
    ' 10:16:01+00',
    ' 10:16:01.25+00',
  ])
    expect(timeText(`2026-03-01${time}`)).toBe('2026-03-01 10:16:01Z')
})
