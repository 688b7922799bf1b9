// A worker that is already running: one batch to warm up, then the batch that counts, in one process with one engine and one
// session. The second file lands, as in life, after the first is committed.

import { link } from 'node:fs/promises'
import { openEngine } from '@tributary/delta'
import { ingest, openLake, readConfig } from '@tributary/pipeline'

const [configuration = '', source = '', target = ''] = process.argv.slice(2)
const lake = openLake(await readConfig(configuration))
const engine = await openEngine()
const sessions = new Map()
await ingestOne()
await link(source, target)
const startedMs = performance.now()
await ingestOne()
console.log(JSON.stringify({ ms: performance.now() - startedMs }))
await engine.close()

async function ingestOne(): Promise<void> {
  const { tables } = await ingest(lake, engine, { sessions })
  const [table] = tables
  if (table === undefined || table.stopped !== null || table.files !== 1)
    throw new Error(`one file was to be applied: ${JSON.stringify(tables)}`)
}
