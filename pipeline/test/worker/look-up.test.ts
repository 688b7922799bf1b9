import { createHash } from 'node:crypto'
import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeAt } from '@tributary/delta'
import { expect, onTestFinished, test } from 'vitest'
import { type HashedFiles, lookUpFiles } from '../../src/worker/look-up.ts'
import type { LandingFile } from '../../src/worker/plan.ts'

test('a file whose write time alone differs is read once, and again when it lies there anew', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-look-up-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [key, text] = ['20260101-000000001.csv', 'Op,id\nI,1\n']
  const write = async (content: string, seconds: number): Promise<LandingFile> => {
    await writeFile(join(folder, key), content)
    await utimes(join(folder, key), seconds, seconds)
    const { size, mtimeMs } = await stat(join(folder, key))
    return { key, sizeBytes: size, modifiedMs: mtimeMs, kind: 'cdc', place: `1 ${key}` }
  }
  const taken = await write(text, 1000)
  const entry = {
    ...taken,
    hash: createHash('sha256').update(text).digest('hex'),
    kind: 'cdc' as const,
    generation: 1,
    read: 1,
    applied: 1,
    superseded: 0,
    noop: 0,
    quarantined: 0,
    digitsCut: 0,
    batch: 1,
  }
  const hashed: HashedFiles = new Map()
  const look = async (file: LandingFile): Promise<string | undefined> =>
    (await lookUpFiles(storeAt(folder), [file], [entry], hashed))[0]?.seen
  const copy = await write(text, 2000)
  expect(await look(copy)).toBe('known')
  // Nobody could tell these bytes from the outside, and nobody reads them.
  await write(text.replace('1', '2'), 2000)
  expect(await look(copy)).toBe('known')
  expect(await look(await write(text.replace('1', '2'), 3000))).toBe('changed')
  expect(await look(await write(text, 4000))).toBe('known')
})
