// A worker that is already running: batches to warm up, then the batches that count, in one process with one engine and one session.
// Each file lands, as in life, after the one before it is committed.

import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { openEngine } from '@tributary/delta'
import { ingest, openLake, readConfig } from '@tributary/pipeline'

const [project = '', index = '', warmUps = '0', ...files] = process.argv.slice(2)
const lake = openLake(await readConfig(join(project, 'tributary.yaml')), { index: { folder: index } })
const engine = await openEngine()
const sessions: NonNullable<Parameters<typeof ingest>[2]>['sessions'] & object = new Map()
const took: number[] = []
let misses = 0
for (let at = 0; at < files.length; at += 2) {
  const [source = '', target = ''] = files.slice(at, at + 2)
  await link(source, target)
  const startedMs = performance.now()
  await ingestOne()
  if (at / 2 >= Number(warmUps)) took.push(performance.now() - startedMs)
  // What a worker does between two batches is not what a batch takes: it builds a missing index, and has the system read an index that it
  // found, once, after its first batch. Where it lay on disk alone, batches before that take longer, and warm up here.
  for (const { index: held } of sessions.values()) {
    await held?.reading
    if (held?.building === undefined) continue
    misses += 1
    await held.building
  }
}
const sorted = took.toSorted((one, other) => one - other)
const at = (part: number): number => sorted[Math.round((sorted.length - 1) * part)] ?? 0
console.log(JSON.stringify({ ms: at(0.5), leastMs: at(0), greatestMs: at(1), misses }))
await engine.close()

async function ingestOne(): Promise<void> {
  const { tables } = await ingest(lake, engine, { sessions })
  const [table] = tables
  if (table === undefined || table.stopped !== null || table.files !== 1)
    throw new Error(`one file was to be applied: ${JSON.stringify(tables)}`)
}
