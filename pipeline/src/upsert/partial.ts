// A partial row lacks columns that the source did not log (`CsvNoSupValue`, `keepOnNull`): they keep the value that the
// key has, from an earlier change of the same batch or else from the stored row. The result is table `filled`.
import { type Engine, quoteName, quoteText, type Snapshot, scanSql } from '@tributary/delta'
import { partialKeyChange } from '../errors.ts'
import { movedSql, nameList, sameKey, sequenceValue, type TableShape } from './batch.ts'
import { newestOfKey } from './decide.ts'
import { keyBounds } from './key-bounds.ts'
import { locateRows, placeColumns, rankedSql } from './locate.ts'
import { newestFirst } from './order.ts'
import type { UpsertParts } from './target.ts'

/**
 * Completes partial rows that change their key, before the fold: they take the rest from the row stored under the old key.
 * Throws `PARTIAL_KEY_CHANGE` when an earlier change of the same batch touches the old key.
 */
export async function completeMovedRows(
  parts: Pick<UpsertParts, 'engine' | 'clock' | 'index'>,
  snapshot: Snapshot | undefined,
  shape: TableShape,
): Promise<void> {
  const { engine } = parts
  const was = shape.key.map((name) => `${quoteName(`__was_${name}`)} AS ${quoteName(name)}`).join(', ')
  await engine.run(`CREATE OR REPLACE TEMP TABLE moved_keys AS SELECT "__n", 0 AS "__sub", "__file", "__row", ${was}
    FROM batch WHERE len("__unset") > 0 AND ${movedSql(shape)}`)
  const [touched] = await engine.all(`SELECT m."__file" AS file, m."__row" AS row FROM moved_keys m JOIN batch b
    ON ${sameKey(shape.key, 'm', 'b')} LIMIT 1`)
  if (touched !== undefined) throw partialKeyChange(String(touched['file']), Number(touched['row']))
  const bounds = keyBounds(shape.key, { withOldKeys: false })
  const [any = {}] = await engine.all(`SELECT count(*) AS n, ${bounds.select} FROM moved_keys`)
  if (Number(any['n'] ?? 0) === 0) return
  await locateRows(parts, snapshot, shape, {
    guard: false,
    keysFrom: 'moved_keys',
    bounds: bounds.of(any),
  })
  await readStoredRows(engine, snapshot, shape)
  const columns = shape.schema.fields.filter((field) => !shape.key.includes(field.name))
  const assignments = columns.map(
    ({ name }) =>
      `${quoteName(name)} = CASE WHEN list_contains("__unset", ${quoteText(name)}) THEN f.${quoteName(name)} ELSE batch.${quoteName(name)} END`,
  )
  await engine.run(`UPDATE batch SET ${[...assignments, '"__unset" = NULL'].join(', ')}
    FROM (SELECT m."__n", s.* FROM moved_keys m LEFT JOIN stored s ON ${sameKey(shape.key, 'm', 's')}) f
    WHERE batch."__n" = f."__n"`)
}

/** Fills the winners' unset columns (table `filled`, by `__n`). Needs `effects`, `overtaken`, `decided` and `located`. */
export async function fillPartialRows(
  engine: Engine,
  snapshot: Snapshot | undefined,
  shape: TableShape,
): Promise<void> {
  await readStoredRows(engine, snapshot, shape)
  const key = nameList(shape.key)
  const columns = shape.schema.fields.map((field) => field.name)
  const payload = columns.filter((name) => !shape.key.includes(name))
  // A delete or an insert starts the row anew: what stood before it does not shine through.
  await engine.run(`CREATE OR REPLACE TEMP TABLE history AS
    SELECT e.*, b."__op", row_number() OVER (PARTITION BY ${nameList(shape.key, 'e')}
      ORDER BY e."__phase", e."__seq" NULLS FIRST, e."__place", e."__row", e."__sub") AS "__ordinal"
    FROM (SELECT * FROM effects ANTI JOIN overtaken USING ("__n", "__sub")) e JOIN batch b ON b."__n" = e."__n" SEMI JOIN (
      SELECT ${nameList(shape.key, 'd')} FROM decided d JOIN batch b2 ON b2."__n" = d."__n"
      WHERE d."__outcome" = 'applied' AND len(b2."__unset") > 0) p ON ${sameKey(shape.key, 'e', 'p')}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE resets AS SELECT ${key},
      max("__ordinal") FILTER (WHERE "__delete" OR "__op" = 'I') AS "__reset" FROM history GROUP BY ALL`)
  const latest = payload.map(
    (name) => `arg_max({'v': b.${quoteName(name)}}, h."__ordinal") FILTER (
      WHERE NOT h."__delete" AND (r."__reset" IS NULL OR h."__ordinal" >= r."__reset")
      AND (h."__op" = 'I' OR NOT coalesce(list_contains(b."__unset", ${quoteText(name)}), false))) AS ${quoteName(name)}`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE latest AS
    SELECT ${[nameList(shape.key, 'h'), ...latest, 'any_value(r."__reset") AS "__reset"'].join(', ')}
    FROM history h JOIN resets r ON ${sameKey(shape.key, 'h', 'r')} JOIN batch b ON b."__n" = h."__n"
    GROUP BY ${nameList(shape.key, 'h')}`)
  const values = columns.map((name) =>
    shape.key.includes(name)
      ? `l.${quoteName(name)}`
      : `CASE WHEN l.${quoteName(name)} IS NOT NULL THEN l.${quoteName(name)}.v
           WHEN l."__reset" IS NULL THEN s.${quoteName(name)} END AS ${quoteName(name)}`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE filled AS SELECT d."__n", ${values.join(', ')}
    FROM decided d JOIN latest l ON ${sameKey(shape.key, 'd', 'l')}
    LEFT JOIN stored s ON ${sameKey(shape.key, 'd', 's')}
    WHERE d."__outcome" = 'applied' AND NOT d."__delete"`)
}

/** Reads the located rows whole, one a key (table `stored`). */
async function readStoredRows(engine: Engine, snapshot: Snapshot | undefined, shape: TableShape): Promise<void> {
  const [found] = await engine.all(`SELECT list(DISTINCT "__path") AS paths,
    count(*) = count(DISTINCT row(${nameList(shape.key)})) AS "isOneRowAKey" FROM located`)
  const paths = new Set(Array.isArray(found?.['paths']) ? found['paths'] : [])
  if (snapshot === undefined || paths.size === 0) {
    await engine.run(
      `CREATE OR REPLACE TEMP TABLE stored AS SELECT ${nameList(shape.schema.fields.map((field) => field.name))} FROM batch LIMIT 0`,
    )
    return
  }
  const files = snapshot.files.filter((file) => paths.has(file.path))
  const scan = await scanSql(engine, { ...snapshot, schema: shape.schema }, { files, withPlace: true })
  const rows = found?.['isOneRowAKey'] === true ? 'located' : await newestOfTwins(engine, { ...snapshot, files }, shape)
  await engine.run(`CREATE OR REPLACE TEMP TABLE stored AS
    SELECT s.* EXCLUDE ("__path", "__position") FROM (${scan}) s SEMI JOIN ${rows} USING ("__path", "__position")`)
}

/**
 * A relation with one located row of each key that another writer doubled (law 4): the one whose change came last, with which changes are
 * compared too. Of those that do not know their place the newest sequence decides, and then the name of the file.
 */
async function newestOfTwins(engine: Engine, snapshot: Snapshot, shape: TableShape): Promise<string> {
  const { key, schema, sequence } = shape
  const scan = await scanSql(
    engine,
    { ...snapshot, schema },
    {
      columns: [...new Set([...key, ...(sequence === undefined ? [] : [sequence])])],
      files: snapshot.files,
      withPlace: true,
      extraColumns: placeColumns,
    },
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE twins AS SELECT ${nameList([...key, '__path', '__position', '__file', '__row'], 's')},
    ${sequence === undefined ? 'NULL::VARCHAR' : sequenceValue(shape, sequence, 's')} AS "__seq"
    FROM (${scan}) s SEMI JOIN located USING ("__path", "__position")`)
  return `(${newestOfKey(await rankedSql(engine, 'twins'), nameList(key), `${newestFirst}, "__path", "__position"`)}) l`
}
