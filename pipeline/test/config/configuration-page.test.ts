// The page and the help topic on tributary.yaml list what the schema knows, no more and no less.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/config.ts'
import { SETTING_NAMES } from '../../src/config/config-schema.ts'

const ROOT = join(import.meta.dirname, '../../..')
const readPage = (): Promise<string> => readFile(join(ROOT, 'docs/configuration.md'), 'utf8')

const HEADINGS: Readonly<Record<keyof typeof SETTING_NAMES, string>> = {
  file: 'The file',
  table: 'A table, below its name in `tables`',
  properties: '`properties` of a table',
  reload: '`reload`',
  cache: '`cache`',
  dms: '`dms`',
}

/** The rows of the tables below a heading, by their cells. */
async function rowsBelow(heading: string): Promise<readonly (readonly string[])[]> {
  const section = (await readPage()).split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|')))
}

const PARTS = Object.entries(SETTING_NAMES).map(([part, names]) => [part, names] as const)

test.each(PARTS)('the page lists the settings of %s', async (part, names) => {
  const heading = Object.entries(HEADINGS).find(([name]) => name === part)?.[1] ?? ''
  const listed = (await rowsBelow(heading)).map(([, name]) => name?.replaceAll('`', ''))
  expect(listed.toSorted()).toEqual(names.toSorted())
})

test('each example of the page is a setting that is taken', async () => {
  const faults: string[] = []
  for (const [part, heading] of Object.entries(HEADINGS)) {
    for (const [, , , , , example] of await rowsBelow(heading)) {
      if (example === undefined || example === '') continue
      const text = projectWith(part, example.replace(/^`|`$/g, ''))
      const readText = (path: string): Promise<string> =>
        path === '/etc/endpoint.json' ? Promise.resolve('{"S3Settings": {}}') : Promise.reject(new Error(path))
      await parseConfig(text, { path: '/etc/tributary.yaml', readText }).catch((error: unknown) =>
        faults.push(`${example}: ${String(error)}`),
      )
    }
  }
  expect(faults).toEqual([])
})

/** A configuration with an example in its part. */
function projectWith(part: string, example: string): string {
  const setting: unknown = parse(example)
  const file = { landing: 's3://landing', lake: 'lake', tables: {} }
  const settings = part === 'properties' ? { properties: setting } : setting
  if (part === 'table' || part === 'properties')
    return JSON.stringify({ ...file, tables: { 's.a': Object.assign({ key: ['order_id'] }, settings) } })
  return JSON.stringify(Object.assign(file, part === 'file' ? setting : { [part]: setting }))
}

test('the page has a whole configuration that is taken', async () => {
  const [, example = ''] = /^```yaml\n(.*?)^```/ms.exec(await readPage()) ?? []
  const { tables } = await parseConfig(example, {
    path: '/etc/tributary.yaml',
    readText: (path) => Promise.reject(new Error(path)),
  })
  expect(tables.map(({ name, upkeep }) => [name, upkeep])).toEqual([
    ['shop.orders', true],
    ['shop.items', false],
  ])
})

test('the help topic lists the settings of the file and of a table', async () => {
  const text = await readFile(join(ROOT, 'cli/help/config.md'), 'utf8')
  const listed = [...text.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name)
  expect(listed.toSorted()).toEqual([...SETTING_NAMES.file, ...SETTING_NAMES.table].toSorted())
})
