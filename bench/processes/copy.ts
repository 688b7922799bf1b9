// DuckDB alone: reads CSV files and writes one Parquet file, with its defaults. With a LOAD it is the peer of our first load; with a
// batch of changes it is the floor of an upsert. It validates nothing and knows no keys.

import { openDuck } from '../engine.ts'
import { csvColumns } from '../orders.ts'

const [source = '', target = '', kind = ''] = process.argv.slice(2)
const duck = await openDuck()
const startedMs = performance.now()
await duck.run(
  `COPY (SELECT * FROM read_csv('${source}', header = true, columns = ${csvColumns({ withOp: kind === 'changes' })})) TO '${target}' (FORMAT parquet)`,
)
console.log(JSON.stringify({ ms: performance.now() - startedMs }))
duck.close()
