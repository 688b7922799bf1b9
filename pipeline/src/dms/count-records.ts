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
  const simple = simpleRecords(machine, bytes, end)
  let { state } = machine
  let at = 0
  let recordFrom = -machine.recordBytes
  let fieldFrom = 0
  while (at < end) {
    if (at === recordFrom && tables === undefined) {
      at = simple(at)
      recordFrom = at
      fieldFrom = at
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
      machine.records += 1
      if (at === recordFrom) machine.blankRecords += 1
      at += rowDelimiter.length
      recordFrom = at
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
  machine.recordBytes = at - recordFrom
  tables?.part(bytes, fieldFrom, at)
  return at
}

/**
 * Passes over records that have neither quote nor carriage return: only their end matters, and indexOf finds it several
 * times faster than the machine. Takes the start of a record and returns the start of the first that needs the machine.
 */
function simpleRecords(machine: Machine, bytes: Buffer, end: number): (from: number) => number {
  const { rowDelimiter, isQuoted } = machine
  const first = rowDelimiter[0] ?? 0
  // The next one of each; -1 when there is none, so that it is not looked for again at each record.
  let quoteAt = isQuoted ? -2 : -1
  let returnAt = first === CARRIAGE_RETURN ? -1 : -2
  return (from) => {
    let at = from
    while (at < end) {
      if (quoteAt !== -1 && quoteAt < at) quoteAt = bytes.indexOf(QUOTE, at)
      if (returnAt !== -1 && returnAt < at) returnAt = bytes.indexOf(CARRIAGE_RETURN, at)
      const rowEnd = bytes.indexOf(first, at)
      const isPlain = (quoteAt === -1 || quoteAt > rowEnd) && (returnAt === -1 || returnAt > rowEnd)
      if (rowEnd === -1 || rowEnd >= end || !isPlain || !startsAt(bytes, rowEnd, rowDelimiter)) return at
      machine.records += 1
      if (rowEnd === at) machine.blankRecords += 1
      at = rowEnd + rowDelimiter.length
    }
    return at
  }
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
