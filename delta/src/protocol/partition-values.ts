// PROTOCOL.md, "Partition Value Serialization".

import { partitionValueCorrupt, partitionValueInvalid } from '../errors.ts'
import type { DataType } from './schema.ts'

/** A partition value as plain data: long is bigint, the smaller integers, float and double are number, decimals and times are text. */
export type PartitionValue = null | boolean | number | bigint | string | Uint8Array

/** The text for `partitionValues`. An empty text becomes null, since readers disagree on what it means. Throws `PARTITION_VALUE_INVALID`. */
export function encodePartitionValue(type: DataType, value: PartitionValue): string | null {
  if (typeof type !== 'string') throw partitionValueInvalid(type.type, 'it is nested')
  if (type === 'variant') throw partitionValueInvalid(type, 'the protocol has no text for it')
  if (value === null || value === '' || type === 'void') return null
  if (value instanceof Uint8Array) return value.length === 0 ? null : decodeUtf8(value)
  const text = String(value)
  if (type === 'timestamp') return encodeTimestamp(text)
  return type === 'timestamp_ntz' ? text.replace('T', ' ') : text
}

/** The value that a text in `partitionValues` stands for. Timestamps come back as ISO text, read as UTC without a zone. Throws `PARTITION_VALUE_CORRUPT`. */
export function parsePartitionValue(type: DataType, text: string | null | undefined): PartitionValue {
  // PROTOCOL.md: an empty string stands for null, whatever the type.
  if (text === null || text === undefined || text === '') return null
  if (typeof type !== 'string') throw partitionValueCorrupt(type.type, text)
  const parse = type.startsWith('decimal') ? parseDecimal : PARSERS[type]
  const value = parse?.(text)
  if (value === undefined) throw partitionValueCorrupt(type, text)
  return value
}

// Written in ISO form with its zone, so that no reader has to guess the writer's.
function encodeTimestamp(text: string): string {
  const iso = text.replace(' ', 'T')
  return /(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(iso) ? iso : `${iso}Z`
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw partitionValueInvalid('binary', 'its bytes are not UTF-8')
  }
}

const PARSERS: Readonly<Record<string, (text: string) => PartitionValue | undefined>> = {
  string: (text) => text,
  long: (text) => (isInteger(text) ? BigInt(text) : undefined),
  integer: parseSmallInteger,
  short: parseSmallInteger,
  byte: parseSmallInteger,
  float: parseDouble,
  double: parseDouble,
  boolean: parseBoolean,
  binary: (text) => new TextEncoder().encode(text),
  date: (text) => (/^[+-]?\d{4,}-\d\d-\d\d$/.test(text) ? text : undefined),
  timestamp: parseTimestamp,
  timestamp_ntz: (text) => (TIMESTAMP.test(text) ? text.replace(' ', 'T').replace(/Z$/, '') : undefined),
  void: () => null,
}

const TIMESTAMP = /^([+-]?\d{4,}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?))?(Z|[+-]\d\d:?\d\d)?$/

function parseTimestamp(text: string): string | undefined {
  const [, date, time = '00:00:00', zone = 'Z'] = TIMESTAMP.exec(text) ?? []
  return date === undefined ? undefined : `${date}T${time}${zone}`
}

function parseDecimal(text: string): string | undefined {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? text : undefined
}

function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase()
  return lower === 'true' || lower === 'false' ? lower === 'true' : undefined
}

function isInteger(text: string): boolean {
  return /^-?\d+$/.test(text)
}

function parseSmallInteger(text: string): number | undefined {
  return isInteger(text) ? Number(text) : undefined
}

function parseDouble(text: string): number | undefined {
  if (['NaN', 'Infinity', '-Infinity'].includes(text)) return Number(text)
  return parseDecimal(text) === undefined ? undefined : Number(text)
}
