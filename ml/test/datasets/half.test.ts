// Nothing half published: the manifest comes last, so whatever fails before it leaves no dataset, and the next build leaves a whole one.
import { join } from 'node:path'
import { openLake, readConfig } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { buildDataset, listDatasets, parseDefinition, verdictText, verifyDataset } from '../../src/index.ts'
import { type Fault, failAt } from '../failing-store.ts'
import { type Change, fixedClock, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()

const DEFINITION = parseDefinition(
  `dataset: d
spine: {sql: 'SELECT id, t AS "at" FROM s.rows', key: [id], at: at}
features:
  - asof: {table: s.rows, on: [id], select: [t], as: own}
split: {by: hash, salt: x, train: 0.5, test: 0.5}
`,
  'd.yml',
)

test.each(['before', 'after'] as const)(
  'a build that fails %s any of its writes leaves no dataset or all of it',
  async (moment) => {
    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
    const changes = Array.from(
      { length: 20 },
      (_, id): Change => ({ op: 'I', sourceAt: at(id), values: { id: BigInt(id), t: at(id) } }),
    )
    const rows = { name: 's.rows', key: ['id'], columns: { id: 'long', t: 'timestamp' }, changes } as const
    const { folder, lake } = await writeLake(engine(), await fresh(), [rows])
    const config = await readConfig(join(folder, 'tributary.yaml'))
    const buildWith = async (fault: Fault): Promise<boolean> => {
      const { wrap, hasFailed } = failAt(fault)
      const outcome = await buildDataset(
        openLake(config, { clock: fixedClock, wrapStore: wrap }),
        engine(),
        DEFINITION,
        {
          pins: true,
        },
      ).catch((error: unknown) => error)
      expect(outcome instanceof Error).toBe(hasFailed())
      return hasFailed()
    }
    let write = 0
    while (await buildWith({ write, moment })) {
      for (const manifest of await listDatasets(lake))
        expect(verdictText(await verifyDataset(lake, engine(), manifest))).toBe('REPRODUCED')
      write += 1
    }
    const [manifest, ...others] = await listDatasets(lake)
    expect(others).toEqual([])
    // Two parts, statistics, manifest; Croissant after it, which the next build makes where it is missing.
    expect(write).toBe(moment === 'before' ? 5 : 4)
    expect(manifest?.sources.map(({ pinned }) => pinned)).toEqual([true, true])
    if (manifest !== undefined) expect(verdictText(await verifyDataset(lake, engine(), manifest))).toBe('REPRODUCED')
  },
)
