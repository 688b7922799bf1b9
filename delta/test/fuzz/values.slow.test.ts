// Slow for the number of inputs: deletion vectors, partition values, paths, variants and Thrift, damaged or made up.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { decodeBitmap } from '../../src/deletion-vectors/decode-bitmap.ts'
import { readDeletionVector } from '../../src/deletion-vectors/read.ts'
import { writeDeletionVectors } from '../../src/deletion-vectors/write.ts'
import { encodePartitionValue, parsePartitionValue } from '../../src/protocol/partition-values.ts'
import { decodePath, encodePath } from '../../src/protocol/paths.ts'
import type { DataType } from '../../src/protocol/schema.ts'
import { VariantDamage, variantJson } from '../../src/protocol/variant-json.ts'
import { readStruct } from '../../src/read/thrift.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { encoded, rowsAt } from '../deletion-vectors/support.ts'
import { expectTyped, LIMIT_MS, mutate, mutations, runs } from './mutations.ts'

class Complaint extends Error {}

test(
  'a damaged bitmap holds as many ascending rows as it should, or is refused',
  async () => {
    const rows = fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 2 ** 34 })), {
      maxLength: 300,
    })
    const property = fc.asyncProperty(rows, mutations, async (positions, changes) => {
      const [bytes, cardinality] = [await encoded(positions), positions.length]
      try {
        const found = await decodeBitmap(mutate(bytes, changes), { cardinality }, (why) => new Complaint(why))
        expect(found.positions.length).toBe(cardinality)
      } catch (error) {
        expect(error).toBeInstanceOf(Complaint)
      }
    })
    await fc.assert(property, runs(2000))
  },
  LIMIT_MS,
)

test(
  'a damaged file of deletion vectors gives the rows that were written, or is refused',
  async () => {
    const rows = fc.uniqueArray(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 50 })
    const property = fc.asyncProperty(rows, mutations, async (positions, changes) => {
      const store = memoryStore()
      const [descriptor] = await writeDeletionVectors(store, systemClock, [await rowsAt(...positions)])
      if (descriptor === undefined) throw new Error('one vector was to be written')
      for await (const { path } of store.list('')) await store.write(path, mutate(await store.read(path), changes))
      const codes = ['DELETION_VECTOR_CORRUPT', 'FILE_TRUNCATED']
      const found = await expectTyped(codes, () => readDeletionVector(store, descriptor))
      if (found !== undefined) expect([...found]).toEqual(positions.toSorted((one, two) => one - two))
    })
    await fc.assert(property, runs(2000))
  },
  LIMIT_MS,
)

test(
  'partition values of every type come back, and any text is a value or refused',
  async () => {
    const types: readonly DataType[] = [
      ...([
        'string',
        'long',
        'integer',
        'short',
        'byte',
        'float',
        'double',
        'boolean',
        'binary',
        'date',
        'timestamp',
        'timestamp_ntz',
        'void',
      ] as const),
      'decimal(10,2)',
    ]
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[-+]?\d{0,5}(\.\d{0,3})?(e-?\d)?$/),
      fc.stringMatching(/^-?\d{4,6}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{1,9})?)?(Z|\+01:00)?$/),
    )
    const property = fc.asyncProperty(fc.constantFrom(...types), text, async (type, value) => {
      await expectTyped(['PARTITION_VALUE_CORRUPT'], () => parsePartitionValue(type, value))
      if (type === 'string')
        expect(parsePartitionValue(type, encodePartitionValue(type, value))).toBe(value === '' ? null : value)
    })
    await fc.assert(property, runs(20_000))
  },
  LIMIT_MS,
)

test(
  'a path goes into the log and comes back',
  () => {
    const part = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !/[/\\\0]|^\.$/.test(text) && text.isWellFormed())
    const property = fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.string(), (parts, any) => {
      const path = `t/${parts.join('/')}`
      expect(decodePath(encodePath(path))).toEqual({ kind: 'relative', path })
      decodePath(any)
    })
    fc.assert(property, runs(10_000))
  },
  LIMIT_MS,
)

test(
  'a damaged variant is JSON or refused',
  () => {
    const metadata = Uint8Array.from([0x11, 2, 0, 1, 2, 0x61, 0x62])
    const value = Uint8Array.from([2, 2, 0, 1, 0, 7, 11, 3, 2, 0, 1, 3, 0, 5, 0x78, 32, 2, 231, 255, 255, 255])
    const property = fc.property(mutations, mutations, fc.boolean(), (one, two, isBoth) => {
      try {
        JSON.parse(variantJson(isBoth ? mutate(metadata, two) : metadata, mutate(value, one)))
      } catch (error) {
        expect(error).toBeInstanceOf(VariantDamage)
      }
    })
    fc.assert(property, runs(10_000))
  },
  LIMIT_MS,
)

test(
  'any bytes are a struct of Thrift or refused',
  () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(readStruct(bytes).length).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    })
    fc.assert(property, runs(20_000))
  },
  LIMIT_MS,
)
