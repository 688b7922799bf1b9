// Worlds in a process of their own: as `make sim` runs them, and a third faster than in a process of the tests, where each use of an import is
// a call.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { Range, Simulation } from './report.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

/** Expects that nothing breaks in the worlds of a range, and that things happen in them. */
export async function expectSound(engine: Simulation['name'], { first, last }: Range): Promise<void> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: { ...process.env, SEEDS: `${first}-${last}`, ENGINE: engine },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect({ code, said, errors: code === 0 ? '' : errors }).toEqual({
    code: 0,
    said: expect.stringMatching(/ nothing broke\n$/),
    errors: '',
  })
  const [, seeds = 0, commits = 0] = /^(\d+) seeds, \d+ steps, (\d+) commits/m.exec(said) ?? []
  expect(Number(seeds)).toBe(last - first + 1)
  expect(Number(commits), 'commits of all worlds').toBeGreaterThan(Number(seeds) * 2)
}
