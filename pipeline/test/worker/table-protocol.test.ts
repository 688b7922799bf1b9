import { join } from 'node:path'
import { commit, type Snapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HISTORY, land, openPlace, TABLE, take } from '../history-table/history-place.ts'
import { openWorkplace, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

async function protocolsOf(place: Awaited<ReturnType<typeof openPlace>>): Promise<readonly Snapshot['protocol'][]> {
  const snapshots = [await snapshotOf(place.lake, TABLE), await snapshotOf(place.lake, HISTORY)]
  return snapshots.flatMap((snapshot) => (snapshot === undefined ? [] : [snapshot.protocol]))
}

const WITH_TIME = ', columns: {id: long, name: string, size: integer, at: timestamp_ntz}'
const HEADER = { header: 'Op,id,name,size,at' }

test('a column of a type that needs a feature brings it along, beside those that the table has, and so in the history', async () => {
  const folder = join(workplace.folder, 'later')
  const first = await openPlace(folder)
  await land(first, 'LOAD00000001.csv', ['I,1,a,1'])
  await take(first, workplace.engine)
  const [live, history] = await protocolsOf(first)
  expect(live?.readerFeatures).toEqual(['deletionVectors'])
  expect(history).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })

  const second = await openPlace(folder, { table: WITH_TIME })
  await land(second, '20260301-100000000.csv', ['U,1,b,1,2026-01-01 10:00:00'], HEADER)
  await take(second, workplace.engine)
  expect(await protocolsOf(second)).toEqual([
    {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors', 'timestampNtz'],
      writerFeatures: ['deletionVectors', 'domainMetadata', 'timestampNtz'],
    },
    {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
    },
  ])
})

test('the next batch raises the protocol of a table that got such a column without it', async () => {
  const place = await openPlace(join(workplace.folder, 'healed'), { table: WITH_TIME })
  await land(place, 'LOAD00000001.csv', ['I,1,a,1,2026-01-01 10:00:00'], HEADER)
  await take(place, workplace.engine)
  const right = await protocolsOf(place)
  const { store, version, protocol } = (await snapshotOf(place.lake, TABLE)) ?? expect.fail('it is there')
  const without = (names: readonly string[] = []) => names.filter((name) => name !== 'timestampNtz')
  const lower = {
    ...protocol,
    readerFeatures: without(protocol.readerFeatures),
    writerFeatures: without(protocol.writerFeatures),
  }
  await commit(store, place.lake.clock, {
    readVersion: version,
    actions: [{ protocol: lower }],
    info: { operation: 'MANUAL UPDATE' },
  })
  await land(place, '20260301-100000000.csv', ['U,1,b,1,2026-01-01 11:00:00'], HEADER)
  await take(place, workplace.engine)
  expect(await protocolsOf(place)).toEqual(right)
})
