// Worth its seconds: code in a README that does not compile or does something else than it says is worse than none.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const DELTA = join(import.meta.dirname, '..')
const run = promisify(execFile)

let folder: string
let lake: string
beforeAll(async () => {
  // Inside of the workspace, so that the package finds itself by its name.
  folder = await mkdtemp(join(DELTA, 'test/readme-'))
  lake = await mkdtemp(join(tmpdir(), 'tributary-readme-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await rm(lake, { recursive: true, force: true })
})

test('the examples of the README compile, run one after the other, and print what it says', async () => {
  const text = await readFile(join(DELTA, 'README.md'), 'utf8')
  const examples = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  expect(examples.length).toBeGreaterThan(1)
  const files = examples.map((_, index) => join(folder, `example-${index}.ts`))
  for (const [index, file] of files.entries()) await writeFile(file, examples[index] ?? '')
  const config = { extends: '../../../tsconfig.json', include: ['*.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  await run(process.execPath, [join(DELTA, '../node_modules/typescript/bin/tsc'), '-p', folder])
  const printed: string[] = []
  for (const file of files) printed.push((await run(process.execPath, [file, lake])).stdout)
  expect(printed).toEqual([
    "version 2: 1 updated\n[ 'Bob' ]\n",
    '2 rows at version 1\nupdate_preimage 2n Bo\nupdate_postimage 2n Bob\n2 MERGE\n',
  ])
})
