// No key, however it is spelled, names anything outside of its store: on a disk, in a bucket, and in the URL that DuckDB gets.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TributaryError } from '../../src/errors.ts'
import { decodePath, encodePath } from '../../src/protocol/paths.ts'
import { assertInside } from '../../src/store/keys.ts'
import { localStore } from '../../src/store/local.ts'
import { placeOf } from '../../src/store/place.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { Store } from '../../src/store/store.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-keys-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const PARTS = [
  '..',
  '.',
  '...',
  '',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '%252e%252e',
  '..%2f',
  '..\\',
  '\\..',
  '\\',
  'C:',
  '~',
  '\0',
  '..\0',
  '\n',
  '\r',
  '\u007f',
  '\u0085',
  '\u2024\u2024',
  '\uFF0E\uFF0E',
  '\u2215',
  '\u29F8',
  '\u202E',
  'a',
  '_delta_log',
  '*',
  '?',
  '#',
  '..?x=',
  '{..}',
  '[.][.]',
  '$HOME',
  '`id`',
  'é',
  '\u{1F600}',
  '\uD800',
  ' ',
  '.. ',
  ' ..',
  '..;',
  '....//',
]
const separator = fc.constantFrom('/', '/', '/', '//', '\\', '%2f', '%5c', '\u2215', '')
const key = fc
  .array(fc.tuple(fc.constantFrom(...PARTS), separator), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.map(([part, between]) => part + between).join(''))
const hostile = fc.oneof({ weight: 4, arbitrary: key }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) })
const RUNS = { numRuns: 10_000 }

/** Whether a store takes the key at all. */
function isTaken(path: string): boolean {
  try {
    assertInside(path)
    return true
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'PATH_CLIMBS') return false
    throw error
  }
}

/** Where a store leads DuckDB, or the code of its refusal. */
async function located(store: Store, path: string): Promise<{ readonly name: string } | { readonly code: string }> {
  try {
    return { name: await store.locate(path) }
  } catch (error) {
    return { code: error instanceof TributaryError ? error.code : String(error) }
  }
}

test('10,000 hostile keys of a disk name a file below the root, or are refused', () => {
  fc.assert(
    fc.property(hostile, (path) => {
      if (!isTaken(path)) return
      const place = join('/lake/orders', path)
      expect([resolve(place), place.startsWith(`/lake/orders${sep}`)]).toEqual([place, true])
    }),
    RUNS,
  )
})

test('DuckDB is led to files below the root, whatever their keys', async () => {
  const root = join(folder, 'lake')
  const store = localStore(root)
  await fc.assert(
    fc.asyncProperty(hostile, async (path) => {
      const found = await located(store, path)
      if ('code' in found) expect(found.code === 'PATH_CLIMBS').toBe(!isTaken(path))
      else expect(found.name).toBe(join(root, path))
    }),
    { numRuns: 200 },
  )
})

test('10,000 hostile keys of a bucket lead to an object below the prefix, or are refused', async () => {
  const store = s3Store('s3://lake/tables/orders')
  await fc.assert(
    fc.asyncProperty(hostile, async (path) => {
      const found = await located(store, path)
      if (path.includes('?')) expect(found).toEqual({ code: 'S3_KEY_REFUSED' })
      else if ('code' in found) expect(found.code).toBe('PATH_CLIMBS')
      else {
        expect(found.name).toBe(`s3://lake/tables/orders/${path}`)
        expect(path.split('/').some((part) => part === '..' || part === '.' || part === '')).toBe(false)
      }
    }),
    RUNS,
  )
})

test('what is asked of a server is the object of that key and no other', async () => {
  const targets: string[] = []
  const server = createServer((request, response) => {
    targets.push(request.url ?? '')
    response.writeHead(404).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const store = s3Store('s3://lake/tables', { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials })
  try {
    await fc.assert(
      fc.asyncProperty(hostile, async (path) => {
        targets.length = 0
        const outcome = await store
          .stat(path)
          .catch((error: unknown) => (error instanceof TributaryError ? error.code : String(error)))
        if (!isTaken(path)) expect([outcome, targets]).toEqual(['PATH_CLIMBS', []])
        else
          expect([outcome, targets.map((target) => decodeURIComponent(target))]).toEqual([
            undefined,
            [`/lake/tables/${path}`],
          ])
      }),
      { numRuns: 300 },
    )
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('no key tells DuckDB to ask another server', async () => {
  await expect(s3Store('s3://lake').locate('a.parquet?s3_endpoint=evil.example')).rejects.toThrow(
    'The object "a.parquet?s3_endpoint=evil.example" is refused: its name holds a question mark, and DuckDB reads options after one, the server to ask among them. Write the file under another name.',
  )
})

test('10,000 hostile paths of a log lead below the root, to a file that they name in full, or are refused', () => {
  const store = localStore('/lake/orders')
  fc.assert(
    fc.property(hostile, (path) => {
      const place = placeOf(store, decodePath(path))
      if (place.kind !== 'inside') expect(path).toMatch(/^\/|^[a-z][a-z0-9+.-]*:\//i)
      else if (isTaken(place.path)) expect(join('/lake/orders', place.path).startsWith('/lake/orders/')).toBe(true)
    }),
    RUNS,
  )
})

test('a path goes into the log and comes back, whatever is in it', () => {
  const plain = hostile.filter((path) => path.isWellFormed())
  fc.assert(
    fc.property(plain, (path) => {
      const back = decodePath(encodePath(path))
      if (!path.startsWith('/') && !/(^|\/)\.\//.test(path)) expect(back).toEqual({ kind: 'relative', path })
    }),
    RUNS,
  )
})

test('a link that leads out of the root is neither read nor written nor given to DuckDB, and one inside is', async () => {
  const root = join(folder, 'links')
  const outside = join(folder, 'outside')
  for (const made of [root, outside]) mkdirSync(made)
  writeFileSync(join(outside, 'secret'), 'secret')
  writeFileSync(join(root, 'real'), 'real')
  symlinkSync(outside, join(root, 'folder'))
  symlinkSync(join(outside, 'secret'), join(root, 'file'))
  symlinkSync(join(root, 'real'), join(root, 'inner'))
  const store = localStore(root)
  const tries = (path: string): readonly (() => Promise<unknown>)[] => [
    () => store.read(path),
    () => store.readRange(path, { offset: 0, length: 1 }),
    () => store.stat(path),
    () => store.write(path, new Uint8Array(1)),
    () => store.create(`${path}2`, new Uint8Array(1)),
    () => store.locate(path),
    () => store.sync(path),
  ]
  const codes = async (path: string): Promise<readonly string[]> =>
    Promise.all(
      tries(path).map((run) =>
        run().then(
          () => 'done',
          (error: unknown) => (error instanceof TributaryError ? error.code : 'foreign'),
        ),
      ),
    )
  expect(new Set(await codes('folder/secret'))).toEqual(new Set(['PATH_CLIMBS']))
  // A new name beside the link is inside.
  expect(await codes('file')).toEqual([
    'PATH_CLIMBS',
    'PATH_CLIMBS',
    'PATH_CLIMBS',
    'PATH_CLIMBS',
    'done',
    'PATH_CLIMBS',
    'PATH_CLIMBS',
  ])
  expect(Buffer.from(await store.read('inner')).toString()).toBe('real')
  await store.delete('file')
  await expect(store.delete('folder/secret')).rejects.toMatchObject({ code: 'PATH_CLIMBS' })
  expect(Buffer.from(await localStore(outside).read('secret')).toString()).toBe('secret')
  expect(fileURLToPath(store.url)).toBe(`${root}/`)
})

test('a root may itself be a link', async () => {
  mkdirSync(join(folder, 'far'))
  symlinkSync(join(folder, 'far'), join(folder, 'near'))
  const store = localStore(join(folder, 'near'))
  await store.write('a/b', Buffer.from('x'))
  expect(Buffer.from(await store.read('a/b')).toString()).toBe('x')
})
