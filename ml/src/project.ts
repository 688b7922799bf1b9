// A project as one object: its tables and features by name, and one engine behind them, which starts when it is first needed.
import { dirname, resolve } from 'node:path'
import { type Batch, type Engine, openEngine, storeAt } from '@tributary/delta'
import {
  type ChangesView,
  type ChangesWish,
  findNamedTable,
  type Lake,
  openLake,
  readConfig,
  readTableChanges,
} from '@tributary/pipeline'
import type { FeatureDefinition } from './features/definition.ts'
import { findFeature, readFeatures } from './features/feature-files.ts'
import { type RefreshOptions, type RefreshOutcome, refreshFeature, refreshMemory } from './features/refresh.ts'

/** A live table of a project. */
export interface ProjectTable {
  /**
   * What has changed in the table, in batches stored by column; see `readTableChanges`. Throws `TABLE_UNKNOWN`, and what that throws.
   */
  readonly changes: (wish?: Omit<ChangesWish, 'nowMs'> & ChangesView) => AsyncGenerator<Batch>
}

/** What a refresh did, and how many rows of the feature it changed. */
export interface FeatureRefresh extends RefreshOutcome {
  readonly changed: number
}

/** A project: what its configuration names, and the features beside it. */
export interface Project {
  /** A table by its name, or any Delta table by its path; nothing is read before its rows are. */
  readonly table: (name: string) => ProjectTable
  readonly features: {
    /** Brings a feature, one of the folder's or one from `defineFeature`, to the newest versions of its tables; see `refreshFeature`. Throws `FEATURE_UNKNOWN`, `FEATURE_INVALID`, and what that throws. */
    readonly refresh: (feature: string | FeatureDefinition, options?: RefreshOptions) => Promise<FeatureRefresh>
  }
  /** Ends the engine and what still runs on it. */
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/**
 * Opens the project of a `tributary.yaml`, also in S3. Throws `CONFIG_INVALID`.
 *
 * @example
 * await using lake = await openProject('tributary.yaml')
 * for await (const batch of lake.table('flights').changes({ since: '15m', net: true })) use(batch)
 * const { mode, changed } = await lake.features.refresh('carrier_day')
 */
export async function openProject(config: string): Promise<Project> {
  const isInBucket = /^s3a?:\/\//i.test(config)
  const path = isInBucket ? config : resolve(config)
  const lake = openLake(await readConfig(path))
  const folder = isInBucket ? path.slice(0, path.lastIndexOf('/')) : dirname(path)
  const memory = refreshMemory()
  let engine: Promise<Engine> | undefined
  const start = (): Promise<Engine> => {
    engine ??= openEngine()
    return engine
  }
  const close = async (): Promise<void> => {
    const started = engine
    engine = undefined
    await (await started)?.close()
  }
  const definitionOf = async (feature: string | FeatureDefinition): Promise<FeatureDefinition> =>
    typeof feature === 'string' ? findFeature(await readFeatures(storeAt(folder)), feature) : feature
  return {
    table: (name) => ({ changes: (wish = {}) => changesOf(lake, name, { start, wish }) }),
    features: {
      refresh: async (feature, options = {}) => {
        const done = await refreshFeature(lake, await start(), await definitionOf(feature), { memory, ...options })
        return { ...done, changed: done.inserted + done.updated + done.deleted }
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function* changesOf(
  lake: Lake,
  name: string,
  { start, wish }: { readonly start: () => Promise<Engine>; readonly wish: Omit<ChangesWish, 'nowMs'> & ChangesView },
): AsyncGenerator<Batch> {
  const { store } = await findNamedTable(lake, name)
  yield* readTableChanges(await start(), store, { ...wish, nowMs: lake.clock.now() })
}
