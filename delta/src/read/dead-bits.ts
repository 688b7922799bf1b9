// The dead rows of one file as bits that DuckDB looks each row up in: `get_bit(bits, row)`.
//
// DuckDB copies a constant anew for every 2,048 rows that it looks at, so to copy the bits of a large file costs more than to ask them: that grows
// with the square of its rows. So they are cut into pages, and a row finds its page by a tree of CASE. Rows that are looked at together lie
// in one page but for a few, so a level of the tree is one comparison a row, and no other page is copied.

import type { Positions } from '../deletion-vectors/bitmap.ts'
import type { Engine } from '../duckdb/engine.ts'
import { quoteText } from '../duckdb/sql.ts'

// 128 KiB of bits. Fewer copy less and compare more (decision 4).
const PAGE_ROWS_MAX = 2 ** 20
// So many bytes are written into a statement, which spares a table; more would cost more to parse.
const TEXT_BYTES_MAX = 4096

/** SQL over `r`, true for rows that are not among these. Puts variables, and a table, of that name on the engine. */
export async function unmarkedSql(
  engine: Engine,
  name: string,
  positions: Positions | readonly number[],
): Promise<string> {
  const last = positions.at(-1)
  if (last === undefined) return 'true'
  // A power of two, so that a row's place in its page is a mask.
  const pageRows = Math.min(PAGE_ROWS_MAX, 2 ** Math.max(3, Math.ceil(Math.log2(last + 1))))
  const pages = pagesOf(positions, pageRows)
  const isText = pages.size * (pageRows / 8) <= TEXT_BYTES_MAX
  if (!isText) {
    await engine.run(`CREATE TEMP TABLE ${name} (page INTEGER, bytes BLOB)`)
    await engine.append(name, ['page', 'bytes'], pages)
  }
  for (const [page, bits] of pages) {
    const bytes = isText
      ? `from_base64(${quoteText(Buffer.from(bits.buffer).toString('base64'))})`
      : `(SELECT bytes FROM ${name} WHERE page = ${page})`
    await engine.run(`SET VARIABLE ${name}_${page} = CAST(${bytes} AS BIT)`)
  }
  const pageSql = (page: number): string =>
    pages.has(page)
      ? `get_bit(getvariable(${quoteText(`${name}_${page}`)}), CAST(r.file_row_number & ${pageRows - 1} AS INTEGER))`
      : '0'
  // All pages behind the last are as one without dead rows: a file may have more rows than anybody says.
  return `${treeSql({ first: 0, last: Math.floor(last / pageRows) + 1 }, pageRows, pageSql)} = 0`
}

/** The pages that have dead rows, by number; a bit a row. `BIT` counts from the highest bit of the first byte. */
function pagesOf(
  positions: Positions | readonly number[],
  pageRows: number,
): ReadonlyMap<number, Uint8Array<ArrayBuffer>> {
  const pages = new Map<number, Uint8Array<ArrayBuffer>>()
  let [end, bits] = [0, new Uint8Array()]
  for (const position of positions) {
    if (position >= end) {
      const page = Math.floor(position / pageRows)
      end = (page + 1) * pageRows
      bits = new Uint8Array(pageRows / 8)
      pages.set(page, bits)
    }
    const row = position % pageRows
    bits[row >> 3] = (bits[row >> 3] ?? 0) | (0x80 >> (row & 7))
  }
  return pages
}

function treeSql(
  { first, last }: { readonly first: number; readonly last: number },
  pageRows: number,
  pageSql: (page: number) => string,
): string {
  if (first === last) return pageSql(first)
  const middle = (first + last + 1) >> 1
  const low = treeSql({ first, last: middle - 1 }, pageRows, pageSql)
  const high = treeSql({ first: middle, last }, pageRows, pageSql)
  // Stretches without dead rows are one.
  return low === high ? low : `CASE WHEN r.file_row_number < ${middle * pageRows} THEN ${low} ELSE ${high} END`
}
