import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { tidy } from '../tidy.ts'

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

function rulesBrokenBy(files: Readonly<Record<string, string>>): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  roots.push(root)
  const door = JSON.stringify({ exports: { '.': './src/index.ts' } })
  const checkout = {
    'tsconfig.json': '{"include":["delta","cli"]}',
    'delta/package.json': door,
    'cli/package.json': door,
    ...files,
  }
  for (const [path, text] of Object.entries(checkout)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return tidy(root, [])
    .map(({ path, line, rule }) => `${path}:${line} ${rule}`)
    .sort()
}

test('a lower layer that imports a higher one is found', () => {
  const files = {
    'delta/src/clock.ts': `import { table } from './table.ts'\n`,
    'delta/src/table.ts': 'export const table = 1\n',
  }
  expect(rulesBrokenBy(files)).toEqual(['delta/src/clock.ts:1 layers'])
})

test('a workspace is entered by its door, and never from below', () => {
  const files = {
    'delta/src/table.ts': `import '@tributary/cli'\n`,
    'cli/src/main.ts': `import '@tributary/delta/src/table.ts'\nimport '../../delta/src/table.ts'\nimport '@tributary/delta'\n`,
  }
  expect(rulesBrokenBy(files)).toEqual([
    'cli/src/main.ts:1 door',
    'cli/src/main.ts:2 door',
    'delta/src/table.ts:1 layers',
  ])
})

test('types count in a cycle', () => {
  const files = {
    'cli/src/one.ts': `import type { Two } from './two.ts'\nexport type One = Two[]\n`,
    'cli/src/two.ts': `import type { One } from './one.ts'\nexport type Two = One[]\n`,
  }
  expect(rulesBrokenBy(files)).toEqual(['cli/src/one.ts:1 cycle'])
})

test('what the simulation runs has no clock and no chance of its own', () => {
  const source = `export const at = [performance.now(), randomBytes(8), AbortSignal.timeout(1)]\n`
  const files = { 'delta/src/one.ts': source, 'cli/src/one.ts': source }
  expect(rulesBrokenBy(files)).toEqual([
    'delta/src/one.ts:1 clock',
    'delta/src/one.ts:1 clock',
    'delta/src/one.ts:1 clock',
  ])
})

test('values in SQL are quoted by the functions that do that', () => {
  const source = [
    'const x = String(1)',
    "export const a = `SELECT '@{x}'`",
    'export const b = `COPY t TO "@{x}"`',
    "export const c = `nullif(@{x}, '@{x}')`",
    'export const d = `SELECT @{x} FROM t`',
    'export const e = `it is no "@{x}"`',
  ]
    .join('\n')
    .replaceAll('@{', '${')
  expect(rulesBrokenBy({ 'delta/src/sql.ts': `${source}\n` })).toEqual([
    'delta/src/sql.ts:2 sql',
    'delta/src/sql.ts:3 sql',
    'delta/src/sql.ts:4 sql',
  ])
})

test('casts belong into parse functions, time and chance to the clock', () => {
  const source = [
    'export const one = (x: unknown) => x as string',
    'export function parseOne(x: unknown) { return [x].map((y) => y as string) }',
    'export const fixed = [1] as const',
    'export const text = "Date.now() as string"',
    'export const now = () => Date.now() + new Date().getTime()',
    'export const then = new Date(0)',
  ]
  expect(rulesBrokenBy({ 'cli/src/one.ts': source.join('\n') })).toEqual([
    'cli/src/one.ts:1 cast',
    'cli/src/one.ts:5 clock',
    'cli/src/one.ts:5 clock',
  ])
})

test('names, stars, defaults, bangs and work left over are found', () => {
  const source = [
    'export class RowManager {}',
    `export * from './two.ts'`,
    'export default 1',
    'export const x = [1][0]!',
    '// TODO later',
    '// TODO #12 later',
  ]
  const files = { 'cli/src/one.ts': source.join('\n'), 'cli/src/two.ts': '' }
  expect(rulesBrokenBy(files).map((found) => found.slice('cli/src/one.ts:'.length))).toEqual([
    '1 name',
    '2 export star',
    '3 default export',
    '4 non-null',
    '5 todo',
  ])
})

test('docs/errors.md lists exactly the codes', () => {
  const errors = `class TributaryError { constructor(readonly kind: string, readonly code: string) {} }\nexport const gone = () => new TributaryError('x', 'FILE_GONE')\n`
  const files = { 'delta/src/errors.ts': errors, 'docs/errors.md': '| `FILE_LOST` | … |\n' }
  expect(rulesBrokenBy(files)).toEqual(['delta/src/errors.ts:2 error codes', 'docs/errors.md:1 error codes'])
})
