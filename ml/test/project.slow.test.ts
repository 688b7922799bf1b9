// Worth its seconds: code in a document that does not compile or does something else than it says is worse than none.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openEngine } from '@tributary/delta'
import { ingest, openLake, readConfig } from '@tributary/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

let folder: string
beforeAll(async () => {
  // Inside of the workspace, so that the package finds itself by its name.
  folder = await mkdtemp(join(ROOT, 'ml/test/example-'))
  const landing = join(folder, 'landing/nyc/flights')
  for (const path of [landing, join(folder, 'features')]) await mkdir(path, { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), CONFIG)
  await writeFile(join(landing, 'LOAD00000001.csv'), 'I,1,UA,3\nI,2,UA,\nI,3,AA,1\n')
  await writeFile(join(landing, '20260301-101502123.csv'), 'U,2,UA,5\nD,3,AA,1\n')
  await writeFile(join(folder, 'features/carrier_day.yml'), FEATURE)
  const engine = await openEngine({ threads: 1 })
  await ingest(openLake(await readConfig(join(folder, 'tributary.yaml'))), engine).finally(() => engine.close())
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, IncludeOpForFullLoad: true}
tables:
  nyc.flights: {key: [fid], columns: {fid: long, carrier: string, dep_delay: long}}
`
const FEATURE = `feature: carrier_day
entity: [carrier]
sql: SELECT carrier, avg(dep_delay) AS delay FROM nyc.flights GROUP BY carrier
`

test('the example of docs/features.md compiles, runs in a project and prints what changed', async () => {
  const [, example = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(await readFile(join(ROOT, 'docs/features.md'), 'utf8')) ?? []
  await writeFile(join(folder, 'example.ts'), example)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }),
  )
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder])
  const { stdout } = await run(process.execPath, ['example.ts'], { cwd: folder })
  expect(stdout).toBe(['3 rows', 'full 1 1', 'this is the first refresh', ''].join('\n'))
})
