// Thrift's compact protocol, both ways and without a schema: Parquet's footers and page headers, of which a few fields are changed and
// all others go through as they are. github.com/apache/thrift, "thrift-compact-protocol.md".

/** A struct: its fields in order, each with its number. */
export interface ThriftStruct {
  readonly fields: readonly ThriftField[]
}

export interface ThriftField {
  readonly id: number
  readonly value: ThriftValue
}

export type ThriftValue =
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** `type` is the protocol's number of the width: 8, 16, 32 or 64 bits. */
  | { readonly kind: 'integer'; readonly type: number; readonly value: bigint }
  | { readonly kind: 'double'; readonly bytes: Uint8Array }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'list'; readonly type: number; readonly items: readonly ThriftValue[] }
  | { readonly kind: 'struct'; readonly struct: ThriftStruct }

const [TRUE, FALSE, I8, I64, DOUBLE, BINARY, LIST, SET, STRUCT] = [1, 2, 3, 6, 7, 8, 9, 10, 12]
const DEPTH_MAX = 32

/** Read the struct at the start of some bytes, and tell how many it takes. Throws a `RangeError` where there is none. */
export function readStruct(bytes: Uint8Array): { readonly struct: ThriftStruct; readonly length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0

  const byte = (): number => view.getUint8(at++)
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const next = byte()
      value |= BigInt(next & 0x7f) << shift
      if (next < 0x80) return value
    }
    throw new RangeError('a number of more than 64 bits')
  }
  const zigzag = (): bigint => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('the end of the bytes')
    at += length
    return bytes.subarray(at - length, at)
  }
  const list = (depth: number): ThriftValue => {
    const head = byte()
    const count = head >>> 4 === 15 ? Number(varint()) : head >>> 4
    // Each item takes a byte at least.
    if (count > bytes.length - at) throw new RangeError('a list longer than the bytes')
    const items: ThriftValue[] = []
    for (let index = 0; index < count; index++) {
      const type = head & 15
      items.push(type === TRUE || type === FALSE ? { kind: 'boolean', value: byte() === TRUE } : value(type, depth))
    }
    return { kind: 'list', type: head & 15, items }
  }
  const value = (type: number, depth: number): ThriftValue => {
    if (type === TRUE || type === FALSE) return { kind: 'boolean', value: type === TRUE }
    if (type === I8) return { kind: 'integer', type, value: BigInt(view.getInt8(at++)) }
    if (type > I8 && type <= I64) return { kind: 'integer', type, value: zigzag() }
    if (type === DOUBLE) return { kind: 'double', bytes: take(8) }
    if (type === BINARY) return { kind: 'bytes', bytes: take(Number(varint())) }
    if (type === LIST || type === SET) return list(depth + 1)
    if (type === STRUCT) return { kind: 'struct', struct: struct(depth + 1) }
    throw new RangeError(`a field of type ${type}`)
  }
  const struct = (depth: number): ThriftStruct => {
    if (depth > DEPTH_MAX) throw new RangeError('structs nested too deep')
    const fields: ThriftField[] = []
    let id = 0
    for (let head = byte(); head !== 0; head = byte()) {
      id = head >>> 4 === 0 ? Number(zigzag()) : id + (head >>> 4)
      fields.push({ id, value: value(head & 15, depth) })
    }
    return { fields }
  }
  return { struct: struct(0), length: at }
}

/** The bytes of a struct. */
export function encodeStruct(struct: ThriftStruct): Uint8Array {
  const out: number[] = []
  writeStruct(out, struct)
  return Uint8Array.from(out)
}

function writeStruct(out: number[], { fields }: ThriftStruct): void {
  let previous = 0
  for (const { id, value } of fields) {
    const delta = id - previous
    const type = typeOf(value)
    if (delta > 0 && delta <= 15) out.push((delta << 4) | type)
    else {
      out.push(type)
      writeVarint(out, zigzagOf(BigInt(id)))
    }
    if (value.kind !== 'boolean') writeValue(out, value)
    previous = id
  }
  out.push(0)
}

function typeOf(value: ThriftValue): number {
  switch (value.kind) {
    case 'boolean':
      return value.value ? TRUE : FALSE
    case 'integer':
      return value.type
    case 'double':
      return DOUBLE
    case 'bytes':
      return BINARY
    case 'list':
      return LIST
    case 'struct':
      return STRUCT
  }
}

function writeValue(out: number[], value: ThriftValue): void {
  switch (value.kind) {
    case 'boolean':
      out.push(value.value ? TRUE : FALSE)
      return
    case 'integer':
      if (value.type === I8) out.push(Number(value.value) & 0xff)
      else writeVarint(out, zigzagOf(value.value))
      return
    case 'double':
      for (const byte of value.bytes) out.push(byte)
      return
    case 'bytes':
      writeVarint(out, BigInt(value.bytes.length))
      for (const byte of value.bytes) out.push(byte)
      return
    case 'list':
      out.push((Math.min(value.items.length, 15) << 4) | value.type)
      if (value.items.length >= 15) writeVarint(out, BigInt(value.items.length))
      for (const item of value.items) writeValue(out, item)
      return
    case 'struct':
      writeStruct(out, value.struct)
  }
}

function zigzagOf(value: bigint): bigint {
  return value < 0n ? -value * 2n - 1n : value * 2n
}

function writeVarint(out: number[], value: bigint): void {
  let left = value
  for (; left >= 0x80n; left >>= 7n) out.push(Number(left & 0x7fn) | 0x80)
  out.push(Number(left))
}
