import { storeAt } from '@tributary/delta/log'
import type { z } from 'zod'
import { configInvalid } from '../errors.ts'
import { parseQueueUrl } from '../queue/queue-url.ts'
import { assertTableNames } from './assert-table-names.ts'
import { CACHE_DEFAULTS, type CacheSettings } from './cache-settings.ts'
import { type Buckets, besideConfig, isInBucket, textReader } from './config-place.ts'
import { configSchema } from './config-schema.ts'
import { describeFault } from './describe-fault.ts'
import { type S3Settings, s3Settings, settingsOfEndpoint, spellSettings } from './s3-settings.ts'
import {
  type ColumnType,
  comesLater,
  parseColumnType,
  parseTableName,
  TYPE_REMEDY,
  type tableSettings,
} from './table-settings.ts'
import { parseYaml } from './yaml-document.ts'

/** One configured table. */
export interface TableConfig {
  /** `schema.table`, without quotes. */
  readonly name: string
  readonly schema: string
  readonly table: string
  /** Key columns, in the table's own names. */
  readonly key: readonly string[]
  /** Source columns with their types, in file order; undefined: read from header and data, then pinned. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[] | undefined
  readonly sequence: string | undefined
  readonly write: 'merge-on-read' | 'copy-on-write'
  readonly partitionBy: readonly string[]
  /** Source name to table name. */
  readonly rename: ReadonlyMap<string, string>
  readonly keepOnNull: readonly string[]
  /** `auto`: a batch that does not fit into this machine goes to a larger engine, where there is one. */
  readonly engine: 'duckdb' | 'auto'
  /** How long the tombstone of a delete is kept, in file time; undefined: as long as the generation. */
  readonly tombstonesMs: number | undefined
  /** How long a change may take from the source to the table before `status` and the worker's alarms say so. */
  readonly freshnessMs: number | undefined
  /** Whether small files are merged and deleted rows purged beside the batches. */
  readonly upkeep: boolean
  /** Whether each change is also appended to `<table>__history`. */
  readonly history: boolean
  /** Properties of the Delta table, which it gets with the next batch where they differ. */
  readonly properties: Readonly<Record<string, string>>
}

/** `tributary.yaml`, checked and complete. */
export interface Config {
  /** Absolute folder, or `s3://bucket/prefix`. */
  readonly landing: string
  /** Absolute folder, or `s3://bucket/prefix`. */
  readonly lake: string
  readonly dms: S3Settings
  /** URL of the queue that S3 tells what was written to the landing; without it files are found by listing. */
  readonly queue: string | undefined
  readonly reloadSettleMs: number
  /** Objects of buckets that never change, kept on this machine. */
  readonly cache: CacheSettings
  readonly tables: readonly TableConfig[]
}

const RELOAD_SETTLE_MS = 60_000

/** Reads and checks `tributary.yaml`, a file or `s3://bucket/…/tributary.yaml`. Throws `CONFIG_INVALID`, with the line and the remedy. */
export async function readConfig(path: string, buckets?: Buckets): Promise<Config> {
  const readText = textReader(buckets)
  const text = await readText(path).catch((cause: unknown) => {
    throw configInvalid(path, 1, 'the file cannot be read. Write one with `tributary init`', { cause })
  })
  return parseConfig(text, { path, readText })
}

/** Checks the text of a configuration; relative paths in it are relative to `path`. Throws `CONFIG_INVALID`. */
export async function parseConfig(
  text: string,
  { path, readText }: { readonly path: string; readonly readText: (path: string) => Promise<string> },
): Promise<Config> {
  const document = parseYaml(text, (line, problem) => {
    throw configInvalid(path, line, problem)
  })
  const fail = (where: readonly PropertyKey[], problem: string): never => {
    throw configInvalid(path, document.lineOf(where), problem)
  }
  // Checked once: making code of the schema first takes longer.
  const parsed = configSchema.safeParse(document.json, { jitless: true, reportInput: true })
  if (!parsed.success) {
    const { where, problem } = describeFault(parsed.error.issues)
    return fail(where, problem)
  }
  const settings = parsed.data
  if (settings.queue !== undefined && parseQueueUrl(settings.queue) === undefined)
    fail(
      ['queue'],
      `queue: ${settings.queue} is no queue of SQS. Write its URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`,
    )
  if (settings.queue !== undefined && !isInBucket(settings.landing))
    fail(['queue'], 'queue: the landing is a folder, and only buckets tell queues what is written. Leave it out')
  const place = (name: 'landing' | 'lake'): string => {
    const text = settings[name]
    if (!/^[a-z0-9]+:\/\//i.test(text))
      return isInBucket(path)
        ? fail([name], `${name}: ${text} is a folder beside this file, and this file is in S3. Give s3://bucket/prefix`)
        : besideConfig(path, text)
    if (!isInBucket(text))
      fail([name], `${name}: ${text} is neither a folder nor in S3. Give a folder or s3://bucket/prefix`)
    return storeUrl(text) ?? fail([name], `${name}: ${text} is no place in S3. Write s3://bucket/prefix`)
  }
  const tables = Object.entries(settings.tables).map(([name, table]) =>
    tableOf(
      {
        name,
        settings: { freshness: settings.freshness, ...table },
        pairs: (part) => document.pairsAt(['tables', name, part]),
      },
      fail,
    ),
  )
  assertTableNames(tables, fail)
  const dms =
    typeof settings.dms === 'string'
      ? await readEndpoint(besideConfig(path, settings.dms), readText, (problem) => fail(['dms'], problem))
      : (settings.dms ?? {})
  const cacheFolder = settings.cache?.folder && besideConfig(path, settings.cache.folder)
  if (cacheFolder !== undefined && isInBucket(cacheFolder))
    fail(['cache', 'folder'], 'cache.folder: a cache is on the machine itself. Give an absolute folder')
  return {
    landing: place('landing'),
    lake: place('lake'),
    dms,
    queue: settings.queue,
    reloadSettleMs: settings.reload?.settle ?? RELOAD_SETTLE_MS,
    cache: { ...(settings.cache ?? CACHE_DEFAULTS), folder: cacheFolder },
    tables,
  }
}

/** A URL in S3 as stores spell it, without the slash at its end; undefined where it names no place. */
function storeUrl(url: string): string | undefined {
  try {
    return storeAt(url).url.replace(/\/$/, '')
  } catch {
    return undefined
  }
}

type Fail = (where: readonly PropertyKey[], problem: string) => never

interface TableEntry {
  readonly name: string
  readonly settings: z.output<typeof tableSettings>
  /** The entries of a map below the table, in the order of the file. */
  readonly pairs: (part: 'columns' | 'rename') => readonly (readonly [string, string])[]
}

function tableOf({ name: text, settings, pairs }: TableEntry, fail: Fail): TableConfig {
  const where = ['tables', text]
  const name = parseTableName(text)
  if (name === undefined)
    return fail(
      where,
      `"${text}" is not a table name. Write schema.table, without quotes, slashes or .. inside the names`,
    )
  const later = comesLater(settings)
  if (later !== undefined)
    return fail([...where, later.name], `${later.name}: ${later.value} comes with a later version. Leave it out`)
  const columns =
    settings.columns === undefined
      ? undefined
      : pairs('columns').map(([column, type]) => ({
          name: column,
          type: parseColumnType(type) ?? fail([...where, 'columns', column], `"${type}" is not a type. ${TYPE_REMEDY}`),
        }))
  const rename = new Map(pairs('rename'))
  // Everywhere else either name may be used.
  const inTable = (column: string): string => rename.get(column) ?? column
  const listed = columns?.map((column) => inTable(column.name))
  // Deletes and late rows are found by these columns, so a misspelt one must not wait for the first file.
  for (const part of ['key', 'partitionBy', 'keepOnNull'] as const) {
    const unknown = (settings[part] ?? []).find(
      (column) => listed !== undefined && !listed.includes(inTable(column)) && column !== settings.sequence,
    )
    if (unknown !== undefined)
      return fail(
        [...where, part],
        `${part} names ${unknown}, which is not in columns. Add it there or correct the name`,
      )
  }
  return {
    name: `${name.schema}.${name.table}`,
    ...name,
    key: settings.key.map(inTable),
    columns,
    sequence: settings.sequence === undefined ? undefined : inTable(settings.sequence),
    write: settings.write ?? 'merge-on-read',
    partitionBy: (settings.partitionBy ?? []).map(inTable),
    rename,
    keepOnNull: (settings.keepOnNull ?? []).map(inTable),
    engine: settings.engine === 'auto' ? 'auto' : 'duckdb',
    tombstonesMs: settings.tombstones,
    freshnessMs: settings.freshness,
    upkeep: settings.upkeep !== 'off',
    history: settings.history === true,
    properties: settings.properties ?? {},
  }
}

async function readEndpoint(
  path: string,
  readText: (path: string) => Promise<string>,
  fail: (problem: string) => never,
): Promise<S3Settings> {
  let json: unknown
  try {
    json = JSON.parse(await readText(path))
  } catch {
    return fail(`dms: ${path} cannot be read as JSON. Write there what \`aws dms describe-endpoints\` prints`)
  }
  const settings = settingsOfEndpoint(json)
  if (typeof settings === 'string') return fail(`dms: ${path}: ${settings}`)
  const parsed = s3Settings.safeParse(spellSettings(settings), { reportInput: true })
  return parsed.success ? parsed.data : fail(`dms: ${path}: ${describeFault(parsed.error.issues, ['dms']).problem}`)
}
