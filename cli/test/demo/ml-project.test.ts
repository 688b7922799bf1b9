import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { staleText, withDays } from '../../src/demo/ml-project.ts'

const PARTS = join(import.meta.dirname, '../../src/demo/ml')
const text = await readFile(join(PARTS, 'datasets/late_flights.yml'), 'utf8')

test('fewer days keep the shape of the year: most to learn from, the last to judge by', () => {
  expect(withDays(text, 364)).toBe(text)
  expect(lineOf(withDays(text, 100), 'split')).toBe(
    'split: {by: time, train: "< 2013-03-08", val: "< 2013-03-18", test: "< 2013-04-11"}',
  )
})

test('a dataset whose inputs are late has the same rows as of an earlier time, and all else as it was', () => {
  const late = staleText(withDays(text, 100), 6)
  expect(lineOf(late, 'dataset')).toBe('dataset: late_flights_6h_late')
  expect(late).toContain('INTERVAL 8 HOUR AS "at"')
  expect(lineOf(late, 'split')).toBe(
    'split: {by: time, train: "< 2013-03-07 18:00:00Z", val: "< 2013-03-17 18:00:00Z", test: "< 2013-04-10 18:00:00Z"}',
  )
  expect(lineOf(staleText(text, 24), 'split')).toContain('train: "< 2013-09-30 04:00:00Z"')
  expect(late.split('\n').length).toBe(text.split('\n').length)
})

function lineOf(yaml: string, name: string): string | undefined {
  return yaml.split('\n').find((line) => line.startsWith(`${name}:`))
}
