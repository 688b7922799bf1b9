// Worth its seconds: no upkeep without a dozen commits.
import { join } from 'node:path'
import { commitInfoOf, type Engine, readCommits } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { spareTime } from '../../src/worker/keep-tables.ts'
import type { IngestEvent } from '../../src/worker/run.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { openFeed, TABLE } from '../support/feed.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

test('rows that come with keys at random lie in the order of the key once they were merged, and when dead rows go', async () => {
  const feed = await openFeed(workplace, 'order')
  const load = async (first: number): Promise<void> => {
    // Each batch has keys of all over, and none twice.
    for (let batch = 0; batch < 8; batch++)
      await feed.ingest(
        Array.from({ length: 16_000 }, (_, at) => `I,${first + batch * 2 + ((at * 7919) % 16_000) * 16},x`),
      )
  }
  const layout = async (): Promise<readonly unknown[]> => {
    const { store, files } = await feed.snapshot()
    const found = []
    for (const { path, tags } of files) {
      const [row] = await workplace.engine.all(
        `SELECT count(*)::INTEGER AS n, bool_and(id > coalesce(before, -1)) AS ordered
          FROM (SELECT id, lag(id) OVER (ORDER BY file_row_number) AS before FROM read_parquet('${join(store.url, path)}', file_row_number = true))`,
      )
      found.push({ rows: row?.['n'], ordered: row?.['ordered'], by: tags?.['tributary.sortedBy'] })
    }
    return found
  }
  await load(0)
  const merged = { rows: 128_000, ordered: true, by: '["id"]' }
  expect(await layout()).toEqual([merged])
  await load(1)
  expect(await layout()).toEqual([merged, merged])
  const ids = await feed.rows()
  const gone = ids.filter((_, at) => at % 3 === 0)
  await feed.ingest(gone.map((row) => `D,${row.split('=')[0]},x`))
  expect(await feed.operations()).toEqual([
    ...Array(2)
      .fill([...Array(8).fill('UPSERT'), 'OPTIMIZE'])
      .flat(),
    'UPSERT',
    'OPTIMIZE',
  ])
  expect(await layout()).toEqual([{ rows: 256_000 - gone.length, ordered: true, by: '["id"]' }])
  expect(await feed.rows()).toEqual(ids.filter((_, at) => at % 3 !== 0))
  const { store, version } = await feed.snapshot()
  for await (const { actions } of readCommits(store, { fromVersion: version, toVersion: version }))
    expect(commitInfoOf(actions)?.operationParameters).toMatchObject({ auto: 'true', sortBy: '["id"]', zOrderBy: '[]' })
})

test('rows that are sorted while another process updates and deletes some of them stay updated and deleted', async () => {
  const feed = await openFeed(workplace, 'sorted-beside')
  const sessions = new Map<string, TableSession>()
  const upkeep = spareTime()
  for (let batch = 0; batch < 8; batch++)
    await feed.ingest(
      Array.from({ length: 16_000 }, (_, at) => `I,${batch + ((at * 7919) % 16_000) * 8},x`),
      { sessions, upkeep },
    )
  const before = await feed.rows()
  // The rewrite is under way, and cannot commit yet.
  const end = await sessions.get(TABLE)?.turns.take()
  const gone = Array.from({ length: 500 }, (_, at) => at * 251)
  await feed.ingest(['U,3,y', ...gone.map((id) => `D,${id},x`)], { upkeep: { offer: () => undefined } })
  end?.()
  await upkeep.settled()
  expect((await feed.operations()).slice(7)).toEqual(['UPSERT', 'UPSERT', 'OPTIMIZE'])
  const dead = new Set(gone.map((id) => `${id}=x`))
  expect(await feed.rows()).toEqual(before.filter((row) => !dead.has(row)).map((row) => (row === '3=x' ? '3=y' : row)))
  expect((await feed.snapshot()).files.map(({ tags }) => tags?.['tributary.sortedBy'])).toContain('["id"]')
})

test('rows that cannot be sorted, for want of disk, are merged as they lie, and that is told', async () => {
  const feed = await openFeed(workplace, 'no-room')
  for (let batch = 0; batch < 7; batch++)
    await feed.ingest(Array.from({ length: 16_000 }, (_, at) => `I,${at * 8 + batch},x`))
  await feed.put(Array.from({ length: 16_000 }, (_, at) => `I,${at * 8 + 7},x`))
  const events: IngestEvent[] = []
  await ingest(feed.lake, withoutSorts(workplace.engine), { onEvent: (event) => events.push(event) })
  expect(events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))).toEqual([
    'rows could not be sorted, so they stay as they lie: the disk is full. A test did this.',
  ])
  expect((await feed.operations()).at(-1)).toBe('OPTIMIZE')
  const { files } = await feed.snapshot()
  expect(files.map(({ tags }) => tags?.['tributary.sortedBy'])).toEqual([undefined])
  expect(await feed.rows()).toHaveLength(128_000)
})

function withoutSorts(engine: Engine): Engine {
  return {
    ...engine,
    run: (sql) =>
      sql.startsWith('CREATE TEMP TABLE clustered ')
        ? Promise.reject(new Error('the disk is full. A test did this.'))
        : engine.run(sql),
    fork: async () => withoutSorts(await engine.fork()),
  }
}
