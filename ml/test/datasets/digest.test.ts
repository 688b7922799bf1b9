import { createHash } from 'node:crypto'
import type { StructField } from '@tributary/delta'
import { expect, test } from 'vitest'
import { rowsDigest } from '../../src/datasets/digest.ts'
import { useEngine } from './lake.ts'

const engine = useEngine()
const fields: readonly StructField[] = [
  { name: 'a', type: 'integer', nullable: true, metadata: {} },
  { name: 'b', type: 'string', nullable: true, metadata: {} },
]
const digestOf = (values: string): Promise<string> =>
  rowsDigest(engine(), `SELECT * FROM (VALUES ${values}) t(a, b)`, fields)

test('the digest is the count and the sums of both halves of md5, as anybody can compute it', async () => {
  const lines = ['{"a":1,"b":"x"}', '{"a":2,"b":null}']
  const sumOf = (start: number): string => {
    const sum = lines.reduce((total, line) => {
      return total + createHash('md5').update(line).digest().readBigUInt64LE(start)
    }, 0n)
    return BigInt.asUintN(64, sum).toString(16).padStart(16, '0')
  }
  expect(await digestOf(`(1, 'x'), (2, NULL)`)).toBe(`2-${sumOf(0)}-${sumOf(8)}`)
})

test('the order of rows does not show, and a row twice does', async () => {
  expect(await digestOf(`(1, 'x'), (2, 'y')`)).toBe(await digestOf(`(2, 'y'), (1, 'x')`))
  expect(await digestOf(`(1, 'x'), (1, 'x'), (2, 'y')`)).not.toBe(await digestOf(`(2, 'y')`))
})
