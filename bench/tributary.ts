// Tributary as a contender: the command as users start it, and a worker that runs already.

import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { WARM_UPS } from './batches.ts'
import { copyFolder, scriptIn } from './places.ts'
import { type Base, cacheOf, changesName, checkLake, indexFolderOf, landingOf, NO_CACHE } from './project.ts'
import type { Bench, Contender, Program } from './rounds.ts'

/** What a contender is to apply to its copy of a base. */
export interface Work {
  readonly base: Base
  /** The first of them warm up. */
  readonly batches: readonly string[]
  readonly name: string
}

/** `tributary ingest` from start to end, one batch; with the index that an earlier process left, or without any. */
export function wholeProcess(
  bench: Bench,
  { suffix, root }: Program,
  { base, batch, index }: { readonly base: Base; readonly batch: string; readonly index: 'kept' | 'none' },
): Contender {
  const { table } = base.dataset.source.shape
  return {
    name: `${index === 'kept' ? 'tributary' : 'tributary, no index'}${suffix}`,
    prepare: async (folder) => {
      await copyFolder(base.folder, folder)
      await link(batch, join(landingOf(folder, table), changesName(2)))
    },
    command: (folder) => [join(root, 'bin', 'tributary'), 'ingest', '-C', folder],
    environment: (folder) => (index === 'kept' ? cacheOf(folder) : NO_CACHE),
    check: (folder) => checkLake(bench, base, { folder, more: [batch] }),
  }
}

/** A worker with one engine, one session and its index: batches to warm up, then those that count. */
export function warmWorker(bench: Bench, { suffix, root }: Program, { base, batches, name }: Work): Contender {
  const { table } = base.dataset.source.shape
  return {
    name: `${name}${suffix}`,
    prepare: (folder) => copyFolder(base.folder, folder),
    command: (folder) => [
      process.execPath,
      scriptIn(root, 'warm.ts'),
      folder,
      indexFolderOf(folder),
      String(WARM_UPS),
      ...batches.flatMap((batch, turn) => [batch, join(landingOf(folder, table), changesName(turn + 2))]),
    ],
    check: (folder) => checkLake(bench, base, { folder, more: batches }),
  }
}
