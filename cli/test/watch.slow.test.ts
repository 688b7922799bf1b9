import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { afterEach, expect, test } from 'vitest'
import { freshFolder } from './run-cli.ts'

const FILES = 4
let folder: string
let worker: ChildProcess | undefined

afterEach(async () => {
  worker?.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

test('a worker says once that a table is stopped, however often it looks, and goes on with the others', async () => {
  folder = await freshFolder()
  await writeFile(
    join(folder, 'tributary.yaml'),
    'landing: landing\nlake: lake\ndms: {AddColumnName: true}\nreload: {settle: 0s}\ntables:\n  s.good: {key: [id]}\n  s.torn: {key: [id], columns: {id: long, v: string, n: long}}\n',
  )
  for (const table of ['good', 'torn']) await mkdir(join(folder, 'landing/s', table), { recursive: true })
  await writeFile(join(folder, 'landing/s/torn/LOAD00000001.csv'), 'other,name\n1,a\n')
  let said = ''
  worker = spawn(
    join(import.meta.dirname, '../../bin/tributary'),
    ['-C', folder, 'ingest', '--watch', '--interval', '0.05', '--log', 'json'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  worker.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  // Each commit is of another look.
  for (let file = 0; file < FILES; file++) {
    const name = file === 0 ? 'LOAD00000001.csv' : `20260301-10150000${file}.csv`
    await writeFile(join(folder, 'landing/s/good', name), file === 0 ? 'id\n1\n' : `Op,id\nI,${file + 1}\n`)
    for (let waitedMs = 0; !said.includes(`"version":${file}`); waitedMs += 20) {
      if (waitedMs > 30_000) throw new Error(`version ${file} was not said:\n${said}`)
      await systemClock.sleep(20)
    }
  }
  const ended = once(worker, 'close')
  worker.kill('SIGTERM')
  await ended
  const stops = said.split('\n').filter((line) => line.includes('"event":"stopped"'))
  expect(stops).toEqual([expect.stringContaining('"table":"s.torn"')])
})
