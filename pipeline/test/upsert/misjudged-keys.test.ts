// Keys that repeat, of types for which DuckDB 1.5.5 misreads the bloom filter that it writes over them (decision 26).
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteText } from '@tributary/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

/** Writes each Parquet file of the table anew as DuckDB does by itself, with bloom filters, as versions before this one did. */
async function writeAsBefore(folder: string): Promise<void> {
  const names = await readdir(join(folder, 'lake'), { recursive: true })
  const paths = names.filter((name) => name.endsWith('.parquet')).map((name) => join(folder, 'lake', name))
  for (const path of paths) {
    await place.engine.run(
      `COPY (FROM read_parquet(${quoteText(path)})) TO ${quoteText(`${path}.new`)} (FORMAT parquet)`,
    )
    await rename(`${path}.new`, path)
  }
  const found = await place.engine.all(
    `SELECT DISTINCT file_name FROM parquet_metadata([${paths.map(quoteText).join(', ')}]) WHERE path_in_schema = 'k' AND bloom_filter_offset IS NOT NULL`,
  )
  expect(found.length).toBe(paths.length)
}

let folders = 0

/** Takes the files in one after another and tells the live rows at the end. */
async function rowsAfter(
  table: string,
  files: readonly (readonly string[])[],
  { isWrittenBefore }: { readonly isWrittenBefore: boolean },
): Promise<readonly string[]> {
  folders += 1
  const folder = join(place.folder, `misjudged-${folders}`)
  const lake = await lakeIn(
    folder,
    `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  shop.orders: ${table}\n`,
  )
  for (const [at, lines] of files.entries()) {
    // Once a process knows a file it does not look at it again.
    if (isWrittenBefore && at === files.length - 1) await writeAsBefore(folder)
    const name = at === 0 ? 'LOAD00000001.csv' : `20260101-00000000${at}.csv`
    await put(folder, `shop/orders/${name}`, [...lines, ''].join('\n'))
    await ingest(lake, place.engine, {})
  }
  return canonicalRows(place.engine, await snapshotOf(lake, 'shop.orders'), [
    { name: 'id', type: 'long' },
    { name: 'note', type: 'string' },
  ])
}

const NUMBERS = Array.from({ length: 40 }, (_, at) => at + 1)
const idOf = (line: string): number => Number(JSON.parse(line)[0])
const noteOf = (line: string): string => JSON.parse(line)[1]

describe.each([{ isWrittenBefore: false }, { isWrittenBefore: true }])(
  'files as before: $isWrittenBefore',
  (written) => {
    test.each(['8f14e45fceea167a5a36dedd4bea2500', '00ff', '41'])(
      'a key of the bytes %s is updated and deleted',
      async (k) => {
        const rows = await rowsAfter(
          '{key: [k, id], columns: {id: long, k: binary, note: string}}',
          [
            ['Op,id,k,note', ...NUMBERS.map((id) => `I,${id},${id % 2 === 0 ? k : 'c3a9'},a`)],
            ['Op,id,k,note', `U,2,${k},b`, `U,4,${k},b`, `D,6,${k},a`],
          ],
          written,
        )
        expect(rows.map(idOf).sort((left, right) => left - right)).toEqual(NUMBERS.filter((id) => id !== 6))
        expect(rows.filter((line) => noteOf(line) === 'b').map(idOf)).toEqual([2, 4])
      },
    )

    test.each([
      ['-0.0', '0.0'],
      ['0.0', '-0.0'],
    ])('a key of %s is updated and deleted by %s', async (stored, changed) => {
      const rows = await rowsAfter(
        '{key: [id, k], columns: {id: long, k: double, note: string}}',
        [
          ['Op,id,k,note', ...NUMBERS.map((id) => `I,${id},${id % 2 === 0 ? stored : '1.5'},a`)],
          ['Op,id,k,note', `U,2,${changed},b`, `D,6,${changed},a`],
        ],
        written,
      )
      expect(rows.map(idOf).sort((left, right) => left - right)).toEqual(NUMBERS.filter((id) => id !== 6))
      expect(rows.filter((line) => noteOf(line) === 'b').map(idOf)).toEqual([2])
    })

    test('a change that is older than the delete of its key stays without effect', async () => {
      const line = (op: string, id: number, seq: number): string => `${op},${id},00ff,a,${seq}`
      const rows = await rowsAfter(
        '{key: [k, id], sequence: seq, columns: {id: long, k: binary, note: string, seq: long}}',
        [
          ['Op,id,k,note,seq', ...NUMBERS.map((id) => line('I', id, id))],
          ['Op,id,k,note,seq', ...NUMBERS.slice(0, 39).map((id) => line('D', id, 1000 + id))],
          ['Op,id,k,note,seq', ...NUMBERS.slice(0, 10).map((id) => line('U', id, 500 + id))],
        ],
        written,
      )
      expect(rows.map(idOf)).toEqual([40])
    })
  },
)
