// Worth its seconds: only processes of their own race as users' do. A minute of it runs under TRIBUTARY_SOAK=1.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workshop } from '../read/table.ts'
import { peerRows, runPython } from '../readers/peers.ts'
import { IS_SOAK } from '../soak.ts'
import { rowsOf } from '../write/support.ts'
import { expectSerial, operationsInLog, runOurs, startTable } from './race.ts'

const SECONDS = IS_SOAK ? 60 : 5
const PROCESSES = 4

let place: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  place = await workshop()
})
afterAll(() => place.close())

test('four processes of ours and delta-rs write one table, and the result is that of a serial order', async () => {
  const folder = join(place.folder, 'plain')
  const table = await startTable(place.engine, folder)
  const peer = join(import.meta.dirname, 'delta-rs-writer.py')
  const theirTurn = runPython(peer, folder, String(SECONDS))
  const [ours, told] = await Promise.all([
    runOurs(folder, { processes: PROCESSES, seconds: SECONDS, until: theirTurn }),
    theirTurn,
  ])
  const done = JSON.parse(told) as Readonly<Record<string, number>>
  const theirs = await operationsInLog(table)
  await expectSerial(table, new Map([...ours, ...theirs]))
  // Nobody starved: the test would prove nothing.
  expect(ours.size, 'our commits').toBeGreaterThan(PROCESSES)
  expect(theirs.size, JSON.stringify(done)).toBeGreaterThan(0)
  const { version } = await table.snapshot()
  expect(await peerRows(folder, join(place.folder, 'rows'), version)).toHaveLength((await rowsOf(table)).length)
})

test('four processes of ours mark rows of the same files, and the result is that of a serial order', async () => {
  const folder = join(place.folder, 'marking')
  const table = await startTable(place.engine, folder, { deletionVectors: true })
  const ours = await runOurs(folder, { processes: PROCESSES, seconds: SECONDS })
  await expectSerial(table, ours)
  expect(ours.size).toBeGreaterThan(PROCESSES)
})
