// One parser for both places where actions stand: lines of JSON, and rows of a checkpoint as hyparquet gives them (64-bit integers
// are then bigint, absent fields null or undefined). Known fields are copied, so nothing else that a file holds gets further.

import type {
  Action,
  AddCdcFile,
  AddFile,
  CommitInfo,
  DeletionVectorDescriptor,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './actions.ts'

/** Makes the error to throw for a value that is no action: the caller knows the file and the line. */
export type Complain = (why: string, cause?: unknown) => Error

/** One line of a commit; undefined for a blank line and for an action that we do not know. Throws what `complain` makes. */
export function parseActionLine(line: string, complain: Complain): Action | undefined {
  if (line.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw complain('it is not JSON', cause)
  }
  return parseAction(value, complain)
}

/** One action object; undefined when it is one that we do not know. Throws what `complain` makes. */
export function parseAction(value: unknown, complain: Complain): Action | undefined {
  const line = parseObject(value, 'the action', complain)
  for (const kind of KINDS) {
    const body = parseField(line, kind)
    if (body === undefined) continue
    return PARSERS[kind](parseObject(body, kind, complain), complain)
  }
  return undefined
}

type Fields = Readonly<Record<string, unknown>>

const KINDS = ['add', 'remove', 'cdc', 'metaData', 'protocol', 'txn', 'domainMetadata', 'commitInfo'] as const

const PARSERS: Readonly<Record<(typeof KINDS)[number], (fields: Fields, complain: Complain) => Action>> = {
  add: (fields, complain) => ({ add: parseAdd(fields, complain) }),
  remove: (fields, complain) => ({ remove: parseRemove(fields, complain) }),
  cdc: (fields, complain) => ({ cdc: parseCdc(fields, complain) }),
  metaData: (fields, complain) => ({ metaData: parseMetadata(fields, complain) }),
  protocol: (fields, complain) => ({ protocol: parseProtocol(fields, complain) }),
  txn: (fields, complain) => ({ txn: parseTransaction(fields, complain) }),
  domainMetadata: (fields, complain) => ({ domainMetadata: parseDomain(fields, complain) }),
  commitInfo: (fields) => ({ commitInfo: parseCommitInfo(fields) }),
}

function parseAdd(fields: Fields, complain: Complain): AddFile {
  return parsePresent({
    path: parseRequiredText(fields, 'path', complain),
    partitionValues: parsePartitionValues(fields, complain) ?? {},
    size: parseRequiredInteger(fields, 'size', complain),
    modificationTime: parseInteger(fields, 'modificationTime', complain) ?? 0,
    dataChange: parseField(fields, 'dataChange') === true,
    stats: parseText(fields, 'stats', complain),
    tags: parseTexts(fields, 'tags', complain),
    deletionVector: parseDeletionVector(fields, complain),
    baseRowId: parseInteger(fields, 'baseRowId', complain),
    defaultRowCommitVersion: parseInteger(fields, 'defaultRowCommitVersion', complain),
    clusteringProvider: parseText(fields, 'clusteringProvider', complain),
  })
}

function parseRemove(fields: Fields, complain: Complain): RemoveFile {
  return parsePresent({
    path: parseRequiredText(fields, 'path', complain),
    dataChange: parseField(fields, 'dataChange') === true,
    deletionTimestamp: parseInteger(fields, 'deletionTimestamp', complain),
    extendedFileMetadata: parseFlag(fields, 'extendedFileMetadata'),
    partitionValues: parsePartitionValues(fields, complain),
    size: parseInteger(fields, 'size', complain),
    stats: parseText(fields, 'stats', complain),
    tags: parseTexts(fields, 'tags', complain),
    deletionVector: parseDeletionVector(fields, complain),
    baseRowId: parseInteger(fields, 'baseRowId', complain),
    defaultRowCommitVersion: parseInteger(fields, 'defaultRowCommitVersion', complain),
  })
}

function parseCdc(fields: Fields, complain: Complain): AddCdcFile {
  return parsePresent({
    path: parseRequiredText(fields, 'path', complain),
    partitionValues: parsePartitionValues(fields, complain) ?? {},
    size: parseRequiredInteger(fields, 'size', complain),
    dataChange: false as const,
    tags: parseTexts(fields, 'tags', complain),
  })
}

function parseDeletionVector(fields: Fields, complain: Complain): DeletionVectorDescriptor | undefined {
  const value = parseField(fields, 'deletionVector')
  if (value === undefined) return undefined
  const vector = parseObject(value, 'deletionVector', complain)
  // A checkpoint may hold a struct of nulls where there is no deletion vector.
  if (parseField(vector, 'storageType') === undefined) return undefined
  return parsePresent({
    storageType: parseStorageType(parseField(vector, 'storageType'), complain),
    pathOrInlineDv: parseRequiredText(vector, 'pathOrInlineDv', complain),
    offset: parseInteger(vector, 'offset', complain),
    sizeInBytes: parseRequiredInteger(vector, 'sizeInBytes', complain),
    cardinality: parseRequiredInteger(vector, 'cardinality', complain),
  })
}

function parseStorageType(value: unknown, complain: Complain): DeletionVectorDescriptor['storageType'] {
  if (value === 'u' || value === 'p' || value === 'i') return value
  throw complain(`storageType is ${JSON.stringify(value)}`)
}

function parseMetadata(fields: Fields, complain: Complain): Metadata {
  const format = parseObject(parseField(fields, 'format') ?? {}, 'format', complain)
  return parsePresent({
    id: parseRequiredText(fields, 'id', complain),
    name: parseText(fields, 'name', complain),
    description: parseText(fields, 'description', complain),
    format: {
      provider: parseText(format, 'provider', complain) ?? 'parquet',
      options: parseTexts(format, 'options', complain) ?? {},
    },
    schemaString: parseRequiredText(fields, 'schemaString', complain),
    partitionColumns: parseTextList(fields, 'partitionColumns', complain) ?? [],
    createdTime: parseInteger(fields, 'createdTime', complain),
    configuration: parseTexts(fields, 'configuration', complain) ?? {},
  })
}

function parseProtocol(fields: Fields, complain: Complain): Protocol {
  return parsePresent({
    minReaderVersion: parseRequiredInteger(fields, 'minReaderVersion', complain),
    minWriterVersion: parseRequiredInteger(fields, 'minWriterVersion', complain),
    readerFeatures: parseTextList(fields, 'readerFeatures', complain),
    writerFeatures: parseTextList(fields, 'writerFeatures', complain),
  })
}

function parseTransaction(fields: Fields, complain: Complain): SetTransaction {
  return parsePresent({
    appId: parseRequiredText(fields, 'appId', complain),
    version: parseRequiredInteger(fields, 'version', complain),
    lastUpdated: parseInteger(fields, 'lastUpdated', complain),
  })
}

function parseDomain(fields: Fields, complain: Complain): DomainMetadata {
  return {
    domain: parseRequiredText(fields, 'domain', complain),
    configuration: parseText(fields, 'configuration', complain) ?? '',
    removed: parseField(fields, 'removed') === true,
  }
}

// commitInfo is free-form and no reader may depend on it, so a field of another type than ours is left out, not refused.
function parseCommitInfo(fields: Fields): CommitInfo {
  const lenient = <T>(
    parse: (fields: Fields, name: string, complain: Complain) => T | undefined,
    name: string,
  ): T | undefined => {
    try {
      return parse(fields, name, (why) => new Error(why))
    } catch {
      return undefined
    }
  }
  const parameters = parseField(fields, 'operationParameters')
  return parsePresent({
    timestamp: lenient(parseInteger, 'timestamp'),
    inCommitTimestamp: lenient(parseInteger, 'inCommitTimestamp'),
    operation: lenient(parseText, 'operation'),
    operationParameters: isFields(parameters) ? parameters : undefined,
    operationMetrics: lenient(parseTexts, 'operationMetrics'),
    readVersion: lenient(parseInteger, 'readVersion'),
    isolationLevel: lenient(parseText, 'isolationLevel'),
    isBlindAppend: parseFlag(fields, 'isBlindAppend'),
    engineInfo: lenient(parseText, 'engineInfo'),
    txnId: lenient(parseText, 'txnId'),
    userMetadata: lenient(parseText, 'userMetadata'),
    tags: lenient(parseTexts, 'tags'),
  })
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseObject(value: unknown, what: string, complain: Complain): Fields {
  if (!isFields(value)) throw complain(`${what} is not an object`)
  return value
}

// Only own properties: a column may be named `__proto__`. Parquet's nulls and JSON's both mean that the field is absent.
function parseField(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined
}

function parseText(fields: Fields, name: string, complain: Complain): string | undefined {
  const value = parseField(fields, name)
  if (value === undefined || typeof value === 'string') return value
  throw complain(`${name} is not a text`)
}

function parseRequiredText(fields: Fields, name: string, complain: Complain): string {
  const value = parseText(fields, name, complain)
  if (value === undefined) throw complain(`${name} is missing`)
  return value
}

function parseInteger(fields: Fields, name: string, complain: Complain): number | undefined {
  const value = parseField(fields, name)
  if (value === undefined) return undefined
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number)) throw complain(`${name} is not an integer`)
  return number
}

function parseRequiredInteger(fields: Fields, name: string, complain: Complain): number {
  const value = parseInteger(fields, name, complain)
  if (value === undefined) throw complain(`${name} is missing`)
  return value
}

function parseFlag(fields: Fields, name: string): boolean | undefined {
  const value = parseField(fields, name)
  return typeof value === 'boolean' ? value : undefined
}

function parseTextList(fields: Fields, name: string, complain: Complain): readonly string[] | undefined {
  const value = parseField(fields, name)
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw complain(`${name} is not a list of texts`)
  return value
}

function parseTexts(fields: Fields, name: string, complain: Complain): Readonly<Record<string, string>> | undefined {
  const value = parseField(fields, name)
  if (value === undefined) return undefined
  // Some writers give numbers and booleans here, and null for a property without a value.
  const entries = Object.entries(parseObject(value, name, complain)).filter(
    ([, text]) => text !== null && text !== undefined,
  )
  return Object.fromEntries(entries.map(([key, text]) => [key, typeof text === 'string' ? text : JSON.stringify(text)]))
}

function parsePartitionValues(fields: Fields, complain: Complain): Readonly<Record<string, string | null>> | undefined {
  const value = parseField(fields, 'partitionValues')
  if (value === undefined) return undefined
  // fromEntries defines properties, so a column named `__proto__` is one like any other.
  return Object.fromEntries(
    Object.entries(parseObject(value, 'partitionValues', complain)).map(([column, text]) => {
      if (typeof text === 'string') return [column, text]
      if (text === null || text === undefined) return [column, null]
      throw complain(`the partition value of ${JSON.stringify(column)} is not a text`)
    }),
  )
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The object without its undefined fields, so that what is written back has only what was there. */
function parsePresent<T extends object>(fields: T): Present<T> {
  // A copy: an object from which properties are deleted takes several times the memory, and a table may have a million files.
  const present: Record<string, unknown> = {}
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined) present[name] = value
  }
  return present as Present<T>
}
