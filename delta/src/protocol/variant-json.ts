// A variant as JSON text. Its two texts of bytes are those of Parquet's VariantEncoding.md: `metadata` is a dictionary of the names of
// fields, `value` a tree in which each value tells its own type. Times, dates and bytes become texts as in any other column.

/** Said of a variant whose bytes are no such thing. */
export class VariantDamage extends Error {}

const DEPTH_MAX = 200

/** The JSON text of a variant. Throws `VariantDamage`. */
export function variantJson(metadata: Uint8Array, value: Uint8Array): string {
  return encodeValue(bytesOf(value), {
    nameOf: readNames(bytesOf(metadata)),
    depth: 0,
    budget: { bytes: value.length },
  })
}

interface Context {
  readonly nameOf: (id: number) => string
  readonly depth: number
  /** What is left of the bytes: values that overlap would let a few of them grow without bound. */
  readonly budget: { bytes: number }
}

function spend({ budget }: Context, bytes: number): void {
  budget.bytes -= bytes
  if (budget.bytes < 0) throw new VariantDamage('its values overlap')
}

/** Little-endian bytes that complain where they end. */
interface Bytes {
  readonly length: number
  readonly view: DataView
  readonly unsigned: (offset: number, width: number) => number
  readonly part: (start: number, length: number) => Bytes
  readonly text: () => string
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function bytesOf(array: Uint8Array): Bytes {
  const view = new DataView(array.buffer, array.byteOffset, array.length)
  const part = (start: number, length: number): Bytes => {
    if (start + length > array.length) throw new VariantDamage('it ends in the middle of a value')
    return bytesOf(array.subarray(start, start + length))
  }
  return {
    length: array.length,
    view,
    unsigned: (offset, width) => {
      if (offset + width > array.length) throw new VariantDamage('it ends in the middle of a value')
      let number = 0
      for (let i = width - 1; i >= 0; i--) number = number * 256 + (array[offset + i] ?? 0)
      return number
    },
    part,
    text: () => {
      try {
        return decoder.decode(array)
      } catch {
        throw new VariantDamage('a text in it is not UTF-8')
      }
    },
  }
}

function readNames(bytes: Bytes): (id: number) => string {
  const header = bytes.unsigned(0, 1)
  if ((header & 15) !== 1) throw new VariantDamage(`its version is ${header & 15} and not 1`)
  const width = (header >>> 6) + 1
  const count = bytes.unsigned(1, width)
  const texts = 1 + width * (count + 2)
  return (id) => {
    if (id >= count) throw new VariantDamage(`it has ${count} names and uses number ${id}`)
    const [start, end] = [bytes.unsigned(1 + width * (id + 1), width), bytes.unsigned(1 + width * (id + 2), width)]
    if (end < start) throw new VariantDamage('its names are out of order')
    return bytes.part(texts + start, end - start).text()
  }
}

function encodeValue(bytes: Bytes, context: Context): string {
  if (context.depth > DEPTH_MAX) throw new VariantDamage(`it is nested deeper than ${DEPTH_MAX}`)
  const first = bytes.unsigned(0, 1)
  const header = first >>> 2
  switch (first & 3) {
    case 0:
      // Numbers are short enough to be counted as their first byte.
      spend(context, header === 15 || header === 16 ? 5 + bytes.unsigned(1, 4) : 1)
      return encodePrimitive(header, bytes.part(1, bytes.length - 1))
    case 1:
      spend(context, 1 + header)
      return JSON.stringify(bytes.part(1, header).text())
    case 2: {
      const { ids, items, headerBytes } = readItems(bytes, {
        offsets: header & 3,
        ids: (header >>> 2) & 3,
        isLarge: header >>> 4,
      })
      spend(context, headerBytes)
      const inner = { ...context, depth: context.depth + 1 }
      const fields = items.map(
        (item, index) => `${JSON.stringify(context.nameOf(ids[index] ?? 0))}:${encodeValue(item, inner)}`,
      )
      return `{${fields.join(',')}}`
    }
    default: {
      const { items, headerBytes } = readItems(bytes, { offsets: header & 3, ids: undefined, isLarge: header >>> 2 })
      spend(context, headerBytes)
      const inner = { ...context, depth: context.depth + 1 }
      return `[${items.map((item) => encodeValue(item, inner)).join(',')}]`
    }
  }
}

/** The values of an object or array: a count, the ids of an object's names, where each value starts, and the values. */
function readItems(
  bytes: Bytes,
  widths: { readonly offsets: number; readonly ids: number | undefined; readonly isLarge: number },
): { readonly ids: readonly number[]; readonly items: readonly Bytes[]; readonly headerBytes: number } {
  const countWidth = (widths.isLarge & 1) === 1 ? 4 : 1
  const count = bytes.unsigned(1, countWidth)
  const idWidth = widths.ids === undefined ? 0 : widths.ids + 1
  const offsetWidth = widths.offsets + 1
  const offsetsAt = 1 + countWidth + count * idWidth
  const valuesAt = offsetsAt + (count + 1) * offsetWidth
  if (valuesAt > bytes.length) throw new VariantDamage('it ends in the middle of a value')
  const ids: number[] = []
  const items: Bytes[] = []
  for (let index = 0; index < count; index++) {
    if (idWidth > 0) ids.push(bytes.unsigned(1 + countWidth + index * idWidth, idWidth))
    const start = valuesAt + bytes.unsigned(offsetsAt + index * offsetWidth, offsetWidth)
    // An object's values need not stand in the order of its names, so nothing says where one ends; each knows it itself.
    items.push(bytes.part(start, bytes.length - start))
  }
  return { ids, items, headerBytes: valuesAt }
}

function encodePrimitive(type: number, bytes: Bytes): string {
  const encode = PRIMITIVES[type]
  if (encode === undefined) throw new VariantDamage(`it has a value of type ${type}, which is not known here`)
  try {
    return encode(bytes)
  } catch (error) {
    throw error instanceof RangeError ? new VariantDamage('it ends in the middle of a value') : error
  }
}

// By the numbers of the specification, "Primitive Types".
const PRIMITIVES: readonly ((bytes: Bytes) => string)[] = [
  () => 'null',
  () => 'true',
  () => 'false',
  ({ view }) => String(view.getInt8(0)),
  ({ view }) => String(view.getInt16(0, true)),
  ({ view }) => String(view.getInt32(0, true)),
  ({ view }) => String(view.getBigInt64(0, true)),
  ({ view }) => encodeNumber(view.getFloat64(0, true), String),
  (bytes) => encodeDecimal(BigInt(bytes.view.getInt32(1, true)), bytes),
  (bytes) => encodeDecimal(bytes.view.getBigInt64(1, true), bytes),
  (bytes) => encodeDecimal((bytes.view.getBigInt64(9, true) << 64n) + bytes.view.getBigUint64(1, true), bytes),
  ({ view }) => JSON.stringify(new Date(view.getInt32(0, true) * 86_400_000).toISOString().slice(0, -14)),
  ({ view }) => JSON.stringify(`${encodeTime(view.getBigInt64(0, true))}Z`),
  ({ view }) => JSON.stringify(encodeTime(view.getBigInt64(0, true))),
  ({ view }) => encodeNumber(view.getFloat32(0, true), shortestFloat),
  (bytes) => {
    const { view } = bytes.part(4, bytes.unsigned(0, 4))
    return `"${Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64')}"`
  },
  (bytes) => JSON.stringify(bytes.part(4, bytes.unsigned(0, 4)).text()),
  ({ view }) => JSON.stringify(encodeTime(view.getBigInt64(0, true)).slice('1970-01-01T'.length)),
  ({ view }) => JSON.stringify(`${encodeTime(floorDivide(view.getBigInt64(0, true), 1000n))}Z`),
  ({ view }) => JSON.stringify(encodeTime(floorDivide(view.getBigInt64(0, true), 1000n))),
  (bytes) => {
    const { view } = bytes.part(0, 16)
    const hex = Buffer.from(view.buffer, view.byteOffset, 16).toString('hex')
    return JSON.stringify(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
  },
]

function encodeNumber(value: number, spell: (value: number) => string): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return value === 0 ? '0.0' : spell(value)
}

/** The fewest digits that name a number of 32 bits. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return String(Number(text))
  }
  return String(Number(value.toPrecision(9)))
}

function encodeDecimal(unscaled: bigint, bytes: Bytes): string {
  const scale = bytes.unsigned(0, 1)
  if (scale > 38) throw new VariantDamage(`it has a decimal with ${scale} fraction digits`)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`
}

function encodeTime(micros: bigint): string {
  const millis = floorDivide(micros, 1000n)
  const fraction = String(micros - millis * 1000n).padStart(3, '0')
  const date = new Date(Number(millis))
  if (Number.isNaN(date.getTime())) throw new VariantDamage(`it has a time of ${micros} microseconds`)
  return `${date.toISOString().slice(0, -1)}${fraction}`
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  return value / divisor - (value % divisor < 0n ? 1n : 0n)
}
