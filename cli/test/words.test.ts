import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { GlobalFlags } from '../src/global-flags.ts'
import { openWords } from '../src/words.ts'

const FLAGS: GlobalFlags = {
  config: undefined,
  json: false,
  plain: false,
  quiet: false,
  verbose: 0,
  color: true,
  progress: true,
  yes: false,
  input: true,
}

function shownIn(
  seconds: number,
  options: { readonly isTTY: boolean; readonly environment?: NodeJS.ProcessEnv; readonly flags?: Partial<GlobalFlags> },
): number {
  let nowMs = 1_000_000
  const stderr = Object.assign(new PassThrough(), { isTTY: options.isTTY })
  const words = openWords(stderr, {
    clock: { now: () => nowMs },
    flags: { ...FLAGS, ...options.flags },
    environment: options.environment ?? {},
  })
  for (let tick = 0; tick < seconds * 100; tick++) {
    words.progress(() => 'at work')
    nowMs += 10
  }
  return (String(stderr.read() ?? '').match(/at work/g) ?? []).length
}

test('progress is shown ten times a second on a terminal', () => {
  expect(shownIn(3, { isTTY: true })).toBe(30)
})

test('progress is shown every ten seconds in CI', () => {
  expect(shownIn(35, { isTTY: false, environment: { CI: 'true' } })).toBe(3)
})

test('progress is not shown elsewhere, nor with --no-progress or -q', () => {
  expect([
    shownIn(3, { isTTY: false }),
    shownIn(3, { isTTY: true, flags: { progress: false } }),
    shownIn(3, { isTTY: true, flags: { quiet: true } }),
  ]).toEqual([0, 0, 0])
})
