// What a person reads who made a mistake in tributary.yaml: the line, what stands there, and what to write.
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/config.ts'
import { SETTING_NAMES } from '../../src/config/config-schema.ts'

const HEAD = 'landing: landing\nlake: lake\n'
const TABLE = `${HEAD}tables:\n  shop.orders:\n    key: [id]\n`

const parse = (text: string) =>
  parseConfig(text, { path: 'tributary.yaml', readText: () => Promise.reject(new Error('no such file')) })

/** What is said of a text; undefined where there is nothing to say. */
const faultOf = (text: string): Promise<string | undefined> =>
  parse(text).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

test.each<[string, string]>([
  [
    '# nothing\n',
    'line 1: the file is empty. Write settings, at least landing, lake and tables, or let `tributary init` write them',
  ],
  [
    '- landing\n',
    'line 1: the file is a list. Write settings, at least landing, lake and tables, or let `tributary init` write them',
  ],
  ['landing: landing\nlaek: lake\ntables: {}\n', 'line 2: laek is not a setting. Write lake'],
  [`${HEAD}tables:\n  shop.orders:\n    kye: [id]\n`, 'line 5: kye is not a setting of tables.shop.orders. Write key'],
  [`${TABLE}    Sequence: seq\n`, 'line 6: Sequence is not a setting of tables.shop.orders. Write sequence'],
  [`${HEAD}history: true\ntables: {}\n`, 'line 3: history is not a setting. Write it below a table, beside its key'],
  [
    `${TABLE}    TimestampColumnName: ts\n`,
    'line 6: TimestampColumnName is not a setting of tables.shop.orders. Write it in dms: {TimestampColumnName: …}',
  ],
  [`${TABLE}    upkeep: of\n`, 'line 6: tables.shop.orders.upkeep is "of". Write auto or off'],
  [
    `${HEAD}tables:\n  shop.orders:\n    key: order_id\n`,
    'line 5: tables.shop.orders.key is "order_id". Write a list of columns, such as [order_id]',
  ],
  [
    `${TABLE}    partitionBy:\n      - id\n      - 5\n`,
    'line 8: item 2 of tables.shop.orders.partitionBy is 5. Write the name of a column, in quotes where it would be a number or true',
  ],
  [`${HEAD}dms:\n  dataformat: cvs\ntables: {}\n`, 'line 4: dms.DataFormat is "cvs". Write one of csv, parquet'],
  [
    `${TABLE}    tombstones: 90x\n`,
    'line 6: tables.shop.orders.tombstones is "90x". Write a time such as 60s, 10m, 24h or 90d',
  ],
  [`${HEAD}freshness: -5\ntables: {}\n`, 'line 3: freshness is -5. Write a time such as 60s, 10m, 24h or 90d'],
  [`${TABLE}    key: [other]\n`, 'line 6: key stands here for the second time. Keep one of the two'],
  ['landing: landing\n\tlake: lake\n', 'line 2: a tab indents this line. Indent it with spaces'],
  [
    'landing: landing\n lake: lake\n',
    'line 1: this is no YAML: Nested mappings are not allowed in compact mappings. Correct the indentation, and put texts that hold : # [ or { in quotes',
  ],
  [
    'landing: landing\nlake: *x\n',
    'line 2: this is no YAML: Unresolved alias (the anchor must be set before the alias): x. Write the value itself, or in quotes where it begins with *',
  ],
])('%j', async (text, message) => {
  expect(await faultOf(text)).toBe(`tributary.yaml, ${message}`)
})

const WRONG = [null, 5, -1, true, '', 'wrong', [], [5], ['wrong', null], {}, { wrong: 5 }]
const at = (part: object) => ({ landing: 'landing', lake: 'lake', tables: {}, ...part })
const PLACES: Readonly<Record<keyof typeof SETTING_NAMES, (settings: object) => object>> = {
  file: at,
  dms: (dms) => at({ dms }),
  reload: (reload) => at({ reload }),
  cache: (cache) => at({ cache }),
  table: (settings) => at({ tables: { 's.a': { key: ['id'], ...settings } } }),
  properties: (properties) => at({ tables: { 's.a': { key: ['id'], properties } } }),
}

test.each(Object.entries(PLACES))(
  'in %s, whatever stands as a setting, the message says what to write',
  async (part, place) => {
    const names = Object.entries(SETTING_NAMES).find(([name]) => name === part)?.[1] ?? []
    const faults = await Promise.all(
      [...names, 'unknown'].flatMap((name) => WRONG.map((value) => faultOf(stringify(place({ [name]: value }))))),
    )
    const told = faults.filter((fault) => fault !== undefined)
    expect(told.length).toBeGreaterThan(names.length)
    for (const fault of told) {
      expect(fault).toMatch(/^tributary\.yaml, line [0-9]+: .+\. (Write|Set|Leave|Give|Correct|Add) /)
      expect(fault).not.toMatch(/Invalid|expected|Too small/)
    }
  },
)
