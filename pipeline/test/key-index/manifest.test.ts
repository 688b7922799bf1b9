import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cleanIndex, createManifest, type Manifest, readManifest } from '../../src/key-index/manifest.ts'

const NOW_MS = Date.UTC(2026, 0, 2)
const GRACE_MS = 60_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-index-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('an index that is brought forward commit after commit leaves no runs behind, and those of others are spared', () => {
  for (let number = 1; number <= 40; number++) {
    expect(createManifest(folder, number, manifestOf(['all.run', `${number}.run`]))).toBe(true)
    for (const name of ['all.run', `${number}.run`]) writeFileSync(join(folder, name), '')
    cleanIndex(folder, { nowMs: NOW_MS, graceMs: GRACE_MS })
    expect(existsSync(join(folder, `${number}.run`))).toBe(true)
  }
  expect(readManifest(folder)).toMatchObject({ number: 40 })
  const runs = (): readonly string[] => readdirSync(folder).filter((name) => name.endsWith('.run'))
  expect(runs().toSorted()).toEqual([...[33, 34, 35, 36, 37, 38, 39, 40].map((number) => `${number}.run`), 'all.run'])

  for (const [name, ageMs] of [
    ['being-written.run', GRACE_MS / 2],
    ['left-by-a-crash.run', GRACE_MS * 2],
  ] as const) {
    writeFileSync(join(folder, name), '')
    utimesSync(join(folder, name), new Date(), new Date(NOW_MS - ageMs))
  }
  cleanIndex(folder, { nowMs: NOW_MS, graceMs: GRACE_MS })
  expect(runs()).toContain('being-written.run')
  expect(runs()).not.toContain('left-by-a-crash.run')
})

test('a manifest that another process removes at the same time is no fault of the index', () => {
  const names = (): readonly string[] => readdirSync(folder).toSorted()
  for (const number of [2, 3]) createManifest(folder, number, manifestOf([`${number}.run`]))
  writeFileSync(join(folder, '2.run'), '')
  // It is listed, and not there when it is read.
  symlinkSync(join(folder, 'gone'), join(folder, '000000000001.json'))
  const before = names()
  cleanIndex(folder, { nowMs: NOW_MS, graceMs: GRACE_MS })
  expect(names()).toEqual(before)
})

function manifestOf(names: readonly string[]): Manifest {
  return {
    format: 1,
    subject: { url: 'file:///t/', tableId: 't', key: [], sequence: null },
    salt: 's',
    version: 1,
    fingerprint: 'f',
    unusable: null,
    runs: names.map((name) => ({ name, entries: 1 })),
  }
}
