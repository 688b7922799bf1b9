// One of the processes of the concurrency test: writer-process.ts TABLE NUMBER SECONDS PAUSE_MS_MAX. Appends, upserts, deletes and optimizes until the
// time is over and its input ends, pausing for a random time after each, a longer one when the time is over, and prints one line of JSON a commit: its version, what it did, and between which
// times.

import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/clock.ts'
import { openEngine } from '../../src/duckdb/engine.ts'
import { openTable } from '../../src/table.ts'
import type { WriteOutcome } from '../../src/write/write-rows.ts'
import { numbersOf, type Operation, SHARED_IDS } from './operations.ts'

const [, , url = '', number = '0', seconds = '5', pauseMsMax = '0'] = process.argv
const next = numbersOf(Number(number) + 1)
const engine = await openEngine({ threads: 1, memoryMiB: 256 })
const table = await openTable(url, { engine })
const OPTIMIZE_EVERY = 7
const LATE_PAUSE_MS_MAX = 2000
const LATE_MS_MAX = 60_000
const end = systemClock.now() + Number(seconds) * 1000
let isWanted = true
process.stdin.on('end', () => {
  isWanted = false
})
process.stdin.resume()

for (let turn = 1; systemClock.now() < (isWanted ? end + LATE_MS_MAX : end); turn++) {
  const pauseMs = systemClock.now() < end ? Number(pauseMsMax) : LATE_PAUSE_MS_MAX
  if (turn > 1 && pauseMs > 0) await sleep(next(pauseMs))
  const startMs = systemClock.now()
  if (turn % OPTIMIZE_EVERY === 0) {
    const { versions } = await table.optimize()
    const endMs = systemClock.now()
    for (const version of versions) print({ version, operation: { kind: 'optimize' }, startMs, endMs })
    continue
  }
  const operation = nextOperation(turn)
  const outcome = await perform(operation)
  const endMs = systemClock.now()
  print(outcome.kind === 'committed' ? { version: outcome.version, operation, startMs, endMs } : { outcome })
}
await engine.close()

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function nextOperation(turn: number): Exclude<Operation, { readonly kind: 'optimize' }> {
  const value = `ours ${number} ${turn}`
  const dice = next(10)
  if (dice < 4) {
    const first = SHARED_IDS + Number(number) * 1_000_000 + turn * 10
    return { kind: 'append', ids: [first, first + 1, first + 2], value }
  }
  if (dice === 9) return { kind: 'delete', id: next(SHARED_IDS) }
  return { kind: 'upsert', ids: [...new Set([next(SHARED_IDS), next(SHARED_IDS), next(SHARED_IDS)])], value }
}

async function perform(operation: ReturnType<typeof nextOperation>): Promise<WriteOutcome> {
  switch (operation.kind) {
    case 'append':
      return table.append(operation.ids.map((id) => ({ id, v: operation.value })))
    case 'upsert':
      return table.upsert({ key: ['id'], changes: operation.ids.map((id) => ({ id, v: operation.value })) })
    case 'delete':
      return table.delete({ kind: '=', column: 'id', value: operation.id })
  }
}
