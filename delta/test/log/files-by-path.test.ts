import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceByPath } from '../../src/log/files-by-path.ts'

interface File {
  readonly path: string
  readonly id: number
}

/** As it is said: what is not touched and what is fresh, sorted by path, the fresh last among equals. */
function expected(list: readonly File[], touched: ReadonlySet<string>, fresh: readonly File[]): readonly string[] {
  const kept = list.filter(({ path, id }) => !touched.has(`${decodeURIComponent(path)}#${id}`))
  const all = [...kept.map((file) => ({ file, isFresh: 0 })), ...fresh.map((file) => ({ file, isFresh: 1 }))]
  all.sort((a, b) => (a.file.path === b.file.path ? a.isFresh - b.isFresh : a.file.path < b.file.path ? -1 : 1))
  return all.map(({ file }) => `${file.path}#${file.id}`)
}

// Few paths, so that they meet; one may be spelt in two ways.
const file = fc.record({ path: fc.constantFrom('a', 'b', 'c', 'd/e', 'f', 'a b', 'a%20b'), id: fc.nat(3) })

test('a list without what is touched and with what is fresh is as if it were made anew, again and again', () => {
  fc.assert(
    fc.property(
      fc.array(file, { maxLength: 30 }),
      fc.array(fc.tuple(fc.array(file), fc.array(file))),
      (first, steps) => {
        let list: readonly File[] = first.toSorted((a, b) => (a.path === b.path ? 0 : a.path < b.path ? -1 : 1))
        for (const [gone, fresh] of steps) {
          const touched = new Set([...gone, ...fresh].map(({ path, id }) => `${decodeURIComponent(path)}#${id}`))
          const wanted = expected(list, touched, fresh)
          list = replaceByPath(list, {
            paths: [...gone, ...fresh].map(({ path }) => path),
            isTouched: ({ path, id }) => touched.has(`${decodeURIComponent(path)}#${id}`),
            fresh,
          })
          expect(list.map(({ path, id }) => `${path}#${id}`)).toEqual(wanted)
        }
      },
    ),
  )
})

test('a commit of a thousand files and more is laid over as a small one is', () => {
  const fresh = Array.from({ length: 3000 }, (_, id) => ({ path: `p${id % 2000}`, id }))
  const list = replaceByPath(
    [
      { path: 'a', id: 1 },
      { path: 'z', id: 2 },
    ],
    { paths: fresh.map(({ path }) => path), isTouched: () => false, fresh },
  )
  expect([list.length, list[0]?.path, list.at(-1)?.path]).toEqual([3002, 'a', 'z'])
})
