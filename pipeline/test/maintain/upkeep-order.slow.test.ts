// Worth its seconds: no upkeep without a dozen commits.
import { join } from 'node:path'
import { commitInfoOf, readCommits } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFeed } from '../support/feed.ts'
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
      await feed.ingest(Array.from({ length: 500 }, (_, at) => `I,${first + batch * 2 + ((at * 7919) % 8000) * 16},x`))
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
  const merged = { rows: 4000, ordered: true, by: '["id"]' }
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
  expect(await layout()).toEqual([{ rows: 8000 - gone.length, ordered: true, by: '["id"]' }])
  expect(await feed.rows()).toEqual(ids.filter((_, at) => at % 3 !== 0))
  const { store, version } = await feed.snapshot()
  for await (const { actions } of readCommits(store, { fromVersion: version, toVersion: version }))
    expect(commitInfoOf(actions)?.operationParameters).toMatchObject({ auto: 'true', sortBy: '["id"]', zOrderBy: '[]' })
})
