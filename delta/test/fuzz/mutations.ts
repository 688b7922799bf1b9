import fc from 'fast-check'
import { expect } from 'vitest'
import { TributaryError } from '../../src/errors.ts'
import { IS_SOAK, times } from '../soak.ts'

/** How often a property is tried: thousands of times with the other tests, 250 times that with TRIBUTARY_SOAK=1. */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: times(usual, usual * 250) }
}

/** How long a property may take: the long run goes on for an hour at most. */
export const LIMIT_MS = IS_SOAK ? 3_600_000 : 300_000

/** One change of some bytes: where (as a part of the whole), what, and how much. */
interface Mutation {
  readonly at: number
  readonly kind: 'set' | 'flip' | 'cut' | 'insert' | 'drop' | 'repeat'
  readonly byte: number
  readonly length: number
}

/** Some changes of bytes, to be applied one after another. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    kind: fc.constantFrom(
      'set' as const,
      'flip' as const,
      'cut' as const,
      'insert' as const,
      'drop' as const,
      'repeat' as const,
    ),
    byte: fc.oneof(fc.constantFrom(0, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 })),
    length: fc.integer({ min: 1, max: 16 }),
  }),
  { minLength: 1, maxLength: 4 },
)

/** The bytes with the changes. */
export function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  return changes.reduce<Uint8Array>((current, change) => changed(current, change), bytes)
}

function changed(bytes: Uint8Array, { at, kind, byte, length }: Mutation): Uint8Array {
  const place = Math.floor(at * bytes.length)
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  switch (kind) {
    case 'set':
      return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)])
    case 'flip':
      return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (1 << (byte & 7))]), after.subarray(1)])
    case 'cut':
      return Buffer.from(before)
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(length, byte), after])
    case 'drop':
      return Buffer.concat([before, after.subarray(length)])
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, length), after])
  }
}

/** Whatever the work throws has to be an error with one of the codes. */
export async function expectTyped<T>(codes: readonly string[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error
    expect(codes).toContain(error.code)
    return undefined
  }
}
