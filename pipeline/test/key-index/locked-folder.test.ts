import { chmod, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withoutRights } from '../../../delta/test/without-rights.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { deliver, indexFolder, openLoadedPair, rows, versionOfIndex } from '../support/index-pair.ts'

const WARNING = 'its key index could not be built: EACCES: permission denied, open '

// The first batch still asks the index, which covers the table until then.
test.each([
  ['a worker scans, and says once why it builds none', new Map<string, TableSession>(), [WARNING]],
  ['processes that come once scan, and each says why it builds none', undefined, [WARNING, WARNING]],
])('where an index may be read and not written, %s', async (_, sessions, expected) => {
  const pair = await openLoadedPair()
  const covered = versionOfIndex(pair)
  await openToAll(pair.place.folder)
  const locked = [join(pair.place.folder, 'cache'), indexFolder(pair)]
  for (const folder of locked) await chmod(folder, 0o555)
  const warnings: string[] = []
  for (const number of [2, 3, 4])
    await deliver(pair, `20260101-00000000${number}.csv`, [...rows('U', 15, 15 + number), `D,${number}`], async () => {
      await openToAll(join(pair.place.folder, 'indexed/landing'))
      await withoutRights(async () => {
        const { tables } = await ingest(pair.indexed, pair.place.engine, {
          ...(sessions === undefined ? {} : { sessions }),
          onEvent: (event) => {
            if (event.kind === 'warning') warnings.push(event.message)
          },
        })
        for (const { index } of sessions?.values() ?? []) await index?.building
        expect(tables).toMatchObject([{ stopped: null, commits: 1, version: number }])
      })
    })
  expect(versionOfIndex(pair)).toBe(covered)
  expect(warnings.map((warning) => warning.replace(/'.*/, ''))).toEqual(expected)
  await pair.place.close()
})

/** Whoever comes may write there. */
async function openToAll(folder: string): Promise<void> {
  for (const path of ['', ...(await readdir(folder, { recursive: true }))]) await chmod(join(folder, path), 0o777)
}
