// A spine that would give other rows another time is refused; one that lacks an order gets one.
import { TributaryError } from '@tributary/delta'
import { beforeAll, expect, test } from 'vitest'
import { buildDataset, parseDefinition, planDataset } from '../../src/index.ts'
import { type Change, type TestLake, type TestTable, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()

/** Four rows for each time, doubles whose sums depend on their order, and three groups. */
function readings(isReversed: boolean): TestTable {
  const changes = Array.from({ length: 600 }, (_, index): Change => {
    const t = new Date(Date.parse('2026-01-01T00:00:00Z') + (index % 150) * 60_000).toISOString()
    const value = ((index * 31) % 97) / 7 + (index % 13 === 0 ? 1e15 : 0)
    return { op: 'I', sourceAt: t, row: index, values: { id: BigInt(index), grp: `g${index % 3}`, t, value } }
  })
  return {
    name: 'w.rows',
    key: ['id'],
    columns: { id: 'long', grp: 'string', t: 'timestamp', value: 'double' },
    changes: isReversed ? changes.toReversed() : changes,
  }
}

let plain: TestLake
let reversed: TestLake
beforeAll(async () => {
  plain = await writeLake(engine(), await fresh(), [readings(false)])
  reversed = await writeLake(engine(), await fresh(), [readings(true)])
}, 30_000)

function definitionOf(sql: string): ReturnType<typeof parseDefinition> {
  return parseDefinition(`dataset: d\nspine: {sql: ${JSON.stringify(sql)}, key: [id], at: at}\n`, 'd.yml')
}

const RANDOM = 'which is not known to give the same result each time. Compute it without that.'
const KEPT = 'Leave it out and set sample: {keep: 0.1}, which keeps the same rows each time.'
const LIMITED = 'a LIMIT without an order that tells all rows apart.'
const NUMBERED = 'Number the rows: QUALIFY row_number() OVER (PARTITION BY … ORDER BY …)'
test.each([
  ['SELECT id, t AS "at" FROM w.rows USING SAMPLE 10%', `a USING SAMPLE or TABLESAMPLE. ${KEPT}`],
  ['SELECT id, t AS "at" FROM w.rows TABLESAMPLE 10%', `a USING SAMPLE or TABLESAMPLE. ${KEPT}`],
  ['SELECT id, now() AS "at" FROM w.rows', 'the function now. Write :until, the end of the data.'],
  [
    'SELECT id, current_date::TIMESTAMPTZ AS "at" FROM w.rows',
    'the function current_date. Write :until, the end of the data.',
  ],
  [
    'SELECT id, t AS "at", age(t) AS a FROM w.rows',
    'the function age of one time, which counts to today. Compare the time with :until, the end of the data.',
  ],
  ['SELECT id, t AS "at" FROM w.rows WHERE random() < 0.1', `the function random, ${RANDOM}`],
  ['SELECT id, t AS "at" FROM w.rows WHERE hash(id) % 10 = 0', `the function hash, ${RANDOM}`],
  [
    'SELECT id, t AS "at", (SELECT first(value) FROM w.rows) AS v FROM w.rows',
    'the aggregate first, whose result depends on the order of rows. Use min, max, max_by or list with ORDER BY.',
  ],
  ['SELECT id, t AS "at" FROM w.rows LIMIT 10', `${LIMITED} Order by the whole key: ORDER BY …, id.`],
  ['SELECT id, t AS "at" FROM w.rows ORDER BY t LIMIT 10', `${LIMITED} Order by the whole key: ORDER BY …, id.`],
  ['SELECT id, t AS "at" FROM (FROM w.rows ORDER BY t LIMIT 10)', `${LIMITED} ${NUMBERED} <= n, or ORDER BY ALL.`],
  ['SELECT DISTINCT ON (t) id, t AS "at" FROM w.rows ORDER BY t', `a DISTINCT ON. ${NUMBERED} = 1.`],
  [
    'SELECT a.id, a.t AS "at", b.value FROM w.rows a ASOF JOIN w.rows b ON a.grp = b.grp AND a.t > b.t',
    'an ASOF JOIN to rows of which several may have one time. Make it an asof feature, or join a subquery with GROUP BY or QUALIFY that has one row for each time.',
  ],
  [
    'SELECT id, t AS "at", lag(grp) OVER (ORDER BY t) AS g FROM w.rows AS value',
    'a window over a table called value, which is also the name of a column. Give the table another alias.',
  ],
])('refused: %s', async (sql, said) => {
  const [clause = ''] = said.split('. ')
  const remedy = said.slice(clause.length + 2)
  await expect(planDataset(plain.lake, engine(), definitionOf(sql))).rejects.toThrow(
    new TributaryError('invalid', 'SPINE_INVALID', `The spine of d cannot be used: its SQL has ${clause}. ${remedy}`),
  )
})

const ORDERED = [
  'SELECT id, t AS "at" FROM w.rows ORDER BY t, id LIMIT 10',
  'SELECT max(id) AS id, t AS "at", sum(value) AS s, avg(value) AS a, any_value(grp) AS g, max_by(grp, t) AS m, list(value) AS l FROM w.rows GROUP BY t',
  `WITH last AS (SELECT *, first(grp ORDER BY t DESC) OVER () AS f FROM (SELECT *, lag(value) OVER (PARTITION BY grp ORDER BY t) AS before FROM w.rows))
   SELECT id, t AS "at", before, sum(value) OVER (PARTITION BY grp ORDER BY t ROWS 3 PRECEDING) AS three FROM last QUALIFY row_number() OVER (PARTITION BY t ORDER BY grp) = 1`,
  'SELECT r.id, r.t AS "at", f.v, max_by(r.value, r.grp) OVER (ORDER BY r.t) AS m FROM w.rows r JOIN (SELECT grp, last(value ORDER BY t) AS v FROM w.rows GROUP BY grp) f USING (grp)',
  `SELECT id, t AS "at", list_sum(array_append([value], 1)) AS s FROM w.rows WHERE md5_number_upper(id::VARCHAR) % 4 = 0`,
  'SELECT r.id, r.t AS "at", b.v FROM w.rows r ASOF JOIN (SELECT t, fsum(value) AS v FROM w.rows GROUP BY t) b ON r.t > b.t',
]

test.each(ORDERED)('the order of rows does not show: %s', async (sql) => {
  const digests: string[] = []
  for (const { lake } of [plain, reversed]) {
    const outcome = await buildDataset(lake, engine(), definitionOf(sql))
    if (outcome.kind === 'refused') throw new Error('refused')
    digests.push(...Object.values(outcome.manifest.splits).map(({ rows_digest }) => rows_digest))
  }
  expect(digests[1]).toBe(digests[0])
})

test('a plan tells what was rewritten', async () => {
  const sql = 'SELECT max(id) AS id, t AS "at", sum(value) AS total, any_value(grp) AS g FROM w.rows GROUP BY t'
  const { rewrites } = await planDataset(plain.lake, engine(), definitionOf(sql))
  expect(rewrites).toEqual([
    'sum("value") adds floating numbers: fsum in order of value takes its place',
    'any_value(grp) takes any row: min takes its place',
  ])
})
