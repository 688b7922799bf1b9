// A process of its own for the race in local.test.ts: creates the same hundred files as its rival and reports what it won.

import { localStore } from '../../src/store/local.ts'

const [folder = ''] = process.argv.slice(2)
const store = localStore(folder)
const outcomes: string[] = []
for (let i = 0; i < 100; i++)
  outcomes.push(await store.create(`_delta_log/${i}.json`, new TextEncoder().encode(`${process.pid}`)))
process.send?.(outcomes)
