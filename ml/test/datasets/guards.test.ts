// What stops a build, or is told of it.
import { beforeAll, describe, expect, test } from 'vitest'
import { extract, openCut } from '../../src/datasets/extract.ts'
import { knownAfterAt } from '../../src/datasets/known-after.ts'
import { openSources } from '../../src/datasets/sources.ts'
import {
  buildDataset,
  type Manifest,
  parseDefinition,
  planDataset,
  readStats,
  verdictText,
  verifyDataset,
} from '../../src/index.ts'
import { definition, items } from './items.ts'
import { type TestLake, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()

let lake: TestLake

async function build(text: string): Promise<Manifest> {
  const outcome = await buildDataset(lake.lake, engine(), parseDefinition(text, 'd.yml'))
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  return outcome.manifest
}

beforeAll(async () => {
  lake = await writeLake(engine(), await fresh(), [items])
}, 60_000)

describe('guards', () => {
  async function failedGuards(text: string): Promise<readonly string[]> {
    const outcome = await buildDataset(lake.lake, engine(), parseDefinition(text, 'd.yml'))
    return outcome.kind === 'refused'
      ? outcome.findings.flatMap(({ guard, outcome: found }) => (found === 'failed' ? [guard] : []))
      : []
  }
  const split = 'split: {by: hash, salt: x, train: 0.5, test: 0.5}\n'

  test('a feature that tells the label, a group on both sides and a part that is too small stop the build', async () => {
    const telling = definition('guarded', 'id < 500', `${split}guards: {max_single_feature_auc: 0.9}\n`).replace(
      'calm, label',
      'calm, label, label * 2 AS hint',
    )
    expect(await failedGuards(telling)).toEqual(['max_single_feature_auc'])
    expect(await failedGuards(definition('guarded', 'id < 500', `${split}guards: {group_overlap: owner}\n`))).toEqual([
      'group_overlap',
    ])
    expect(await failedGuards(definition('guarded', 'id < 500', `${split}guards: {min_rows: {test: 400}}\n`))).toEqual([
      'min_rows',
    ])
  })

  test.each([
    ['a text', `CASE WHEN label = 1 THEN 'yes' ELSE 'no' END AS hint`, 'hint (1.000)'],
    ['whether a value is there', 'CASE WHEN label = 1 THEN id % 3 END AS hint', 'whether hint is missing (1.000)'],
    ['nothing, though it is different in each row', 'owner || id AS hint', undefined],
  ])('alone tells the label: %s, and a dataset that asks for no limit is warned', async (_, hint, said) => {
    const { guards } = await build(
      definition(`hints_${hint.length}`, 'id < 500', split).replace(
        'calm, label',
        `calm, label, ${hint.replaceAll("'", "''")}`,
      ),
    )
    const found = guards.find(({ guard }) => guard === 'max_single_feature_auc')
    expect(found?.outcome).toBe(said === undefined ? 'passed' : 'warned')
    if (said !== undefined)
      expect(found?.message).toBe(
        `${said} alone tell the label better than 0.9: known only afterwards? Leave them out, or set guards.max_single_feature_auc`,
      )
  })

  test('values that do not follow from what was known in time are found by computing them anew', async () => {
    const parsed = parseDefinition(definition('early', 'id < 500'), 'd.yml')
    const fork = await engine().fork()
    const sources = openSources(lake.lake, new Map())
    const extracted = await extract(fork, sources, parsed, await openCut(fork, sources, parsed, { untilMs: undefined }))
    expect(await knownAfterAt(fork, parsed, extracted)).toEqual([
      {
        guard: 'known_after_at',
        outcome: 'passed',
        message: '3 columns of up to 100 rows follow from what was known in time',
      },
    ])
    await fork.run('UPDATE __dataset_rows SET half_hour_n = half_hour_n + 1, before_size = before_size')
    expect(await knownAfterAt(fork, parsed, extracted)).toEqual([
      {
        guard: 'known_after_at',
        outcome: 'failed',
        message: 'another value follows from what was known in time: half_hour_n (100 of 100 rows). Please report this',
      },
    ])
    await fork.close()
  })

  test('a part without rows stops the build, unless it may be empty', async () => {
    const empty = 'split: {by: time, train: "< 2026-01-02", test: "< 2026-01-03"}\n'
    expect(await failedGuards(definition('hollow', 'id < 500', empty))).toEqual(['min_rows'])
    // Told by the spine: this join fails only where its rows are read.
    const failing = '  - current: {table: w.items, on: [owner], select: [size], as: one}\n'
    expect(await failedGuards(definition('hollow', 'id < 500', failing + empty))).toEqual(['min_rows'])
    const planned = await planDataset(
      lake.lake,
      engine(),
      parseDefinition(definition('hollow', 'id < 500', empty), 'd.yml'),
    )
    expect(planned).toMatchObject({ rows: 500, parts: { train: 500, test: 0 } })
    expect(planned.warnings).toContain('test has 0 rows, 1 are needed')
    const allowed = await build(definition('hollow', 'id < 500', `${empty}guards: {min_rows: {test: 0}}\n`))
    expect([allowed.splits['train']?.rows, allowed.splits['test']?.rows]).toEqual([500, 0])
    expect(verdictText(await verifyDataset(lake.lake, engine(), allowed))).toBe('REPRODUCED')
    expect((await readStats(lake.lake, allowed)).splits['test']?.rows).toBe(0)
  })

  test('a split by the group keeps it on one side', async () => {
    const whole = split.replace('salt', 'key: owner, salt')
    expect(
      await failedGuards(
        definition('apart', 'id < 500', `${whole}guards: {group_overlap: owner, duplicate_rows: error}\n`),
      ),
    ).toEqual([])
  })
})

test('a split by time leaves a gap, counts what it leaves out, and a sample carries its weights', async () => {
  const text = definition(
    'timed',
    'true',
    'split: {by: time, train: "< 2026-01-01 08:00", test: "< 2026-01-01 16:00", gap: 1h}\nsample: {negatives: 0.5}\n',
  )
  const { splits, left_out: leftOut, columns } = await build(text)
  expect(leftOut).toMatchObject({ purged: expect.any(Number), outside: expect.any(Number) })
  const kept = (splits['train']?.rows ?? 0) + (splits['test']?.rows ?? 0)
  expect([kept > 500 && kept < 650, (leftOut['purged'] ?? 0) > 20, columns.at(-1)?.name]).toEqual([
    true,
    true,
    'weight',
  ])
})
