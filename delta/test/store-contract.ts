import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../src/store/store.ts'

/** What every store must do; each implementation runs this suite. */
export function storeContract(
  name: string,
  make: () => Promise<{ readonly store: Store; readonly cleanup: () => Promise<void> }>,
): void {
  describe(`${name} keeps the store contract`, () => {
    let store: Store
    let cleanup: () => Promise<void>
    beforeEach(async () => {
      ;({ store, cleanup } = await make())
    })
    afterEach(() => cleanup())

    readingAndWriting(() => store)
    creating(() => store)
    listing(() => store)
    refusing(() => store)
  })
}

function readingAndWriting(store: () => Store): void {
  test('what is written is read back, whole and in parts', async () => {
    await store().write('a/b.bin', bytes('hello'))
    expect(text(await store().read('a/b.bin'))).toBe('hello')
    expect(text(await store().readRange('a/b.bin', { offset: 1, length: 3 }))).toBe('ell')
    expect(await store().stat('a/b.bin')).toMatchObject({ path: 'a/b.bin', sizeBytes: 5 })
  })

  test('a write replaces what was there', async () => {
    await store().write('a', bytes('long old text'))
    await store().write('a', bytes('new'))
    expect(text(await store().read('a'))).toBe('new')
  })

  test('changing a buffer after the call changes nothing in the store', async () => {
    const buffer = bytes('abc')
    await store().write('a', buffer)
    buffer.fill(0)
    expect(text(await store().read('a'))).toBe('abc')
  })

  test('an empty object is an object', async () => {
    await store().write('a', new Uint8Array())
    expect((await store().read('a')).length).toBe(0)
    expect((await store().stat('a'))?.sizeBytes).toBe(0)
  })

  test('what is not there has no stat, and reading and syncing it fails', async () => {
    expect(await store().stat('x/y')).toBeUndefined()
    await expect(store().read('x/y')).rejects.toMatchObject({ kind: 'not-found', code: 'FILE_NOT_FOUND' })
    await expect(store().readRange('x/y', { offset: 0, length: 1 })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    await expect(store().sync('x/y')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })

  test('a folder is no object', async () => {
    await store().write('a/b', bytes('1'))
    expect(await store().stat('a')).toBeUndefined()
    await expect(store().read('a')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })

  test('a range past the end is refused, however large, and says how long the object is', async () => {
    await store().write('a', bytes('abc'))
    await expect(store().readRange('a', { offset: 2, length: 2 })).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'FILE_TRUNCATED',
    })
    await expect(store().readRange('a', { offset: 0, length: 2 ** 50 })).rejects.toThrow(
      'The file a ends after 3 bytes and 1125899906842624 were expected: it was cut or replaced. Restore the file from a backup.',
    )
  })

  test('a deleted object is gone, and deleting it again is no error', async () => {
    await store().write('a', bytes('1'))
    await store().delete('a')
    await store().delete('a')
    expect(await store().stat('a')).toBeUndefined()
  })

  test('sync tells the size', async () => {
    await store().write('a', bytes('abc'))
    expect(await store().sync('a')).toMatchObject({ path: 'a', sizeBytes: 3 })
  })
}

function creating(store: () => Store): void {
  test('create makes an object once and leaves the first one as it is', async () => {
    expect(await store().create('log/0.json', bytes('first'))).toBe('created')
    expect(await store().create('log/0.json', bytes('second'))).toBe('exists')
    expect(text(await store().read('log/0.json'))).toBe('first')
  })

  test('of many creates at once exactly one wins, and its bytes are there', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store().create('log/0.json', bytes(`writer ${i}`))),
    )
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
    expect(text(await store().read('log/0.json'))).toBe(`writer ${outcomes.indexOf('created')}`)
  })

  test('what was deleted can be created again', async () => {
    await store().create('a', bytes('1'))
    await store().delete('a')
    expect(await store().create('a', bytes('2'))).toBe('created')
  })
}

function listing(store: () => Store): void {
  test('a listing is recursive and in the order of UTF-8 bytes, as on S3', async () => {
    // UTF-16 order would put U+FF5E after U+1F600, and a walk folder by folder would put `a/b` before `a.txt`.
    const paths = ['B', 'a!', 'a.txt', 'a/b', 'a/c/d', 'a0', 'é', '\uff5e', '\u{1f600}']
    for (const path of [...paths].reverse()) await store().write(path, bytes(path))
    expect(await list(store(), '')).toEqual(paths)
  })

  test('a prefix need not end at a slash', async () => {
    for (const path of ['log/10.json', 'log/11.json', 'log/2.json', 'logs/1', 'other'])
      await store().write(path, bytes('1'))
    expect(await list(store(), 'log/1')).toEqual(['log/10.json', 'log/11.json'])
    expect(await list(store(), 'log')).toEqual(['log/10.json', 'log/11.json', 'log/2.json', 'logs/1'])
  })

  test('a listing may begin after a path, there or not', async () => {
    for (const path of ['a/1', 'a/2', 'a/b/3', 'a/c']) await store().write(path, bytes('1'))
    expect(await list(store(), 'a/', 'a/2')).toEqual(['a/b/3', 'a/c'])
    expect(await list(store(), 'a/', 'a/b')).toEqual(['a/b/3', 'a/c'])
    expect(await list(store(), 'a/', 'a/b/3')).toEqual(['a/c'])
    expect(await list(store(), '', 'z')).toEqual([])
  })

  test('an entry of before may do for what is still there, and brings nothing back', async () => {
    const entry = { path: 'a/1', sizeBytes: 99, modifiedMs: 5 }
    await store().write('a/1', new Uint8Array(1))
    await store().write('a/2', new Uint8Array(1))
    const found = []
    for await (const each of store().list('a/', {
      recall: (path) => (path === 'a/2' ? undefined : { ...entry, path }),
    }))
      found.push(each)
    expect(found.map(({ path }) => path)).toEqual(['a/1', 'a/2'])
    expect([1, 99]).toContain(found[0]?.sizeBytes)
    expect(found[1]?.sizeBytes).toBe(1)
  })

  test('a missing folder is an empty listing', async () => {
    expect(await list(store(), 'nowhere/')).toEqual([])
  })

  test('names that start with a dot are temporary files and not listed', async () => {
    await store().write('a/.hidden', bytes('1'))
    await store().write('a/seen', bytes('1'))
    expect(await list(store(), 'a/')).toEqual(['a/seen'])
  })

  test('entries carry size and time', async () => {
    await store().write('a', bytes('abc'))
    for await (const entry of store().list('')) expect(entry).toEqual(await store().stat('a'))
  })
}

function refusing(store: () => Store): void {
  test.each(['../a', 'a/../../b', '/etc/passwd', '', '.', 'a/./b', 'a//b', 'a/', 'a\0b', '..', 'a\ud800b'])(
    'the path %j is refused everywhere',
    async (path) => {
      const refused = { kind: 'refused', code: 'PATH_CLIMBS' }
      const attempts = [
        () => store().read(path),
        () => store().readRange(path, { offset: 0, length: 1 }),
        () => store().stat(path),
        () => store().create(path, bytes('1')),
        () => store().write(path, bytes('1')),
        () => store().delete(path),
        () => store().locate(path),
        () => store().sync(path),
      ]
      for (const attempt of attempts) await expect((async () => attempt())()).rejects.toMatchObject(refused)
    },
  )

  test.each(['../', 'a/../', '/', '/etc/', 'a//', 'a\0'])('the prefix %j is refused', async (prefix) => {
    await expect(list(store(), prefix)).rejects.toMatchObject({ kind: 'refused', code: 'PATH_CLIMBS' })
  })
}

async function list(store: Store, prefix: string, after?: string): Promise<readonly string[]> {
  const paths: string[] = []
  for await (const entry of store.list(prefix, after === undefined ? {} : { after })) paths.push(entry.path)
  return paths
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content)
}
