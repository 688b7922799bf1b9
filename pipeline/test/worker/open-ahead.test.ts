import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

test('what was opened ahead of a load is let go, whether the load succeeds or a file stops it', async () => {
  for (const cut of [undefined, 1, 2, 5]) {
    const folder = join(place.folder, `cut-${cut}`)
    const lake = await lakeIn(
      folder,
      'landing: landing\nlake: lake\ntables:\n  s.t: {key: [id], columns: {id: long, v: string}}\n',
    )
    for (let number = 1; number <= 6; number++) {
      const bytes = gzipSync(`id,v\n${number},a\n${number + 100},b\n`)
      const name = `s/t/LOAD${String(number).padStart(8, '0')}.csv.gz`
      await put(folder, name, number === cut ? bytes.subarray(0, -4) : bytes)
    }
    const [table] = (await ingest(lake, place.engine)).tables
    expect([table?.stopped?.code, table?.applied]).toEqual(
      cut === undefined ? [undefined, 12] : ['LANDING_FILE_CORRUPT', 0],
    )
    expect(readdirSync(place.engine.tempFolder).filter((name) => name.startsWith('inflated'))).toEqual([])
  }
})
