import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, TributaryError } from '@tributary/delta'
import { csvRelation } from '../dms/fast-csv.ts'
import type { OpenedFile } from '../dms/open-file.ts'
import { relationSql } from '../dms/relation-sql.ts'
import type { FileRange, StagedFiles } from '../upsert/batch.ts'
import { bodyLike, type FilePattern, SMALL_FILE_BYTES } from './file-pattern.ts'
import type { LandingFile } from './plan.ts'
import { type FileReading, openFile, readingOf, stagedRows } from './read-file.ts'
import type { TableRun } from './run.ts'

const FILES_AT_ONCE_MAX = 256
const BYTES_AT_ONCE_MAX = 16 * 1024 * 1024
const READS_AT_ONCE = 8

/** What was read at once. */
export interface AlikeReadings {
  readonly readings: readonly FileReading[]
  /** Files that look alike, but one has something that must be read by itself; nothing of them is staged. */
  readonly failed: number
}

/**
 * Reads the next files as one, as far as they are like the pattern. `consume` takes the rows and tells how many they were of
 * each file; it may be called several times, and the last call counts. `undo` takes back what it staged.
 */
export async function readAlike(
  run: TableRun,
  engine: Engine,
  { files, pattern }: { readonly files: readonly LandingFile[]; readonly pattern: FilePattern },
  staging: {
    readonly consume: (staged: StagedFiles) => Promise<ReadonlyMap<string, number>>
    readonly undo: (keys: readonly string[]) => Promise<void>
  },
): Promise<AlikeReadings> {
  const path = join(engine.tempFolder, `alike-${run.lake.clock.uuid()}.csv`)
  try {
    const { members, readings } = await gather(run, engine, { files, pattern, path })
    // One alone is read faster by itself.
    if (members.length < 2) return { readings: [], failed: 0 }
    const keys = members.map(({ key }) => key)
    const plan = { ...pattern.plan, hasHeader: false }
    for (const onlyUsual of [true, false]) {
      const sql = relationSql(plan, pattern.dialect, { allowCut: false, onlyUsual })
      const base = csvRelation({ path, dialect: pattern.dialect }, plan)
      const relation = `SELECT ${sql.failing} FROM (${sql.layered(base)})`
      const counts = await staging
        .consume({ ...stagedRows({ kind: 'cdc' }, plan, relation), members })
        .catch((error: unknown) => {
          // Whatever DuckDB says of them, each file by itself decides.
          if (error instanceof TributaryError && error.code === 'ENGINE_FAILED') return undefined
          throw error
        })
      if (counts !== undefined && members.every(({ key, rows }) => (counts.get(key) ?? 0) === rows))
        return { readings, failed: 0 }
      await staging.undo(keys)
    }
    return { readings: [], failed: members.length }
  } finally {
    await rm(path, { force: true })
  }
}

/** Writes the records of files that are like the pattern one after another into one file. */
async function gather(
  run: TableRun,
  engine: Engine,
  {
    files,
    pattern,
    path,
  }: { readonly files: readonly LandingFile[]; readonly pattern: FilePattern; readonly path: string },
): Promise<{ readonly members: readonly FileRange[]; readonly readings: readonly FileReading[] }> {
  const members: FileRange[] = []
  const readings: FileReading[] = []
  let [rows, bytes] = [0, 0]
  const candidates = files.slice(0, FILES_AT_ONCE_MAX)
  for (let from = 0; from < candidates.length; from += READS_AT_ONCE) {
    const part = candidates.slice(from, from + READS_AT_ONCE)
    // A bucket answers each with a delay of its own.
    const taken = await Promise.all(part.map((file) => take(run, engine, { file, pattern })))
    const bodies: Buffer[] = []
    for (const next of taken) {
      if (next === undefined || bytes > BYTES_AT_ONCE_MAX) break
      const { file, body, reading } = next
      bodies.push(body)
      members.push({ key: file.key, place: file.place, start: rows, rows: reading.read })
      readings.push(reading)
      rows += reading.read
      bytes += body.length
    }
    await appendFile(path, Buffer.concat(bodies))
    if (bodies.length < part.length) break
  }
  return { members, readings }
}

/** One file's records; undefined when it has to be read by itself, also to say what is wrong with it. */
async function take(
  run: TableRun,
  engine: Engine,
  { file, pattern }: { readonly file: LandingFile; readonly pattern: FilePattern },
): Promise<{ readonly file: LandingFile; readonly body: Buffer; readonly reading: FileReading } | undefined> {
  if (file.kind !== 'cdc' || file.sizeBytes > SMALL_FILE_BYTES) return undefined
  let opened: OpenedFile | undefined
  try {
    opened = await openFile(run, engine, file)
    const body = await bodyLike(pattern, opened)
    if (body === undefined) return undefined
    await opened.assertUnchanged()
    const read = opened.count.records - 1
    return { file, body, reading: { ...readingOf(file, opened), read, digitsCut: 0, rejects: [] } }
  } catch (error) {
    if (error instanceof TributaryError) return undefined
    throw error
  } finally {
    await opened?.dispose()
  }
}
