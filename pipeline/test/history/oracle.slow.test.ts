import { rm } from 'node:fs/promises'
import { openEngine } from '@tributary/delta'
import { expect, test } from 'vitest'
import { type Delivered, replay } from '../support/oracle.ts'
import { randomEndpoint, randomTable } from '../support/profile.ts'
import { randomFrom } from '../support/random.ts'
import { nextDelivery, openStream } from '../support/stream.ts'
import { openTally } from '../support/tally.ts'

const plain = { movedFrom: undefined, unset: new Set<number>(), phase: 1, sequence: '', place: 'a', at: 0 } as const

test('the oracle orders by phase, sequence, place and row', () => {
  const changes: readonly Delivered[] = [
    { ...plain, op: 'U', key: 'k', row: ['newest'], sequence: '2', place: 'a' },
    { ...plain, op: 'U', key: 'k', row: ['older'], sequence: '1', place: 'b', at: 1 },
    { ...plain, op: 'D', key: 'k', row: [null], sequence: '1', place: 'b', at: 0 },
    { ...plain, op: 'I', key: 'k', row: ['loaded'], phase: 0, place: 'z' },
  ]
  expect([...replay(changes)]).toEqual([['k', ['newest']]])
})

test('the oracle moves a row whose key changed and keeps what was not logged', () => {
  const changes: readonly Delivered[] = [
    { ...plain, op: 'I', key: '1', row: ['1', 'kept'], at: 0 },
    { ...plain, op: 'U', key: '2', movedFrom: '1', row: ['2', null], unset: new Set([1]), at: 1 },
  ]
  expect([...replay(changes)]).toEqual([['2', ['2', 'kept']]])
})

test('any random deliveries lead the oracle to the source', { timeout: 60_000 }, async () => {
  const engine = await openEngine()
  const seed = 20_260_301
  for (let kind = 0; kind < 300; kind += 1) {
    const random = randomFrom(seed + kind)
    // Parquet costs a COPY a file and adds nothing here.
    const endpoint = { ...randomEndpoint(random, kind), format: 'csv' as const }
    const table = { ...randomTable(random, endpoint, kind % 3), isMixed: false }
    const stream = openStream({ random, engine, endpoint, table }, openTally([]))
    for (let step = 0; step < 5; step += 1) await nextDelivery(stream, step, step === 4)
    const blank = (value: string | null): string | null =>
      endpoint.nullMarker === undefined && value === '' ? null : value
    const rows = [...replay(stream.generation).values()].map((row) =>
      JSON.stringify(row.slice(0, table.columns.length).map(blank)),
    )
    const expected = [...stream.source.rows.values()].map((row) => JSON.stringify(row.map(blank)))
    expect(rows.toSorted(), `kind ${kind}`).toEqual(expected.toSorted())
  }
  await engine.close()
  await rm(engine.tempFolder, { recursive: true, force: true })
})
