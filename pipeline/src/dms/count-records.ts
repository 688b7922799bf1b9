// The independent witness of law 3: counts the records of a CSV file by its own byte machine and shares nothing with the
// readers that apply rows. A quote opens a field only as the field's first byte (RFC 4180); inside, only a quote ends it.
//
//   start --quote--> quoted --quote--> closing --quote--> quoted      start, plain, closing --row delimiter--> start (+1)
//     '---other----> plain               '-----other----> plain       start, plain, closing --delimiter------> start
import { isUtf8 } from 'node:buffer'
import type { Dialect } from './dialect.ts'

/** What the counter saw. */
export interface RecordCount {
  /** Records, a header and blank ones included. */
  readonly records: number
  /** Whether the row delimiter stands after the last record; true for an empty file. */
  readonly isTerminated: boolean
  readonly hasUnclosedQuote: boolean
  /** Records without a byte. */
  readonly blankRecords: number
  /** A carriage return outside quotes that is no part of the row delimiter. */
  readonly hasBareCarriageReturn: boolean
  readonly isUtf8: boolean
  readonly hasNul: boolean
  /** For transaction files: records by `schema.table`. */
  readonly byTable: ReadonlyMap<string, number>
}

export interface RecordCounter {
  /** Keeps nothing of the chunk, which may be filled anew afterwards. */
  readonly update: (chunk: Buffer) => void
  readonly finish: () => RecordCount
}

const QUOTE = 0x22
const CARRIAGE_RETURN = 0x0d
const START = 0
const PLAIN = 1
const QUOTED = 2
const CLOSING = 3

/** Starts a count. `byTable` also counts by the table and schema in a transaction record's second and third field. */
export function recordCounter(dialect: Dialect, { byTable }: { readonly byTable: boolean }): RecordCounter {
  const machine = startMachine(dialect, byTable)
  const { delimiter, rowDelimiter, tables } = machine
  const lookAhead = Math.max(delimiter.length, rowDelimiter.length) - 1
  const text = utf8Check()
  let hasNul = false
  let carry: Buffer = Buffer.alloc(0)
  return {
    update: (chunk) => {
      text.update(chunk)
      if (!hasNul) hasNul = chunk.includes(0)
      const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk])
      carry = Buffer.from(bytes.subarray(scan(machine, bytes, Math.max(0, bytes.length - lookAhead))))
    },
    finish: () => {
      scan(machine, carry, carry.length)
      const isTerminated = machine.recordBytes === 0
      if (!isTerminated) {
        tables?.field(carry, 0, 0)
        tables?.record()
      }
      return {
        records: machine.records + (isTerminated ? 0 : 1),
        isTerminated,
        hasUnclosedQuote: machine.state === QUOTED,
        blankRecords: machine.blankRecords,
        hasBareCarriageReturn: machine.hasBareCarriageReturn,
        isUtf8: text.finish(),
        hasNul,
        byTable: tables?.counts ?? new Map(),
      }
    },
  }
}

interface Machine {
  readonly delimiter: Buffer
  readonly rowDelimiter: Buffer
  readonly isQuoted: boolean
  /** Bytes at which the machine has to look; the rest is skipped in a tight loop. */
  readonly isSpecial: Uint8Array
  readonly tables: TableCounter | undefined
  state: number
  records: number
  blankRecords: number
  /** Bytes of the record that is open. */
  recordBytes: number
  hasBareCarriageReturn: boolean
}

function startMachine({ delimiter, rowDelimiter, isQuoted }: Dialect, byTable: boolean): Machine {
  const isSpecial = new Uint8Array(256)
  const [field, record] = [Buffer.from(delimiter), Buffer.from(rowDelimiter)]
  for (const byte of [field[0], record[0], CARRIAGE_RETURN]) if (byte !== undefined) isSpecial[byte] = 1
  if (isQuoted) isSpecial[QUOTE] = 1
  const tables = byTable ? tableCounter(isQuoted) : undefined
  const counts = { state: START, records: 0, blankRecords: 0, recordBytes: 0, hasBareCarriageReturn: false }
  return { delimiter: field, rowDelimiter: record, isQuoted, isSpecial, tables, ...counts }
}

/** Runs the machine over `bytes` up to `end` and says how far it came: past `end` where a delimiter began before it. */
function scan(machine: Machine, bytes: Buffer, end: number): number {
  const { delimiter, rowDelimiter, isQuoted, isSpecial, tables } = machine
  const plain = plainBytes(machine, bytes, end)
  let { state } = machine
  let at = 0
  let fieldFrom = 0
  while (at < end) {
    if (state === START && tables === undefined) {
      at = plain.pass(at)
      if (at >= end) break
    }
    if (state === QUOTED) {
      const quote = bytes.indexOf(QUOTE, at)
      const isInside = quote === -1 || quote >= end
      at = isInside ? end : quote + 1
      if (!isInside) state = CLOSING
      continue
    }
    const byte = bytes[at] ?? 0
    if (isSpecial[byte] === 0) {
      state = PLAIN
      at += 1
      while (at < end && isSpecial[bytes[at] ?? 0] === 0) at += 1
    } else if (byte === rowDelimiter[0] && startsAt(bytes, at, rowDelimiter)) {
      tables?.field(bytes, fieldFrom, at)
      tables?.record()
      at = plain.endRecord(at)
      fieldFrom = at
      state = START
    } else if (byte === delimiter[0] && startsAt(bytes, at, delimiter)) {
      tables?.field(bytes, fieldFrom, at)
      at += delimiter.length
      fieldFrom = at
      state = START
    } else {
      if (byte === CARRIAGE_RETURN) machine.hasBareCarriageReturn = true
      state = isQuoted && byte === QUOTE && state !== PLAIN ? QUOTED : PLAIN
      at += 1
    }
  }
  machine.state = state
  machine.recordBytes = at - plain.recordFrom()
  tables?.part(bytes, fieldFrom, at)
  return at
}

interface PlainBytes {
  /** Takes the start of a field and returns the start of the first one that needs the machine, which may be the same. */
  readonly pass: (from: number) => number
  /** Counts the record whose delimiter is at `at`, and returns where the next one starts. */
  readonly endRecord: (at: number) => number
  /** Where the open record starts: negative when that was in an earlier chunk. */
  readonly recordFrom: () => number
}

/**
 * Passes over what has neither quote nor carriage return: only the ends of records matter there, and the next field that begins with a
 * quote. indexOf finds these several times faster than the machine.
 */
function plainBytes(machine: Machine, bytes: Buffer, end: number): PlainBytes {
  const { delimiter, rowDelimiter, isQuoted } = machine
  const first = rowDelimiter[0] ?? 0
  let recordFrom = -machine.recordBytes
  // The next one of each; `end` when there is none before it, so that it is not looked for again at each field.
  let [rowAt, quoteAt, returnAt] = [-1, isQuoted ? -1 : end, first === CARRIAGE_RETURN ? end : -1]
  const next = (byte: number, from: number): number => {
    const found = bytes.indexOf(byte, from)
    return found === -1 || found > end ? end : found
  }
  const endRecord = (at: number): number => {
    machine.records += 1
    if (at === recordFrom) machine.blankRecords += 1
    recordFrom = at + rowDelimiter.length
    return recordFrom
  }
  const pass = (from: number): number => {
    let at = from
    let row = rowAt
    while (at < end) {
      if (quoteAt < at) quoteAt = next(QUOTE, at)
      if (returnAt < at) returnAt = next(CARRIAGE_RETURN, at)
      if (row < at) {
        row = bytes.indexOf(first, at)
        if (row === -1) row = end
      }
      if (row >= quoteAt || row >= returnAt || row >= end || !startsAt(bytes, row, rowDelimiter)) break
      at = endRecord(row)
    }
    rowAt = row
    // Of a longer delimiter only the machine can say whether it ends right before the quote.
    const isField = delimiter.length === 1 && bytes[quoteAt - 1] === delimiter[0]
    return isField && quoteAt > at && quoteAt < row && quoteAt < returnAt ? quoteAt : at
  }
  return { pass, endRecord, recordFrom: () => recordFrom }
}

function startsAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let offset = 1; offset < wanted.length; offset += 1) if (bytes[at + offset] !== wanted[offset]) return false
  return true
}

/** Checks UTF-8 over chunk borders: a character cut by one waits for its other bytes. */
function utf8Check(): { readonly update: (chunk: Buffer) => void; readonly finish: () => boolean } {
  let rest: Buffer = Buffer.alloc(0)
  let isValid = true
  return {
    update: (chunk) => {
      if (!isValid) return
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const cut = characterStart(bytes)
      isValid = isUtf8(bytes.subarray(0, cut))
      rest = Buffer.from(bytes.subarray(cut))
    },
    finish: () => isValid && isUtf8(rest),
  }
}

function characterStart(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte >= 0xc0) return bytes.length - back
    if (byte < 0x80) break
  }
  return bytes.length
}

interface TableCounter {
  readonly counts: Map<string, number>
  readonly field: (bytes: Buffer, from: number, to: number) => void
  readonly part: (bytes: Buffer, from: number, to: number) => void
  readonly record: () => void
}

// Keeps the text of a record's second and third field, in parts where a chunk ends inside.
function tableCounter(isQuoted: boolean): TableCounter {
  const counts = new Map<string, number>()
  let fields: string[] = []
  let text = ''
  const part = (bytes: Buffer, from: number, to: number): void => {
    if (fields.length < 3) text += bytes.toString('latin1', from, to)
  }
  return {
    counts,
    part,
    field: (bytes, from, to) => {
      part(bytes, from, to)
      if (fields.length < 3) fields.push(text)
      text = ''
    },
    record: () => {
      const [table = '', schema = ''] = fields.slice(1).map((field) => plainText(field, isQuoted))
      const name = `${schema}.${table}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
      fields = []
    },
  }
}

function plainText(latin1: string, isQuoted: boolean): string {
  const text = Buffer.from(latin1, 'latin1').toString('utf8')
  return isQuoted && text.startsWith('"')
    ? text.slice(1, text.endsWith('"') ? -1 : undefined).replaceAll('""', '"')
    : text
}
