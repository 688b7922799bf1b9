// A project as a user has one: configuration, landing, lake, and the folder of caches with the key index in it.

import { existsSync } from 'node:fs'
import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from './dataset.ts'
import { assertSame, digestDelta } from './digest.ts'
import { measure } from './measure.ts'
import { BENCH, CHECKOUT, copyFolder, scriptOf } from './places.ts'
import { type Bench, roundFolder } from './rounds.ts'
import { configurationOf } from './shape.ts'

/** A project whose table holds the rows and one batch, and has its key index. Contenders begin with a copy of it. */
export interface Base {
  readonly dataset: Dataset
  readonly folder: string
  /** What its table took in so far. */
  readonly batches: readonly string[]
}

/** Writes the configuration of a project, with batches or LOAD files in its landing under the names that they are given. */
export async function makeProject(
  folder: string,
  { source }: Dataset,
  landed: Readonly<Record<string, string>> = {},
): Promise<void> {
  const landing = landingOf(folder, source.shape.table)
  await mkdir(landing, { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), configurationOf(source.shape))
  for (const [name, path] of Object.entries(landed)) await link(path, join(landing, name))
}

/** The LOAD files of a dataset, by name. */
export async function loadFiles(dataset: Dataset): Promise<Readonly<Record<string, string>>> {
  const folder = await dataset.load()
  return Object.fromEntries((await readdir(folder)).map((name) => [name, join(folder, name)]))
}

/** Where a project's landing files of a table lie. */
export function landingOf(project: string, table: string): string {
  return join(project, 'landing', ...table.split('.'))
}

/** Where a project's Delta table lies. */
export function lakeOf(project: string, table: string): string {
  return join(project, 'lake', ...table.split('.'))
}

// Compiled code is kept from run to run, as it is for a user who runs a command twice; it depends on nothing but the code.
const COMPILED = { NODE_COMPILE_CACHE: join(BENCH, 'data', 'compiled') }

/** The variables by which the command keeps its caches in the project: what it measures must not depend on the machine's own. */
export function cacheOf(project: string): { readonly XDG_CACHE_HOME: string; readonly NODE_COMPILE_CACHE: string } {
  return { XDG_CACHE_HOME: join(project, 'cache'), ...COMPILED }
}

/** The variables by which the command has no place for caches: it asks no index and builds none. */
export const NO_CACHE: Readonly<Record<string, string | undefined>> = {
  XDG_CACHE_HOME: undefined,
  HOME: undefined,
  ...COMPILED,
}

/** The folder of key indexes, where the command looks for it. */
export function indexFolderOf(project: string): string {
  return join(cacheOf(project).XDG_CACHE_HOME, 'tributary', 'index')
}

/** The name of a landing file, later for larger numbers. */
export function changesName(number: number): string {
  const time = new Date(Date.UTC(2026, 0, 1) + number * 60_000).toISOString()
  return `${time.slice(0, 10).replaceAll('-', '')}-${time.slice(11, 23).replaceAll(/\D/g, '')}.csv`
}

/**
 * Adopts the dataset's table without rewriting a file, lets it take in the first batch, and builds the index that this batch missed. One
 * base of a dataset serves all suites of a run.
 */
export async function makeBase(bench: Bench, dataset: Dataset): Promise<Base> {
  const batch = await dataset.batch({ changes: bench.options.changes, number: 1, keys: 'random' })
  const folder = join(bench.work, `base-${dataset.source.name}-${dataset.rows}`)
  if (!existsSync(folder)) await prepareBase(bench, dataset, { batch, folder })
  return { dataset, folder, batches: [batch] }
}

async function prepareBase(
  bench: Bench,
  dataset: Dataset,
  { batch, folder }: { readonly batch: string; readonly folder: string },
): Promise<void> {
  const round = roundFolder(bench)
  await adoptInto(bench, dataset, { batch, folder: round })
  await rename(round, folder)
}

/** A project as a base has it, in a place of its own: a key index belongs to its table's place, so one of a copy elsewhere is not found. */
export async function adoptInto(
  bench: Bench,
  dataset: Dataset,
  { batch, folder }: { readonly batch: string; readonly folder: string },
): Promise<void> {
  const { table } = dataset.source.shape
  await rm(folder, { recursive: true, force: true })
  await makeProject(folder, dataset)
  await copyFolder(dataset.table, lakeOf(folder, table))
  bench.say(`adopting ${table} with ${dataset.rows} rows and building its key index`)
  await measure([join(CHECKOUT, 'bin', 'tributary'), 'adopt', table, '--yes', '-C', folder], {
    cwd: folder,
    environment: cacheOf(folder),
  })
  await link(batch, join(landingOf(folder, table), changesName(1)))
  await measure([process.execPath, scriptOf('build-index.ts'), folder, indexFolderOf(folder)], { cwd: folder })
}

/** Proves the rows of a project's table after the base's batches and these. */
export async function checkLake(
  { duck }: Bench,
  { dataset, batches }: Pick<Base, 'dataset' | 'batches'>,
  { folder, more }: { readonly folder: string; readonly more: readonly string[] },
): Promise<void> {
  const { shape } = dataset.source
  const expected = await dataset.expected([...batches, ...more])
  assertSame('tributary', await digestDelta(duck, shape, lakeOf(folder, shape.table)), expected)
}
