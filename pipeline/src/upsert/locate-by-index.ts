import { setImmediate } from 'node:timers/promises'
import { type AppendValue, duckdbType, quoteText, type Snapshot } from '@tributary/delta'
import { sliceHashes } from '../key-index/entry.ts'
import type { IndexedOrder } from '../key-index/find-rows.ts'
import { HALVES, hashSql } from '../key-index/key-hash.ts'
import type { KeyIndex } from '../key-index/key-index.ts'
import type { IndexSubject } from '../key-index/manifest.ts'
import { hashesOf } from '../key-index/write-entries.ts'
import { fieldOf, nameList, type TableShape } from './batch.ts'
import { type IndexedPlaces, numberFiles, placesOf } from './indexed-places.ts'
import { answersOf, KEYS_A_STRETCH } from './prefetch-keys.ts'
import { type IndexParts, readyIndex } from './ready-index.ts'
import type { FoundKeys, KeyQuestion, PrefetchedKeys, PrefetchedRows, UpsertParts } from './target.ts'

/**
 * As `locateRows`, without reading the table: table `located` from the key index. Undefined when the index cannot tell: there is none, it is
 * of another version, or the order of changes is asked for and it keeps none.
 */
export async function locateByIndex(
  parts: IndexParts,
  { snapshot, shape, prefetched, ...question }: Question & { readonly snapshot: Snapshot; readonly shape: TableShape },
): Promise<IndexedPlaces | undefined> {
  const keys = await prefetched
  const ahead = keys?.snapshot === snapshot ? keys : undefined
  const whole = ahead === undefined ? undefined : await wholeAnswer(ahead, question)
  if (whole !== undefined) return whole
  // To bring the index to this snapshot may close what is read still.
  const rows = await ahead?.rows
  const ready = await readyIndex(parts, { snapshot, shape, guard: question.guard })
  if (ready === undefined) return undefined
  const { subject, state } = ready
  const known = ahead === undefined || rows === undefined ? undefined : { ...ahead, rows }
  const located =
    state.kind === 'ready'
      ? await ask(parts.engine, { index: state.index, known }, { shape, subject, ...question })
      : undefined
  if (located === undefined) parts.index.missed = subject
  return located
}

/** What was found of a file, where the question is about all of it. */
async function wholeAnswer(keys: PrefetchedKeys, { byIndex }: KeyQuestion): Promise<IndexedPlaces | undefined> {
  const only = byIndex?.only
  if (only === undefined || keys.hashes.count !== only.rows || keys.changeSum !== only.changeSum) return undefined
  byIndex?.meanwhile()
  const rows = await keys.rows
  return rows === undefined ? undefined : placesOf({ ...keys, rows }, only.file)
}

/** What is asked of the index, and what it is asked already. */
type Question = KeyQuestion & { readonly prefetched?: UpsertParts['prefetched'] }

async function ask(
  engine: UpsertParts['engine'],
  {
    index,
    known,
  }: { readonly index: KeyIndex; readonly known: (PrefetchedRows & { readonly salt: string }) | undefined },
  { shape, subject, ...question }: KeyQuestion & { readonly shape: TableShape; readonly subject: IndexSubject },
): Promise<IndexedPlaces | undefined> {
  const { guard, keysFrom, byIndex } = question
  // Materialized, not streamed: the engine is free for whoever works meanwhile.
  const parts = await engine.vectors(`SELECT ${HALVES}, id::UBIGINT, tag::UBIGINT FROM (
    SELECT ${hashSql(subject.key, index.salt, 'k')} AS h, ${byIndex === undefined ? ROW_ID : 'k."__n"'} AS id, ${byIndex?.tag ?? '0'} AS tag
    FROM ${keysFrom} k) ORDER BY h`)
  byIndex?.meanwhile()
  const answers = known?.salt === index.salt ? answersOf(known) : (): undefined => undefined
  const files = numberFiles()
  const places: (readonly AppendValue[])[] = []
  const found: FoundKeys[] = []
  let rows = 0
  for (const part of parts) {
    const [ids, isFound] = [part.numbers(2), new Uint8Array(part.rowCount)]
    for (const { hashes, from } of sliceHashes(hashesOf(part), KEYS_A_STRETCH)) {
      const indexed = answers(hashes) ?? (await index.find(hashes))
      if (indexed === undefined) return undefined
      rows += indexed.length
      for (const row of indexed) {
        const at = from + row.at
        isFound[at] = 1
        const place = [ids[at] ?? null, files.take(row), row.position]
        if (byIndex === undefined) places.push(guard ? [...place, ...orderValues(row.order)] : place)
      }
      // Reading the index occupies this thread: whoever waits for DuckDB has his turn in between.
      await setImmediate()
    }
    if (byIndex !== undefined) found.push({ rows: ids, tags: part.numbers(3), isFound })
  }
  if (byIndex === undefined) await writeLocated(engine, { shape, places, files: [...files.positions.keys()] }, question)
  return { rows, positions: files.positions, found }
}

/** Table `located` from what the index answered: row of the question, number of the file, position, and the order with `guard`. */
async function writeLocated(
  engine: UpsertParts['engine'],
  {
    shape,
    places,
    files,
  }: {
    readonly shape: TableShape
    readonly places: readonly (readonly AppendValue[])[]
    readonly files: readonly string[]
  },
  { guard, keysFrom }: KeyQuestion,
): Promise<void> {
  const order = guard ? ['__file', '__row', '__text'] : []
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE answered ("__id" BIGINT, "__number" INTEGER, "__position" BIGINT${
      guard ? ', "__file" VARCHAR, "__row" BIGINT, "__text" VARCHAR' : ''
    })`,
  )
  await engine.append('answered', ['__id', '__number', '__position', ...order], places)
  const guarded = guard ? `, CAST(a."__text" AS ${sequenceType(shape)}) AS "__seq", a."__file", a."__row"` : ''
  const paths = files.map((path, number) => `(${quoteText(path)}, ${number})`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE located AS
    SELECT ${nameList(shape.key, 'k')}, p.path AS "__path", a."__position"${guarded} FROM answered a JOIN ${keysFrom} k ON ${ROW_ID} = a."__id"
    JOIN (VALUES ${paths.length === 0 ? "('', 0)" : paths.join(', ')}) p(path, number) ON p.number = a."__number"`)
}

/** SQL of a number for a row of the question `k`. */
const ROW_ID = '(k."__n" << 1 | k."__sub")'

function orderValues(order: IndexedOrder | undefined): readonly AppendValue[] {
  if (order?.landingFile === undefined) return [null, null, order?.sequence ?? null]
  return [order.landingFile, order.row, order.sequence]
}

function sequenceType(shape: TableShape): string {
  return shape.sequence === undefined ? 'VARCHAR' : duckdbType(fieldOf(shape, shape.sequence).type)
}
