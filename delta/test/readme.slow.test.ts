// Worth its seconds: code in a README that does not compile or does something else than it says is worse than none.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
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

const PRINTED = [
  "version 2: 1 updated\n[ 'Bob' ]\n",
  '2 rows at version 1\nupdate_preimage 2n Bo\nupdate_postimage 2n Bob\n2 MERGE\n',
]

test('the examples of the README compile, run one after the other, and print what it says', async () => {
  const files = await writeExamples(folder)
  const config = { extends: '../../../tsconfig.json', include: ['*.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  await run(process.execPath, [join(DELTA, '../node_modules/typescript/bin/tsc'), '-p', folder])
  expect(await printedBy(files)).toEqual(PRINTED)
})

test('a project elsewhere compiles and runs them too, by the link that npm makes of a folder and the settings that the README names', async () => {
  const project = await mkdtemp(join(tmpdir(), 'tributary-project-'))
  try {
    await mkdir(join(project, 'node_modules/@tributary'), { recursive: true })
    await symlink(DELTA, join(project, 'node_modules/@tributary/delta'))
    await symlink(join(DELTA, '../node_modules/@types'), join(project, 'node_modules/@types'))
    await writeFile(join(project, 'package.json'), '{"type": "module"}')
    const settings = (await readReadme()).split('tsconfig.json` ')[1]?.split('.\n')[0] ?? ''
    const options = [...settings.matchAll(/`("[^`]+)`/g)].map((match) => match[1])
    expect(options).toContain('"module": "nodenext"')
    await writeFile(join(project, 'tsconfig.json'), `{"compilerOptions": {${options.join(', ')}}}`)
    const files = await writeExamples(project)
    await run(process.execPath, [join(DELTA, '../node_modules/typescript/bin/tsc'), '-p', project])
    await rm(join(lake, 'people'), { recursive: true, force: true })
    expect(await printedBy(files)).toEqual(PRINTED)
  } finally {
    await rm(project, { recursive: true, force: true })
  }
})

function readReadme(): Promise<string> {
  return readFile(join(DELTA, 'README.md'), 'utf8')
}

async function writeExamples(into: string): Promise<readonly string[]> {
  const examples = [...(await readReadme()).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  expect(examples.length).toBeGreaterThan(1)
  const files = examples.map((_, index) => join(into, `example-${index}.ts`))
  for (const [index, file] of files.entries()) await writeFile(file, examples[index] ?? '')
  return files
}

async function printedBy(files: readonly string[]): Promise<readonly string[]> {
  const printed: string[] = []
  for (const file of files) printed.push((await run(process.execPath, [file, lake])).stdout)
  return printed
}
