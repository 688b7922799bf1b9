// The 32-bit portable Roaring format (github.com/RoaringBitmap/RoaringFormatSpec): a cookie, one descriptor a container, sometimes
// offsets, then the containers, whose kind and length follow from the descriptors.

const COOKIE_WITH_RUNS = 12347
const COOKIE_WITHOUT_RUNS = 12346
const OFFSETS_FROM_CONTAINERS = 4
const ARRAY_CARDINALITY_MAX = 4096
const BITSET_BYTES = 8192

/** How many bytes the 32-bit Roaring bitmap at the start of some bytes takes; undefined when it is malformed or cut. */
export function roaring32Length(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const header = readHeader(view)
  if (header === undefined) return undefined
  let offset = header.bodyOffset
  let previousKey = -1
  for (let i = 0; i < header.containers; i++) {
    const key = view.getUint16(header.descriptorsOffset + 4 * i, true)
    const cardinality = view.getUint16(header.descriptorsOffset + 4 * i + 2, true) + 1
    if (key <= previousKey) return undefined
    previousKey = key
    const length = header.isRun(i)
      ? runLength(view, offset, cardinality)
      : cardinality <= ARRAY_CARDINALITY_MAX
        ? 2 * cardinality
        : BITSET_BYTES
    if (length === undefined || offset + length > bytes.length) return undefined
    offset += length
  }
  return offset
}

interface Header {
  readonly containers: number
  readonly isRun: (container: number) => boolean
  readonly descriptorsOffset: number
  readonly bodyOffset: number
}

function readHeader(view: DataView): Header | undefined {
  if (view.byteLength < 8 && !(view.byteLength >= 4 && view.getUint16(0, true) === COOKIE_WITH_RUNS)) return undefined
  const cookie = view.getUint32(0, true)
  if ((cookie & 0xffff) === COOKIE_WITH_RUNS) {
    const containers = (cookie >>> 16) + 1
    const descriptorsOffset = 4 + Math.ceil(containers / 8)
    const hasOffsets = containers >= OFFSETS_FROM_CONTAINERS
    const bodyOffset = descriptorsOffset + containers * (hasOffsets ? 8 : 4)
    if (bodyOffset > view.byteLength) return undefined
    const isRun = (i: number): boolean => ((view.getUint8(4 + (i >>> 3)) >>> (i & 7)) & 1) === 1
    return { containers, isRun, descriptorsOffset, bodyOffset }
  }
  if (cookie !== COOKIE_WITHOUT_RUNS) return undefined
  const containers = view.getUint32(4, true)
  const bodyOffset = 8 + containers * 8
  if (containers > 65536 || bodyOffset > view.byteLength) return undefined
  return { containers, isRun: () => false, descriptorsOffset: 8, bodyOffset }
}

function runLength(view: DataView, offset: number, cardinality: number): number | undefined {
  if (offset + 2 > view.byteLength) return undefined
  const runs = view.getUint16(offset, true)
  const length = 2 + 4 * runs
  if (offset + length > view.byteLength) return undefined
  let rows = 0
  let next = 0
  for (let run = 0; run < runs; run++) {
    const start = view.getUint16(offset + 2 + 4 * run, true)
    const end = start + view.getUint16(offset + 4 + 4 * run, true)
    if (start < next || end > 0xffff) return undefined
    rows += end - start + 1
    next = end + 1
  }
  // The descriptor must agree: expansion by runs is where a few hostile bytes would grow without bound.
  return rows === cardinality ? length : undefined
}
