// Several sums of whole numbers in one HUGEINT, each in bits of its own: DuckDB adds up one running sum as fast as another, however wide it
// is, and a window with two averages has four. Sums of packed numbers are the packed sums, so they are taken apart only where they are asked for.
import { type Engine, quoteName } from '@tributary/delta'

/** A number of each row that is to be summed. */
export interface Summand {
  /** SQL of it; never NULL. */
  readonly sql: string
  /** It is an integer, and may be packed. */
  readonly isWhole: boolean
}

/** Columns to sum instead. */
export interface PackedSums {
  /** SQL of each column to be summed. */
  readonly columns: readonly string[]
  /** SQL of each summand's sum, from the sums of the columns under the names `column(0)`, `column(1)`… */
  readonly sums: (column: (index: number) => string) => readonly string[]
}

/** A HUGEINT has 127 bits besides its sign; one stays free. */
const BITS_MAX = 126

/** Chooses what goes together by the largest value of each summand over the rows of a table. */
export async function packSums(engine: Engine, table: string, summands: readonly Summand[]): Promise<PackedSums> {
  const most = summands.map(({ sql, isWhole }, index) => `${isWhole ? `max(abs(${sql}))` : 'NULL'} AS m${index}`)
  const [row] = await engine.all(`SELECT count(*) AS n, ${most.join(', ')} FROM ${quoteName(table)}`)
  // What was added may be taken away again before the sum is whole: so a sum on its way holds each row twice at most.
  const count = 2n * BigInt(String(row?.['n'] ?? 0)) + 1n
  const widths = summands.map(({ isWhole }, index) => {
    const value = row?.[`m${index}`]
    return isWhole ? bitsOf(count * BigInt(String(value ?? 0))) + 1 : undefined
  })
  return layOut(summands, widths)
}

function bitsOf(value: bigint): number {
  return value.toString(2).length
}

/** Where the sum of a summand is: all of a column, or some bits of it. */
type Place = { readonly column: number; readonly bits?: { readonly offset: number; readonly width: number } }

/** Pure: puts each summand into the first column that has room for it; one of unknown width gets a column of its own. */
export function layOut(summands: readonly Summand[], widths: readonly (number | undefined)[]): PackedSums {
  const [columns, used]: [string[], number[]] = [[], []]
  const places = summands.map(({ sql }, index): Place => {
    const width = widths[index]
    const free = width === undefined ? -1 : used.findIndex((bits) => bits + width <= BITS_MAX)
    const column = free < 0 ? columns.length : free
    if (width === undefined || width > BITS_MAX) {
      columns.push(sql)
      used.push(BITS_MAX)
      return { column: columns.length - 1 }
    }
    const offset = used[column] ?? 0
    const part = `CAST(${sql} AS HUGEINT)${offset === 0 ? '' : ` * ${power(offset)}`}`
    columns[column] = offset === 0 ? part : `${columns[column]} + ${part}`
    used[column] = offset + width
    return { column, bits: { offset, width } }
  })
  return {
    columns,
    sums: (nameOf) => places.map((place) => placeSql(place, nameOf(place.column), biasOf(place.column, places))),
  }
}

// With half of each field's range added to it no field is below zero, and none borrows from its neighbour.
function biasOf(column: number, places: readonly Place[]): string {
  const halves = places.map(({ column: other, bits }) =>
    other === column && bits !== undefined ? 1n << BigInt(bits.offset + bits.width - 1) : 0n,
  )
  return `${halves.reduce((sum, half) => sum + half, 0n)}::HUGEINT`
}

function placeSql({ bits }: Place, name: string, bias: string): string {
  if (bits === undefined) return name
  const { offset, width } = bits
  return `(((${name} + ${bias}) >> ${offset}) & (${power(width)} - 1)) - ${power(width - 1)}`
}

function power(bits: number): string {
  return `${1n << BigInt(bits)}::HUGEINT`
}
