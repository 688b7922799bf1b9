import { Readable } from 'node:stream'
import { constants, createGunzip } from 'node:zlib'
import { attachStore, describeFields, type Engine, quoteFileName, type Store, type StructField } from '@tributary/delta'
import { parse } from 'csv-parse/sync'

/** The first rows of a landing file. */
export type Sample =
  | {
      readonly kind: 'csv'
      readonly key: string
      readonly isGzip: boolean
      readonly delimiter: string
      readonly records: readonly (readonly string[])[]
    }
  | {
      readonly kind: 'parquet'
      readonly key: string
      readonly fields: readonly StructField[]
      readonly records: readonly (readonly string[])[]
    }

const HEAD_BYTES = 256 * 1024
const RECORDS_MAX = 2000
const DELIMITERS = [',', '\t', ';', '|'] as const

/** Reads the head of a file; undefined when nothing can be made of it. */
export async function sampleFile(landing: Store, engine: Engine, key: string): Promise<Sample | undefined> {
  const stored = await readHead(landing, key)
  if (stored.toString('latin1', 0, 4) === 'PAR1') {
    await attachStore(engine, landing)
    return sampleParquet(engine, { key, path: await landing.locate(key) })
  }
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b
  const head = isGzip ? await inflateHead(stored) : stored
  return sampleCsv(head, { key, isGzip })
}

async function sampleParquet(
  engine: Engine,
  { key, path }: { readonly key: string; readonly path: string },
): Promise<Sample> {
  const rows = `SELECT * FROM read_parquet(${quoteFileName(path)})`
  const { fields } = await describeFields(engine, rows)
  const texts = await engine.all(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${rows} LIMIT ${RECORDS_MAX})`)
  return {
    kind: 'parquet',
    key,
    fields,
    records: texts.map((row) => fields.map(({ name }) => String(row[name] ?? ''))),
  }
}

function sampleCsv(
  head: Buffer,
  { key, isGzip }: { readonly key: string; readonly isGzip: boolean },
): Sample | undefined {
  const isWhole = head.length < HEAD_BYTES
  const text = head.toString('utf8').replace(/^\ufeff/, '')
  const readings = DELIMITERS.map((delimiter) => ({ delimiter, records: parseRecords(text, { delimiter, isWhole }) }))
  // The delimiter that gives the most fields in every record alike.
  const even = readings.filter(
    ({ records }) => records.length > 0 && records.every((record) => record.length === records[0]?.length),
  )
  const best = even.toSorted((a, b) => (b.records[0]?.length ?? 0) - (a.records[0]?.length ?? 0))[0] ?? readings[0]
  return best === undefined || best.records.length === 0 ? undefined : { kind: 'csv', key, isGzip, ...best }
}

function parseRecords(
  text: string,
  { delimiter, isWhole }: { readonly delimiter: string; readonly isWhole: boolean },
): readonly (readonly string[])[] {
  try {
    const records: string[][] = parse(text, {
      delimiter,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      to: RECORDS_MAX,
    })
    // The head may end within a record.
    return isWhole || records.length === RECORDS_MAX ? records : records.slice(0, -1)
  } catch {
    // Here only a guess is lost: `ingest` reads the whole file and says what is wrong with it.
    const complete = text.slice(0, text.lastIndexOf('\n') + 1)
    return complete === text || complete === '' ? [] : parseRecords(complete, { delimiter, isWhole: true })
  }
}

async function readHead(landing: Store, key: string): Promise<Buffer> {
  const sizeBytes = (await landing.stat(key))?.sizeBytes ?? 0
  return Buffer.from(await landing.readRange(key, { offset: 0, length: Math.min(sizeBytes, HEAD_BYTES) }))
}

async function inflateHead(stored: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    // The stored head may end within the data: what comes so far is taken.
    const plain = Readable.from([stored]).pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }))
    for await (const chunk of plain) {
      chunks.push(Buffer.from(chunk))
      sizeBytes += chunk.length
      if (sizeBytes >= HEAD_BYTES) break
    }
  } catch {
    // A torn file: its head may still tell the columns, and `ingest` names the fault.
  }
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES)
}
