import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inflatePages } from '../../src/read/inflate-pages.ts'
import { encodeStruct, readStruct, type ThriftValue } from '../../src/read/thrift.ts'
import { int32, numberOf, structValue } from '../../src/read/thrift-fields.ts'
import { add } from '../log/log-builder.ts'
import { column, foreignTable, linesOf, tableActions } from './foreign-table.ts'
import { workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

function field(id: number, value: ThriftValue): { readonly id: number; readonly value: ThriftValue } {
  return { id, value }
}

/** A text as Hadoop frames LZ4: both lengths big-endian, then one run of literals. */
function framed(text: string): Buffer {
  const block = Buffer.concat([Buffer.from([text.length << 4]), Buffer.from(text)])
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(text.length)
  lengths.writeUInt32BE(block.length, 4)
  return Buffer.concat([lengths, block])
}

function lz4(input: Uint8Array, length: number): Uint8Array {
  const inflate = compressors.LZ4
  if (inflate === undefined) throw new Error('hyparquet-compressors has no LZ4')
  return inflate(input, length)
}

test('a footer that is read and written comes out as it was', async () => {
  const file = join(shop.folder, 'footer.parquet')
  await shop.engine.run(
    `COPY (SELECT range AS a, 'text ' || range AS b, [1.5, NULL] AS c FROM range(5000)) TO '${file}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
  )
  const bytes = await readFile(file)
  const length = bytes.readUInt32LE(bytes.length - 8)
  const footer = bytes.subarray(bytes.length - 8 - length, -8)
  const { struct, length: taken } = readStruct(footer)
  expect(taken).toBe(length)
  expect(Buffer.from(encodeStruct(struct))).toEqual(footer)
})

test('pages of both kinds lose their compression and nothing else', () => {
  const dictionary = framed('dictionary')
  const header = (id: number, struct: ThriftValue, inflated: number, compressed: number): Uint8Array =>
    encodeStruct({
      fields: [
        field(1, int32(0)),
        field(2, int32(inflated)),
        field(3, int32(compressed)),
        field(4, int32(99)),
        field(id, struct),
      ],
    })
  const empty = structValue({ fields: [] })
  const levels = structValue({ fields: [field(5, int32(2)), field(6, int32(1))] })
  const data = Buffer.concat([Buffer.from('lev'), framed('values')])
  const { bytes, dictionaryBytes } = inflatePages(
    Buffer.concat([header(7, empty, 10, dictionary.length), dictionary, header(8, levels, 9, data.length), data]),
    lz4,
  )
  const first = readStruct(bytes)
  expect(Buffer.from(bytes.subarray(first.length, dictionaryBytes)).toString()).toBe('dictionary')
  const second = readStruct(bytes.subarray(dictionaryBytes))
  expect(numberOf(second.struct, 3)).toBe(9)
  expect(Buffer.from(bytes.subarray(dictionaryBytes + second.length)).toString()).toBe('levvalues')
})

test('a page that claims more than any page holds is not inflated', () => {
  const header = encodeStruct({ fields: [field(2, int32(2 ** 30)), field(3, int32(0))] })
  expect(() => inflatePages(header, lz4)).toThrow('a page of 1073741824 bytes is too large')
})

test('a file whose name speaks of LZ4 is read by what is in it', async () => {
  const folder = join(shop.folder, 'names')
  const commit = [...tableActions([column('id', 'long')]), add('a.lz4.parquet')]
  const store = await foreignTable(shop.engine, folder, [commit], { 'a.lz4.parquet': 'SELECT 1::BIGINT AS id' })
  expect(await linesOf(shop.engine, store)).toEqual(['{"id":1}'])
})

test('a damaged file is named', async () => {
  const folder = join(shop.folder, 'damaged')
  const commit = [...tableActions([column('id', 'long')]), add('bad.lz4.parquet')]
  const store = await foreignTable(shop.engine, folder, [commit])
  await writeFile(join(folder, 'bad.lz4.parquet'), 'PAR1 and nothing more')
  await expect(linesOf(shop.engine, store)).rejects.toThrow(
    'The data file bad.lz4.parquet cannot be read: it does not end as a Parquet file does. Restore the file from a backup, or read a version before it was added.',
  )
})
