// Who reads a table in the suites that measure reads, and what they are asked.

import { literal } from './engine.ts'
import { type Figure, figureOf, type Goal, ownMs, ratiosOf } from './figures.ts'
import { ORDERS } from './orders.ts'
import { PYTHON, scriptIn, scriptOf } from './places.ts'
import { lakeOf } from './project.ts'
import type { Bench, Contender, Run } from './rounds.ts'

/** Five of twelve columns, every row. */
export const SCAN_SQL =
  'SELECT count(*) AS rows, sum(quantity) AS quantity, sum(price) AS price, max(ordered_at) AS newest, count(note) AS notes FROM t'
const REPEATS = 5

/** What is read. */
export interface Reading {
  readonly project: string
  /** What the state of the table is called in the report. */
  readonly kind: string
  /** The files that are read as they are, for comparison. */
  readonly raw: readonly string[]
}

/** Everybody who reads the table of a project. */
export function readers(bench: Bench, { project, kind, raw }: Reading): readonly Contender[] {
  const table = lakeOf(project, ORDERS.shape.table)
  return [
    ...bench.programs.map(({ suffix, root }) =>
      reading(`tributary${suffix}`, kind, ask(scriptIn(root, 'scan.ts'), 'tributary', table)),
    ),
    rawReader('raw parquet', kind, raw),
    reading('raw parquet, DuckDB’s defaults', kind, ask(scriptOf('scan.ts'), 'duckdb-parquet', listOf(raw))),
    reading('duckdb delta', kind, ask(scriptOf('scan.ts'), 'duckdb-delta', table)),
    reading('delta-rs', kind, () => [PYTHON, scriptOf('delta-rs.py'), 'read', table, String(REPEATS), SCAN_SQL]),
  ]
}

/** Files as they are, by our engine. */
export function rawReader(name: string, kind: string, files: readonly string[]): Contender {
  return reading(name, kind, ask(scriptOf('scan.ts'), 'parquet', listOf(files)))
}

function reading(name: string, kind: string, command: () => readonly string[]): Contender {
  return { name: readerName(name, kind), prepare: async () => {}, command, check: async () => {} }
}

function ask(script: string, reader: string, place: string): () => readonly string[] {
  return () => [process.execPath, script, reader, place, String(REPEATS), SCAN_SQL]
}

function listOf(files: readonly string[]): string {
  return `[${files.map(literal).join(', ')}]`
}

/** How our reads compare in that state of the table. */
export function readFigures(
  runs: readonly Run[],
  kind: string,
  goals: { readonly raw: Goal; readonly deltaRs?: Goal; readonly duckdb?: Goal },
): readonly Figure[] {
  const name = (reader: string): string => readerName(reader, kind)
  const ratio = (above: string, below: string): readonly number[] => ratiosOf(runs, name(above), name(below), ownMs)
  return [
    figureOf(
      `${kind}: Tributary takes, of the time of raw Parquet`,
      'times',
      ratio('tributary', 'raw parquet'),
      goals.raw,
    ),
    figureOf(
      `${kind}: delta-rs takes, of the time of Tributary`,
      'times',
      ratio('delta-rs', 'tributary'),
      goals.deltaRs,
    ),
    figureOf(
      `${kind}: Tributary takes, of the time of DuckDB’s delta extension`,
      'times',
      ratio('tributary', 'duckdb delta'),
      goals.duckdb,
    ),
  ]
}

/** Throws when readers of the same rows count different ones. */
export function assertAgreed(
  runs: readonly Run[],
  { kind, rows }: { readonly kind: string; readonly rows: number },
): void {
  for (const { contender, measured } of runs) {
    const isRaw = contender.startsWith('raw parquet')
    if (contender.includes(`, ${kind}`) && !isRaw && measured.own.rows !== rows)
      throw new Error(`${contender} counts ${measured.own.rows} rows where there are ${rows}`)
  }
}

function readerName(name: string, kind: string): string {
  return name.endsWith(' (base)') ? `${name.slice(0, -7)}, ${kind} (base)` : `${name}, ${kind}`
}
