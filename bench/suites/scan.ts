import { link, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decodePath, localStore, readSnapshot } from '@tributary/delta'
import { prepareDataset } from '../dataset.ts'
import { atLeast, atMost, baseFigures } from '../figures.ts'
import { measure } from '../measure.ts'
import { ORDERS } from '../orders.ts'
import { CHECKOUT, copyFolder } from '../places.ts'
import { changesName, checkLake, lakeOf, landingOf, makeBase, NO_CACHE } from '../project.ts'
import { type Bench, runRounds } from '../rounds.ts'
import { assertAgreed, type Reading, readers, readFigures } from '../scans.ts'
import type { Outcome } from '../suite.ts'

const DELETED_SHARE = 0.01
const WITH_VECTORS = 'with vectors'
const OPTIMIZED = 'optimized'

/** A full scan of a table that has deletion vectors on every file, and of the same table after `optimize`. */
export async function scan(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const deletes = await dataset.batch({
    changes: Math.round(dataset.rows * DELETED_SHARE),
    number: 2,
    keys: 'random',
    only: 'deletes',
  })
  const vectored = await projectOf(bench, WITH_VECTORS)
  await copyFolder(base.folder, vectored)
  await link(deletes, join(landingOf(vectored, ORDERS.shape.table), changesName(2)))
  await command(vectored, ['ingest'])
  const optimized = await projectOf(bench, OPTIMIZED)
  await copyFolder(vectored, optimized)
  await command(optimized, ['optimize', ORDERS.shape.table, '--yes'])
  for (const folder of [vectored, optimized]) await checkLake(bench, base, { folder, more: [deletes] })
  const readings: readonly Reading[] = [
    { project: vectored, kind: WITH_VECTORS, raw: await liveFiles(vectored, { vectorsOn: 'all files' }) },
    { project: optimized, kind: OPTIMIZED, raw: await liveFiles(optimized, { vectorsOn: 'no file' }) },
  ]
  const runs = await runRounds(
    bench,
    'orders/scan',
    readings.flatMap((reading) => readers(bench, reading)),
  )
  const { rows } = await dataset.expected([...base.batches, deletes])
  for (const { kind } of readings) assertAgreed(runs, { kind, rows })
  return {
    work: `sums over 5 of 12 columns of all ${rows} rows, after a hundredth of them was deleted`,
    runs,
    figures: [
      ...readFigures(runs, WITH_VECTORS, { raw: atMost(1.7), deltaRs: atLeast(1), duckdb: atMost(1.3) }),
      ...readFigures(runs, OPTIMIZED, { raw: atMost(1.05), deltaRs: atLeast(1), duckdb: atMost(1) }),
      ...baseFigures(runs),
    ],
  }
}

async function projectOf({ work }: Bench, kind: string): Promise<string> {
  const folder = join(work, `scan-${kind.replace(' ', '-')}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  return folder
}

/** The command without an index that nobody would ask. */
async function command(project: string, args: readonly string[]): Promise<void> {
  await measure([join(CHECKOUT, 'bin', 'tributary'), ...args, '-C', project], {
    cwd: project,
    environment: NO_CACHE,
  })
}

/** The data files of a table. Throws where deletion vectors are not as the suite says. */
async function liveFiles(
  project: string,
  { vectorsOn }: { readonly vectorsOn: 'all files' | 'no file' },
): Promise<readonly string[]> {
  const table = lakeOf(project, ORDERS.shape.table)
  const { files } = await readSnapshot(localStore(table))
  const marked = files.filter(({ deletionVector }) => deletionVector !== undefined).length
  if (marked !== (vectorsOn === 'all files' ? files.length : 0))
    throw new Error(`vectors were to be on ${vectorsOn}, and are on ${marked} of ${files.length}`)
  return files.map(({ path }) => {
    const place = decodePath(path)
    return place.kind === 'relative' ? join(table, place.path) : place.url
  })
}
