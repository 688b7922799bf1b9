import { TributaryError } from '@tributary/delta'
import { expect, test } from 'vitest'
import { EXIT_OF_KIND } from '../src/exit-codes.ts'
import { describeFailure, failureText, splitMessage } from '../src/failure.ts'

test('a message of the house form comes apart into problem, cause and remedy', () => {
  expect(splitMessage('There is no file a.csv: it was deleted. Restore it.')).toEqual({
    what: 'There is no file a.csv',
    cause: 'it was deleted.',
    fix: 'Restore it.',
  })
  expect(splitMessage('It failed')).toEqual({ what: 'It failed', cause: undefined, fix: undefined })
})

test('the error form has a line a part', async () => {
  const failure = await describeFailure(
    new TributaryError('expired', 'VERSION_EXPIRED', 'Version 3 is gone: its log was cleaned up. Ask for 7 or later.'),
    { args: [], commands: [] },
  )
  expect(failureText(failure, (_, text) => text)).toBe(
    'error: Version 3 is gone\ncause: its log was cleaned up.\nfix: Ask for 7 or later.\nsee: tributary help versions\n',
  )
  expect(failure.exitCode).toBe(4)
})

test('every kind of error has its exit code', () => {
  expect(EXIT_OF_KIND).toEqual({
    invalid: 2,
    'not-found': 3,
    unsupported: 4,
    expired: 4,
    refused: 5,
    conflict: 7,
    unavailable: 7,
    corrupt: 1,
  })
})

test('an unexpected error leaves a report and prints where it is', async () => {
  const failure = await describeFailure(new RangeError('boom'), { args: ['cat', 'x'], commands: ['cat'] })
  expect(failure).toMatchObject({ code: 'UNEXPECTED', message: 'boom', exitCode: 1 })
  expect(failure.fix).toMatch(/tributary-error-.*\.txt$/)
})
