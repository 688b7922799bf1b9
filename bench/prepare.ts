// `node bench/prepare.ts [--rows …]`: generates what all suites need, on one thread, so that a run begins with the measuring. What is there
// already stays; a run makes by itself what is not.

import { laterBatches } from './batches.ts'
import { prepareDataset } from './dataset.ts'
import { openDuck } from './engine.ts'
import { flightsOf } from './flights.ts'
import { LINEITEM } from './lineitem.ts'
import { parseOptions } from './options.ts'
import { ORDERS } from './orders.ts'
import { batchesOfDay } from './suites/day.ts'
import { sizesOf } from './suites/growth.ts'

const options = parseOptions(process.argv.slice(2))
const duck = await openDuck()
await duck.run('SET threads = 1')
const parts = { duck, say: (text: string): void => console.error(`bench: ${text}`) }
const { changes, seed } = options

const orders = await prepareDataset(parts, ORDERS, options)
parts.say('writing LOAD files and the batches of a day')
await orders.load()
await batchesOfDay(orders, options)
await flightsOf(parts, options)
await prepareDataset(parts, LINEITEM, options)
for (const rows of sizesOf(options)) {
  const dataset = await prepareDataset(parts, ORDERS, { rows, seed })
  parts.say(`computing what ${rows} rows become`)
  const first = await dataset.batch({ changes, number: 1, keys: 'random' })
  const batches = await laterBatches(dataset, { changes })
  await dataset.expected([first, ...batches])
  await dataset.expected(batches.slice(0, 1))
}
duck.close()
