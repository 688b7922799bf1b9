// Reads the live rows of data files and writes them as a run.
import { type AddFile, type Engine, quoteName, quoteText, type Snapshot, scanSql, type Vectors } from '@tributary/delta'
import { type EntryShape, type KeyHashes, SEQUENCE_BYTES_MAX, writeOrder, writePlace } from './entry.ts'
import { HALVES, hashSql } from './key-hash.ts'
import type { IndexSubject, Manifest } from './manifest.ts'
import { type RunWriter, writeRun } from './write-run.ts'

/** What came of writing a run. */
export type WrittenRun =
  | { readonly kind: 'written'; readonly entries: number }
  | { readonly kind: 'unusable'; readonly why: NonNullable<Manifest['unusable']> }

/** Writes the keys of some files of a snapshot to a new run. The engine gets temporary tables: a fork of its own is best. */
export async function writeEntries(
  engine: Engine,
  {
    snapshot,
    files,
    subject,
    salt,
  }: {
    readonly snapshot: Snapshot
    readonly files: readonly AddFile[]
    readonly subject: IndexSubject
    readonly salt: string
  },
  path: string,
): Promise<WrittenRun> {
  const { sequence } = subject
  const key = subject.key.map(([name]) => name)
  const scan = await scanSql(engine, snapshot, {
    columns: [...new Set([...key, ...(sequence === null ? [] : [sequence[0]])])],
    files,
    withPlace: true,
    extraColumns: sequence === null ? [] : ORDER_COLUMNS,
  })
  const numbers = files.map(({ path: name }, at) => `(${quoteText(name)}, ${at})`).join(', ')
  // NULL is no key: nothing is equal to it.
  const isKey = key.map((name) => `s.${quoteName(name)} IS NOT NULL`).join(' AND ')
  const rows = `SELECT ${hashSql(subject.key, salt, 's')} AS h, v.number::UBIGINT AS file, s."__position"::UBIGINT AS position${
    sequence === null
      ? ''
      : `, s."__file", s."__row", CAST(${sequence[1] === 'string' ? `nullif(s.${quoteName(sequence[0])}, '')` : `s.${quoteName(sequence[0])}`} AS VARCHAR) AS seq`
  } FROM (${scan}) s JOIN (VALUES ${numbers}) v(path, number) ON v.path = s."__path" WHERE ${isKey}`
  const names = files.map((file) => file.path)
  if (sequence === null)
    return collect(engine, `SELECT ${HALVES}, file, position FROM (${rows}) ORDER BY hi, lo`, {
      path,
      shape: { sequenceBytes: undefined },
      files: names,
      landings: [],
    })
  await engine.run(`CREATE OR REPLACE TEMP TABLE indexed AS ${rows}`)
  const [widest] = await engine.all('SELECT max(strlen(seq)) AS bytes FROM indexed')
  const sequenceBytes = Number(widest?.['bytes'] ?? 0)
  if (sequenceBytes > SEQUENCE_BYTES_MAX) return { kind: 'unusable', why: 'long sequences' }
  const landings = await engine.all(
    'SELECT DISTINCT "__file" AS name FROM indexed WHERE "__file" IS NOT NULL ORDER BY 1',
  )
  await engine.run('CREATE OR REPLACE TEMP TABLE landings (name VARCHAR, number BIGINT)')
  await engine.append(
    'landings',
    ['name', 'number'],
    landings.map(({ name }, at) => [String(name), at + 1]),
  )
  return collect(
    engine,
    `SELECT ${HALVES}, file, position, coalesce(l.number, 0)::UBIGINT, coalesce("__row", 0)::UBIGINT, seq
      FROM indexed LEFT JOIN landings l ON l.name = "__file" ORDER BY hi, lo`,
    { path, shape: { sequenceBytes }, files: names, landings: landings.map(({ name }) => String(name)) },
  )
}

const ORDER_COLUMNS = [
  { name: '__file', type: 'string' },
  { name: '__row', type: 'long' },
] as const

interface Target {
  readonly path: string
  readonly shape: EntryShape
  readonly files: readonly string[]
  readonly landings: readonly string[]
}

async function collect(engine: Engine, sql: string, { path, shape, files, landings }: Target): Promise<WrittenRun> {
  const writer = writeRun(path, shape)
  let isWhole = false
  try {
    let last: readonly [bigint, bigint] | undefined
    for await (const rows of engine.streamVectors(sql)) {
      if (hasRepeat(rows, last)) return { kind: 'unusable', why: 'duplicate keys' }
      last = [rows.numbers(0).at(-1) ?? 0n, rows.numbers(1).at(-1) ?? 0n]
      writeRows(writer, rows, shape)
    }
    const entries = writer.entries()
    writer.finish({ files, landings })
    isWhole = true
    return { kind: 'written', entries }
  } finally {
    if (!isWhole) writer.abandon()
  }
}

function hasRepeat(rows: Vectors, last: readonly [bigint, bigint] | undefined): boolean {
  const [hi, lo] = [rows.numbers(0), rows.numbers(1)]
  if (last !== undefined && hi[0] === last[0] && lo[0] === last[1]) return true
  for (let at = 1; at < hi.length; at++) if (hi[at] === hi[at - 1] && lo[at] === lo[at - 1]) return true
  return false
}

function writeRows(writer: RunWriter, rows: Vectors, shape: EntryShape): void {
  const hashes = hashesOf(rows)
  const [files, positions] = [halvesOf(rows.numbers(2)), rows.numbers(3)]
  const hasOrder = shape.sequenceBytes !== undefined
  const landings = hasOrder ? rows.numbers(4) : undefined
  const places = hasOrder ? rows.numbers(5) : undefined
  const sequences = hasOrder ? rows.texts(6) : []
  for (let at = 0; at < rows.rowCount; at++) {
    const { bytes, offset } = writer.next()
    writePlace(bytes, offset, { hashes, at, file: files[at * 2] ?? 0, position: Number(positions[at] ?? 0n) })
    if (!hasOrder) continue
    const landing = Number(landings?.[at] ?? 0n)
    const order = {
      landing: landing === 0 ? undefined : landing - 1,
      row: Number(places?.[at] ?? 0n),
      sequence: sequences[at] ?? null,
    }
    writeOrder(bytes, offset, { order, shape })
  }
}

/** The hashes in columns 0 and 1. */
export function hashesOf(rows: Vectors): KeyHashes {
  const [hi, lo] = [halvesOf(rows.numbers(0)), halvesOf(rows.numbers(1))]
  const words = new Uint32Array(rows.rowCount * 4)
  for (let at = 0; at < rows.rowCount; at++) {
    words[at * 4] = hi[at * 2 + 1] ?? 0
    words[at * 4 + 1] = hi[at * 2] ?? 0
    words[at * 4 + 2] = lo[at * 2 + 1] ?? 0
    words[at * 4 + 3] = lo[at * 2] ?? 0
  }
  return { words, count: rows.rowCount }
}

/** The same numbers as pairs of words, the lower first: all machines that Node runs on keep them so. */
function halvesOf(numbers: BigUint64Array): Uint32Array {
  return new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length * 2)
}
