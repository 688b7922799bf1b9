import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshFolder, tributary } from './run-cli.ts'

async function projectWith(landing: string): Promise<string> {
  const folder = await freshFolder()
  await writeFile(join(folder, 'tributary.yaml'), `landing: ${landing}\nlake: lake\ntables:\n  s.t: {key: [id]}\n`)
  return folder
}

test.each([['ingest'], ['status']])('%s warns of a landing that is not there, and that is no error', async (verb) => {
  const folder = await projectWith('nope')
  expect(await tributary(['-C', folder, '-q', verb])).toMatchObject({
    code: 0,
    stderr: `warning: landing: the folder ${join(folder, 'nope')} is not there, so no file waits: compare \`landing\` in tributary.yaml, unless DMS is still to make it\n`,
  })
})

test.each([['ingest'], ['ingest --watch'], ['status']])('%s refuses a landing that is a file', async (verb) => {
  const folder = await projectWith('tributary.yaml')
  const place = join(folder, 'tributary.yaml')
  expect(await tributary(['-C', folder, '-q', ...verb.split(' ')])).toEqual({
    code: 2,
    stdout: '',
    stderr: `error: The landing ${place} is a file\ncause: DMS writes files into a folder.\nfix: Name that folder as \`landing\` in tributary.yaml.\nsee: docs/errors.md, LANDING_NOT_FOLDER\n`,
  })
})
