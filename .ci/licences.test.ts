import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isAllowed, parseLicences } from './licences.ts'

test('every package of the lockfile has a licence under which it may be used as it is', () => {
  const all = parseLicences(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'))
  expect(all.length).toBeGreaterThan(50)
  expect(all.filter((each) => !isAllowed(each))).toEqual([])
})

test('a licence that is not known, or only for tools, is found', () => {
  const lockfile = JSON.stringify({
    packages: {
      '': {},
      delta: { version: '0.1.0' },
      'node_modules/@tributary/delta': { link: true },
      'node_modules/a': { version: '1.0.0', license: 'GPL-3.0' },
      'node_modules/b': { version: '1.0.0', license: '(GPL-3.0 OR MIT)' },
      'node_modules/c': { version: '1.0.0', license: 'MIT AND GPL-3.0' },
      'node_modules/d': { version: '1.0.0', license: 'MPL-2.0' },
      'node_modules/a/node_modules/@e/f': { version: '1.0.0', license: 'MPL-2.0', dev: true },
      'node_modules/g': { version: '1.0.0' },
    },
  })
  const all = parseLicences(lockfile)
  expect(all.filter((each) => !isAllowed(each)).map(({ name }) => name)).toEqual(['a', 'c', 'd', 'g'])
  expect(all.map(({ name }) => name)).toContain('@e/f')
})
