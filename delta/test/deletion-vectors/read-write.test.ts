import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { readDeletionVector } from '../../src/deletion-vectors/read.ts'
import { frameDeletionVectors, writeDeletionVectors } from '../../src/deletion-vectors/write.ts'
import { encodeZ85 } from '../../src/deletion-vectors/z85.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { encoded, rowsAt } from './support.ts'

const UUID = '0123abcd-4567-89ef-8123-456789abcdef'
const FILE = `deletion_vector_${UUID}.bin`
const CLOCK: Clock = { ...systemClock, uuid: () => UUID }

test('many vectors go into one file and come back', async () => {
  const store = memoryStore()
  const vectors = [[0, 5], [7], Array.from({ length: 50_000 }, (_, i) => i * 7), [2 ** 33]]
  const descriptors = await writeDeletionVectors(
    store,
    CLOCK,
    await Promise.all(vectors.map((positions) => rowsAt(...positions))),
  )
  expect(descriptors.map(({ storageType, cardinality }) => [storageType, cardinality])).toEqual([
    ['u', 2],
    ['u', 1],
    ['u', 50_000],
    ['u', 1],
  ])
  for (const [index, descriptor] of descriptors.entries())
    expect([...(await readDeletionVector(store, descriptor))]).toEqual(vectors[index])
})

test('the file is byte for byte that of the protocol', async () => {
  const store = memoryStore()
  const [descriptor] = await writeDeletionVectors(store, CLOCK, [await rowsAt(0, 5)])
  const data = 'd1d339640100000000000000000000003a30000001000000000001001000000000000500'
  const checksum = crc32(Buffer.from(data, 'hex')).toString(16).padStart(8, '0')
  expect(Buffer.from(await store.read(FILE)).toString('hex')).toBe(`0100000024${data}${checksum}`)
  expect(descriptor).toEqual({
    storageType: 'u',
    pathOrInlineDv: encodeZ85(Buffer.from(UUID.replaceAll('-', ''), 'hex')),
    offset: 1,
    sizeInBytes: 36,
    cardinality: 2,
  })
})

test('no vectors make no file', async () => {
  const store = memoryStore()
  expect(await writeDeletionVectors(store, CLOCK, [])).toEqual([])
  expect(await store.stat(FILE)).toBeUndefined()
})

test('a vector inside the log is read, also when its size is no multiple of four', async () => {
  const bytes = await encoded([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(bytes.length % 4).not.toBe(0)
  const descriptor = {
    storageType: 'i' as const,
    pathOrInlineDv: encodeZ85(bytes),
    sizeInBytes: bytes.length,
    cardinality: 9,
  }
  expect([...(await readDeletionVector(memoryStore(), descriptor))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a file in a folder of a prefix is found', async () => {
  const store = memoryStore()
  const [descriptor] = await writeDeletionVectors(store, CLOCK, [await rowsAt(3)])
  await store.write(`ab/${FILE}`, await store.read(FILE))
  await store.delete(FILE)
  const prefixed = {
    storageType: 'u' as const,
    offset: 1,
    sizeInBytes: 34,
    cardinality: 1,
    pathOrInlineDv: `ab${descriptor?.pathOrInlineDv}`,
  }
  expect([...(await readDeletionVector(store, prefixed))]).toEqual([3])
})

test('a file elsewhere on this machine is found by its URL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary dv '))
  try {
    const { bytes, places } = frameDeletionVectors([await rowsAt(3)])
    await writeFile(join(folder, 'a.bin'), bytes)
    const descriptor = {
      storageType: 'p' as const,
      pathOrInlineDv: pathToFileURL(join(folder, 'a.bin')).href,
      offset: 1,
      sizeInBytes: places[0]?.length ?? 0,
      cardinality: 1,
    }
    expect([...(await readDeletionVector(memoryStore(), descriptor))]).toEqual([3])
    await rm(join(folder, 'a.bin'))
    await expect(readDeletionVector(memoryStore(), descriptor)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('every flipped bit of a file is found, and the file is named', async () => {
  const store = memoryStore()
  const [descriptor] = await writeDeletionVectors(store, CLOCK, [await rowsAt(0, 5)])
  const good = await store.read(FILE)
  for (let bit = 0; bit < good.length * 8; bit++) {
    await store.write(
      FILE,
      good.map((byte, i) => (i === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte)),
    )
    const reading = descriptor && readDeletionVector(store, descriptor)
    await expect(reading).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'DELETION_VECTOR_CORRUPT',
      message: expect.stringContaining(FILE),
    })
  }
})

test('wrong version, size, checksum, length and count each say so', async () => {
  const store = memoryStore()
  const [written] = await writeDeletionVectors(store, CLOCK, [await rowsAt(0, 5)])
  const descriptor = {
    storageType: 'u' as const,
    offset: 1,
    sizeInBytes: 36,
    cardinality: 2,
    pathOrInlineDv: written?.pathOrInlineDv ?? '',
  }
  const good = await store.read(FILE)
  const refusal = (why: string) =>
    `The deletion vector in ${FILE} is damaged: ${why}. Restore the file from a backup, or restore the table to a version before it.`

  await expect(readDeletionVector(store, { ...descriptor, cardinality: 3 })).rejects.toThrow(
    refusal('it holds 2 rows and 3 are expected'),
  )
  await expect(readDeletionVector(store, { ...descriptor, sizeInBytes: 35 })).rejects.toThrow(
    refusal('its size is 36 bytes and 35 are expected'),
  )
  await expect(readDeletionVector(store, { ...descriptor, sizeInBytes: 2 ** 40 })).rejects.toThrow(
    refusal('the file is too short for 1099511627784 bytes at 1'),
  )
  await expect(readDeletionVector(store, { ...descriptor, sizeInBytes: -5 })).rejects.toThrow(
    refusal('its descriptor has a negative size or count'),
  )
  await expect(readDeletionVector(store, { ...descriptor, offset: 0 })).rejects.toThrow(
    refusal("its offset 0 lies in the file's first byte"),
  )
  await store.write(FILE, good.with(0, 2))
  await expect(readDeletionVector(store, descriptor)).rejects.toThrow(
    refusal("the file's format version is 2 and not 1"),
  )
  await store.write(FILE, good.with(good.length - 1, (good.at(-1) ?? 0) ^ 1))
  await expect(readDeletionVector(store, descriptor)).rejects.toThrow(refusal('its checksum does not fit its bytes'))
})

test('a malformed text of a descriptor is refused', async () => {
  for (const storageType of ['i', 'u'] as const) {
    const descriptor = { storageType, pathOrInlineDv: 'not "Z85"', offset: 1, sizeInBytes: 36, cardinality: 1 }
    await expect(readDeletionVector(memoryStore(), descriptor)).rejects.toMatchObject({
      code: 'DELETION_VECTOR_CORRUPT',
    })
  }
})
