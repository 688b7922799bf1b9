import { type StructType, TributaryError } from '@tributary/delta'
import {
  openBatch,
  type StagedFile,
  stageFile,
  stageFilesAtOnce,
  type TableShape,
  unstageFiles,
  widenBatch,
} from '../upsert/batch.ts'
import type { FilePattern } from './file-pattern.ts'
import type { LandingFile } from './plan.ts'
import { readAlike } from './read-alike.ts'
import { type FileReading, type ReadOutcome, readLandingFile } from './read-file.ts'
import type { TableRun } from './run.ts'
import type { EvolvingSchema } from './schema.ts'

/** What was staged of the files of a batch. */
export interface Staged {
  readonly readings: readonly FileReading[]
  /** Whether table `batch` was laid out. */
  readonly isOpen: boolean
  /** The next file needs this schema first: the batch ends before it. */
  readonly widen?: StructType
}

/**
 * Reads the files in order into table `batch`, which grows by the columns that they bring. `meanwhile` is called while DuckDB does so, with
 * what it stages. What stops the table stops it at its file: the ones before it are a batch of their own.
 */
export async function stageFiles(
  run: TableRun,
  files: readonly LandingFile[],
  { schema, meanwhile }: { readonly schema: EvolvingSchema; readonly meanwhile: Meanwhile },
): Promise<Staged> {
  const { engine, table } = run
  const readings: FileReading[] = []
  const staging = openStaging(run, schema, meanwhile)
  let rows = 0
  const add = (read: readonly FileReading[]): void => {
    readings.push(...read)
    rows += read.reduce((sum, reading) => sum + reading.read, 0)
    const progress = { files: readings.length, filesTotal: files.length, rows }
    run.options.onEvent?.({ kind: 'progress', table: table.name, ...progress })
  }
  let pattern: FilePattern | undefined
  // Files that were tried together in vain.
  let alone = 0
  while (readings.length < files.length) {
    const rest = files.slice(readings.length)
    if (pattern !== undefined && alone === 0) {
      const alike = await readAlike(run, engine, { files: rest, pattern }, staging)
      alone = alike.failed
      if (alike.readings.length > 0) {
        add(alike.readings)
        continue
      }
    }
    const [file] = rest
    if (file === undefined) break
    const outcome = await stageOne(run, file, { schema, staging, isFirst: readings.length === 0 })
    if (outcome === undefined) break
    if (outcome.kind === 'widen') return { readings, isOpen: staging.isOpen(), widen: outcome.schema }
    add([outcome.reading])
    pattern = outcome.pattern
    alone = Math.max(0, alone - 1)
  }
  return { readings, isOpen: staging.isOpen() }
}

type Meanwhile = (staged: StagedFile, shape: TableShape) => void

interface Staging {
  readonly isOpen: () => boolean
  /** Lays the batch out, or widens it, for the schema as it is now. */
  readonly open: () => Promise<TableShape>
  readonly consume: (staged: Parameters<typeof stageFilesAtOnce>[2]) => Promise<ReadonlyMap<string, number>>
  readonly undo: (keys: readonly string[]) => Promise<void>
  readonly meanwhile: Meanwhile
}

function openStaging({ engine, table }: TableRun, schema: EvolvingSchema, meanwhile: Meanwhile): Staging {
  let opened: StructType | undefined
  const open = async (): Promise<TableShape> => {
    const shape: TableShape = { schema: schema.current(), key: table.key, sequence: table.sequence }
    if (opened === undefined) await openBatch(engine, shape)
    else if (opened !== shape.schema) await widenBatch(engine, { from: opened, to: shape.schema })
    opened = shape.schema
    return shape
  }
  return {
    isOpen: () => opened !== undefined,
    open,
    consume: async (staged) => stageFilesAtOnce(engine, await open(), staged),
    meanwhile,
    undo: (keys) => unstageFiles(engine, keys),
  }
}

/** Stages one file; undefined when the table stops at it and there are files before it. */
async function stageOne(
  run: TableRun,
  file: LandingFile,
  {
    schema,
    staging,
    isFirst,
  }: { readonly schema: EvolvingSchema; readonly staging: Staging; readonly isFirst: boolean },
): Promise<ReadOutcome | undefined> {
  const { engine } = run
  let calls = 0
  try {
    return await readLandingFile(run, engine, { file, schema }, async (staged) => {
      const shape = await staging.open()
      // The strict path begins again: what the fast one staged does not count.
      if (calls > 0) await unstageFiles(engine, [file.key])
      calls += 1
      const counted = stageFile(engine, shape, staged)
      staging.meanwhile(staged, shape)
      return counted
    })
  } catch (error) {
    if (isFirst || !(error instanceof TributaryError)) throw error
    if (calls > 0) await unstageFiles(engine, [file.key])
    return undefined
  }
}
