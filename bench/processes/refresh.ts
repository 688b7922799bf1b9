// A worker that refreshes a feature each hour: `refresh.ts PROJECT FEATURE incremental|full WARM_UPS HOURS`, where HOURS is a file of hours that
// are to land, one after the other. What comes in is ingested first and takes no part in the time. Of the hours after the warm-up the median counts.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { localStore, openEngine } from '@tributary/delta'
import { findFeature, readFeatures, refreshFeature, refreshMemory } from '@tributary/ml'
import { ingest, openLake, readConfig } from '@tributary/pipeline'
import { type HeldHour, landHour } from '../flights.ts'

const [project = '', name = '', mode = '', warmUps = '0', hours = ''] = process.argv.slice(2)
const lake = openLake(await readConfig(join(project, 'tributary.yaml')))
const feature = findFeature(await readFeatures(localStore(project)), name)
const engine = await openEngine()
const memory = refreshMemory()
const sessions: NonNullable<Parameters<typeof ingest>[2]>['sessions'] & object = new Map()
const counted: { readonly ms: number; readonly affected: number; readonly changed: number }[] = []
for (const [turn, { untilMs, files }] of parseHours(await readFile(hours, 'utf8')).entries()) {
  await landHour(project, files)
  await ingest(lake, engine, { sessions })
  const startedMs = performance.now()
  const outcome = await refreshFeature(lake, engine, feature, { full: mode === 'full', asOfMs: untilMs, memory })
  const ms = performance.now() - startedMs
  if (turn < Number(warmUps)) continue
  // An hour that changed nothing says nothing about those that did.
  if (outcome.kind !== 'refreshed' || outcome.mode !== mode)
    throw new Error(`a refresh in mode ${mode} was to be measured: ${JSON.stringify(outcome)}`)
  counted.push({ ms, affected: outcome.affected, changed: outcome.inserted + outcome.updated + outcome.deleted })
}
console.log(JSON.stringify({ ms: median('ms'), affected: median('affected'), changed: median('changed') }))
await engine.close()

function median(of: keyof (typeof counted)[number]): number {
  const sorted = counted.map((each) => each[of]).toSorted((one, other) => one - other)
  return sorted[sorted.length >> 1] ?? 0
}

function parseHours(text: string): readonly HeldHour[] {
  return JSON.parse(text) as readonly HeldHour[]
}
