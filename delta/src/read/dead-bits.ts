// The dead rows of a file as bits that DuckDB looks each row up in: `get_bit(bits, row)`.
//
// DuckDB copies a constant anew for every 2,048 rows that it looks at, so to copy the bits of a large file costs more than to ask them: that grows
// with the square of its rows. So they are cut into pages, and a row finds its page by a tree of CASE. Rows that are looked at together lie
// in one page but for a few, so a level of the tree is one comparison a row, and no other page is copied.

import type { Positions } from '../deletion-vectors/bitmap.ts'
import type { Engine } from '../duckdb/engine.ts'
import { quoteText } from '../duckdb/sql.ts'

/** The bits of the files of one scan, which go to DuckDB together: to make a table for each would take as long as to fill it. */
export interface DeadBits {
  /** SQL over `r`, true for rows that are not among these; to be run after `handOver`. */
  readonly unmarkedSql: (positions: Positions | readonly number[]) => string
  /** Puts a table and variables on the engine's connection. */
  readonly handOver: () => Promise<void>
}

// 128 KiB of bits. Fewer copy less and compare more (decision 4).
const PAGE_ROWS_MAX = 2 ** 20

/** No bits yet; `name` is new to the connection. */
export function deadBits(engine: Engine, name: string): DeadBits {
  const pages: Bits[] = []
  const bitSql = (bits: Bits, rows: number): string => {
    pages.push(bits)
    return `get_bit(getvariable(${quoteText(`${name}_${pages.length - 1}`)}), CAST(r.file_row_number & ${rows - 1} AS INTEGER))`
  }
  return {
    unmarkedSql: (positions) => {
      const last = positions.at(-1)
      if (last === undefined) return 'true'
      const { rows, byNumber } = recallPages(positions, last)
      const pageSql = (page: number): string => {
        const bits = byNumber.get(page)
        return bits === undefined ? '0' : bitSql(bits, rows)
      }
      // All pages behind the last are as one without dead rows: a file may have more rows than anybody says.
      return `${treeSql({ first: 0, last: Math.floor(last / rows) + 1 }, rows, pageSql)} = 0`
    },
    handOver: () => setVariables(engine, name, pages),
  }
}

type Bits = Uint8Array<ArrayBuffer>

interface Pages {
  /** Of each page: a power of two, so that a row's place in its page is a mask. */
  readonly rows: number
  /** Pages without dead rows are missing. */
  readonly byNumber: ReadonlyMap<number, Bits>
}

// Vectors are recalled by whoever reads a table again, and never change.
const known = new WeakMap<object, Pages>()
// Few rows far apart are not worth the memory: their bits are made at once.
const REMEMBERED_BYTES_A_ROW = 64

function recallPages(positions: Positions | readonly number[], last: number): Pages {
  const before = known.get(positions)
  if (before !== undefined) return before
  const pages = pagesOf(positions, last)
  if ((pages.byNumber.size * pages.rows) / 8 <= positions.length * REMEMBERED_BYTES_A_ROW) known.set(positions, pages)
  return pages
}

/** A bit a row. `BIT` counts from the highest bit of the first byte. */
function pagesOf(positions: Positions | readonly number[], last: number): Pages {
  const rows = Math.min(PAGE_ROWS_MAX, 2 ** Math.max(3, Math.ceil(Math.log2(last + 1))))
  const byNumber = new Map<number, Bits>()
  let [end, bits] = [0, new Uint8Array()]
  for (const position of positions) {
    if (position >= end) {
      const page = Math.floor(position / rows)
      end = (page + 1) * rows
      bits = new Uint8Array(rows / 8)
      byNumber.set(page, bits)
    }
    const row = position % rows
    bits[row >> 3] = (bits[row >> 3] ?? 0) | (0x80 >> (row & 7))
  }
  return { rows, byNumber }
}

function treeSql(
  { first, last }: { readonly first: number; readonly last: number },
  rows: number,
  pageSql: (page: number) => string,
): string {
  if (first === last) return pageSql(first)
  const middle = (first + last + 1) >> 1
  const low = treeSql({ first, last: middle - 1 }, rows, pageSql)
  const high = treeSql({ first: middle, last }, rows, pageSql)
  // Stretches without dead rows are one.
  return low === high ? low : `CASE WHEN r.file_row_number < ${middle * rows} THEN ${low} ELSE ${high} END`
}

// So many bytes are written into a statement, which spares a table; more would cost more to parse.
const TEXT_BYTES_MAX = 4096

async function setVariables(engine: Engine, name: string, pages: readonly Bits[]): Promise<void> {
  const isText = pages.reduce((sum, { length }) => sum + length, 0) <= TEXT_BYTES_MAX
  if (!isText) {
    await engine.run(`CREATE TEMP TABLE ${name} (page INTEGER, bytes BLOB)`)
    await engine.append(name, ['page', 'bytes'], pages.entries())
  }
  for (const [page, bits] of pages.entries()) {
    const bytes = isText
      ? `from_base64(${quoteText(Buffer.from(bits.buffer).toString('base64'))})`
      : `(SELECT bytes FROM ${name} WHERE page = ${page})`
    await engine.run(`SET VARIABLE ${name}_${page} = CAST(${bytes} AS BIT)`)
  }
}
