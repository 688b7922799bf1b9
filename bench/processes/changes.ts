// The changes of a table's last commit in a process that runs already: `changes.ts rows|summary|files TABLE REPEATS`. Once to warm up, then again
// and again; the median counts. `files` reads the files that the commit added as they are: what came, and nothing of what it was before.

import { type Engine, localStore, openEngine, readCommits, readSnapshot } from '@tributary/delta'
import { planChanges, readTableChanges, summarizeChanges } from '@tributary/pipeline'
import { literal } from '../engine.ts'

const [what = '', table = '', repeats = '1'] = process.argv.slice(2)
const store = localStore(table)
const last = (await readSnapshot(store)).version
const wish = { fromVersion: last, toVersion: last, nowMs: Date.now() }
const engine = await openEngine()
const ask = what === 'files' ? await filesReader(engine) : what === 'summary' ? summary : rows

let count = await ask()
const took: number[] = []
for (let turn = 0; turn < Number(repeats); turn++) {
  const startedMs = performance.now()
  count = await ask()
  took.push(performance.now() - startedMs)
}
const sorted = took.toSorted((one, other) => one - other)
console.log(JSON.stringify({ ms: sorted[sorted.length >> 1] ?? 0, rows: count }))
await engine.close()

async function rows(): Promise<number> {
  let read = 0
  for await (const batch of readTableChanges(engine, store, wish)) read += batch.rowCount
  return read
}

async function summary(): Promise<number> {
  const { inserted, updated, deleted } = await summarizeChanges(engine, {
    table: 't',
    planned: await planChanges(store, wish),
  })
  return inserted + 2 * updated + deleted
}

async function filesReader(reader: Engine): Promise<() => Promise<number>> {
  const paths: string[] = []
  for await (const { actions } of readCommits(store, { fromVersion: last, toVersion: last }))
    for (const action of actions)
      if ('add' in action && action.add.deletionVector === undefined) paths.push(await store.locate(action.add.path))
  const sql = `FROM read_parquet([${paths.map(literal).join(', ')}])`
  return async () => {
    let read = 0
    for await (const batch of reader.stream(sql)) read += batch.rowCount
    return read
  }
}
