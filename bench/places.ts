import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, readdir, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

/** This folder. */
export const BENCH: string = import.meta.dirname
const ROOT = join(BENCH, '..')

/** The root of this checkout. */
export const CHECKOUT: string = ROOT
/** Jars of Delta for Spark, where `make spark` put them. */
export const DELTA_JARS: string = join(ROOT, '.venv', 'delta-jars')
/** Python with the other readers in it. */
export const PYTHON: string = join(ROOT, '.venv', 'bin', 'python')

/** A script that is measured in a process of its own. */
export function scriptOf(name: string): string {
  return scriptIn(ROOT, name)
}

/** The same in another checkout: what it imports is then that one's. */
export function scriptIn(root: string, name: string): string {
  return join(root, 'bench', 'processes', name)
}

/** An extension of DuckDB for the version that is linked here: it comes in the Python environment. */
export async function findExtension(name: 'delta' | 'tpch'): Promise<string> {
  const environment = join(PYTHON, '..', '..')
  for (const python of await readdir(join(environment, 'lib'))) {
    const versions = join(environment, 'lib', python, 'site-packages', `duckdb_extension_${name}`, 'extensions')
    for (const version of existsSync(versions) ? await readdir(versions) : [])
      return join(versions, version, `${name}.duckdb_extension`)
  }
  throw new Error(`DuckDB's extension ${name} is not installed: run make bench, which does so`)
}

/**
 * A copy of a folder for one round. Data files and runs of a key index never change once written, so they are hard links; logs, sidecars
 * and all else small are real copies with their times, so that a round leaves no trace in the next.
 */
export async function copyFolder(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true })
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) await copyFolder(from, to)
    else if (/\.(parquet|run)$/.test(entry.name) && !/[/](_delta_log|_tributary)([/]|$)/.test(source))
      await link(from, to)
    else {
      await copyFile(from, to)
      const { atime, mtimeMs } = await stat(from)
      // A little more than the whole millisecond: seconds as a fraction would end below it, and the file be taken for a copy.
      await utimes(to, atime, (Math.floor(mtimeMs) + 0.2) / 1000)
    }
  }
}

/** Number and size of the Parquet files of a table's folder. */
export async function dataFilesOf(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  let [files, bytes] = [0, 0]
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.parquet')) continue
    files += 1
    bytes += (await stat(join(folder, name))).size
  }
  return { files, bytes }
}
