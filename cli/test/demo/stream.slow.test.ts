// `demo s3` for a few seconds instead of 75: real servers, a worker of its own. Worth its seconds: `make demo-s3` is what we show.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'

const COMMAND = join(import.meta.dirname, '../../../bin/tributary')
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-stream-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function play(seconds: number) {
  const child = spawn(COMMAND, ['demo', 's3', '--seconds', String(seconds), '--folder', join(folder, 'demo')])
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  return { child, said: () => text }
}

test('files that are put every second are in the tables as they were put, and their way is told by hop', async () => {
  const { child, said } = play(3)
  await once(child, 'close')
  expect(said()).toContain('15 files with ')
  expect(said()).toMatch(/\nqueue( +[0-9.]+ s){4} .*\nmerge( +[0-9.]+ s){4} .*\nall( +[0-9.]+ s){4} /)
  expect(said()).toContain('\nall tables equal what was put.')
})

test('Ctrl-C ends the worker and the servers too', async () => {
  const { child, said } = play(60)
  while (!said().includes('one file a second')) await systemClock.sleep(50)
  const [endpoint] = /http:\/\/127\.0\.0\.1:\d+/.exec(said()) ?? []
  expect((await fetch(`${endpoint}/`)).status).toBe(200)
  child.kill('SIGINT')
  await once(child, 'close')
  expect(child.exitCode).toBe(130)
  await expect(fetch(`${endpoint}/`)).rejects.toThrow('fetch failed')
})
