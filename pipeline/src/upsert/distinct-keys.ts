// That keys are distinct is proved by grouping the rows by them, which takes a hash table of all keys. Keys of whole numbers that lie
// close together, as most sources count them up, need a bit each: as many bits are set as there are rows if and only if no key comes twice.
import { type Engine, type EngineValue, quoteName, type StructType } from '@tributary/delta'

// 32 MiB of bits for each of DuckDB's threads, and no more for few rows than a hash table would take.
const SLOTS_MAX = 2n ** 28n
const SLOTS_PER_ROW_MAX = 64n

/** Whether `scan` (a SELECT) was proved to have no key twice; false also where that cannot be told in this way. */
export async function areDistinct(
  engine: Engine,
  scan: string,
  { schema, key }: { readonly schema: StructType; readonly key: readonly string[] },
): Promise<boolean> {
  const whole = new Set(schema.fields.filter(({ type }) => isWhole(type)).map(({ name }) => name))
  if (!key.every((column) => whole.has(column))) return false
  const ends = key.flatMap((column, at) => [
    `min(${quoteName(column)})::BIGINT AS min${at}`,
    `max(${quoteName(column)})::BIGINT AS max${at}`,
  ])
  const [bounds] = await engine.all(`SELECT count(*) AS n, ${ends.join(', ')} FROM (${scan})`)
  const rows = wholeOf(bounds?.['n']) ?? 0n
  let [slot, slots] = ['0', 1n]
  for (const [at, column] of key.entries()) {
    const [min, max] = [wholeOf(bounds?.[`min${at}`]), wholeOf(bounds?.[`max${at}`])]
    if (min === undefined || max === undefined) return false
    const span = max - min + 1n
    slots *= span
    if (slots > SLOTS_MAX || slots > rows * SLOTS_PER_ROW_MAX) return false
    slot = `(${slot} * ${span} + CAST(${quoteName(column)}::BIGINT - (${min}) AS BIGINT))`
  }
  // A NULL has no slot: there are fewer bits than rows then.
  const [bits] = await engine.all(
    `SELECT bit_count(bitstring_agg(CAST(${slot} AS BIGINT), 0, ${slots - 1n}))::BIGINT AS n FROM (${scan})`,
  )
  return wholeOf(bits?.['n']) === rows
}

function isWhole(type: unknown): boolean {
  return type === 'long' || type === 'integer' || type === 'short' || type === 'byte'
}

function wholeOf(value: EngineValue | undefined): bigint | undefined {
  return typeof value === 'bigint' ? value : undefined
}
