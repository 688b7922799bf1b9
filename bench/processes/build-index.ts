// A worker meets a large table for the first time: its first batch scans the keys, and then the index is built, which is what counts.

import { join } from 'node:path'
import { openEngine } from '@tributary/delta'
import { ingest, openLake, readConfig } from '@tributary/pipeline'

const [project = '', index = ''] = process.argv.slice(2)
// A try with few rows is to build an index too.
const lake = openLake(await readConfig(join(project, 'tributary.yaml')), {
  index: { folder: index, scannedRowsMax: 0 },
})
const engine = await openEngine()
let [ms, keys] = [0, 0]
const { tables } = await ingest(lake, engine, {
  onEvent: (event) => {
    if (event.kind === 'indexed') [ms, keys] = [event.ms, event.keys]
  },
})
if (tables.some(({ stopped }) => stopped !== null) || keys === 0)
  throw new Error(`an index was to be built: ${JSON.stringify(tables)}`)
console.log(JSON.stringify({ ms, keys }))
await engine.close()
