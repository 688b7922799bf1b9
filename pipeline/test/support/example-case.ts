// The DMS example files, case by case: a landing that is filled from them and a lake beside it.
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ndjsonSql, readLines, scanSql } from '@tributary/delta'
import { z } from 'zod'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, put, snapshotOf, type Workplace } from './workplace.ts'

const CASES = join(import.meta.dirname, '../dms-examples')

const rowSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
export type ExampleRow = z.infer<typeof rowSchema>

/** What an ingest told. */
export interface Told {
  readonly summary: IngestSummary
  readonly warnings: readonly string[]
}

export interface Example {
  readonly lake: Lake
  readonly folder: string
  /** Puts objects of the case into the landing: all, or the named ones in that order. */
  readonly deliver: (options?: {
    readonly keys?: readonly string[]
    readonly from?: string
    readonly modifiedMs?: number
    readonly to?: (key: string) => string
  }) => Promise<void>
  readonly ingest: () => Promise<Told>
  /** The table's rows with these columns, sorted by their text. */
  readonly rows: (table: string, columns: readonly string[]) => Promise<readonly ExampleRow[]>
}

/** Opens a case with the given settings; `landing` and `lake` are added to them. */
export async function openExample(workplace: Workplace, name: string, settings: string): Promise<Example> {
  const folder = join(workplace.folder, `${name}-${(await readdir(workplace.folder)).length}`)
  await mkdir(folder)
  const lake = await lakeIn(folder, `landing: landing\nlake: lake\n${settings}`)
  return {
    lake,
    folder,
    deliver: async ({ keys, from = 's3', modifiedMs, to = (key: string) => key } = {}) => {
      const root = join(CASES, name, from)
      const all = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
      const found = all.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).toSorted()
      for (const key of keys ?? found) await put(folder, to(key), await readFile(join(root, key)), modifiedMs)
    },
    ingest: async () => {
      const warnings: string[] = []
      const summary = await ingest(lake, workplace.engine, {
        onEvent: (event) => {
          if (event.kind === 'warning') warnings.push(event.message)
        },
      })
      return { summary, warnings }
    },
    rows: async (table, columns) => {
      const snapshot = await snapshotOf(lake, table)
      if (snapshot === undefined) return []
      const fields = snapshot.schema.fields.filter((field) => columns.includes(field.name))
      const lines: string[] = []
      for await (const batch of readLines(
        workplace.engine,
        ndjsonSql(await scanSql(workplace.engine, snapshot), fields),
      ))
        lines.push(...batch)
      return lines.toSorted().map((line) => parseRow(line))
    },
  }
}

/** The rows that `case.json` expects, at a path of names in it. */
export async function expectedOf(name: string, ...path: readonly string[]): Promise<readonly ExampleRow[]> {
  const text = await readFile(join(CASES, name, 'case.json'), 'utf8')
  let node: unknown = JSON.parse(text)
  for (const part of [...path, 'expected']) node = z.record(z.string(), z.unknown()).parse(node)[part]
  const rows = z.array(rowSchema).parse(node)
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function parseRow(line: string): ExampleRow {
  return rowSchema.parse(JSON.parse(line))
}

/** Every order of the items. */
export function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, at) =>
    permutations([...items.slice(0, at), ...items.slice(at + 1)]).map((rest) => [item, ...rest]),
  )
}
