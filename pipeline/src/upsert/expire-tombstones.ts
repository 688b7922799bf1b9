// `tombstones: 90d`: a delete is remembered for so long, counted in the time of file names, back from the newest file. What
// is dropped leaves its newest order behind, the horizon: an older change of a key that the table does not hold may be one that
// a dropped tombstone would have stopped, so it stops the table (design §3.1).
import { quoteText } from '@tributary/delta'
import { placeBefore } from '../dms/file-name.ts'
import type { Horizon, Segment } from '../ledger/table-state.ts'
import { horizonSql, nameList, type TableShape } from './batch.ts'
import { newestFirst } from './order.ts'
import type { TombstoneAge } from './target.ts'
import { type TombstoneParts, tombstonesSql, writeTombstones } from './tombstones.ts'

// A segment is written anew only when tombstones in it are overdue by this share of their time: a few times in all.
const OVERDUE_SHARE = 1 / 8

/** The segments and the horizon after tombstones that are overdue were dropped. */
export async function dropExpired(
  parts: TombstoneParts,
  shape: TableShape,
  {
    segments,
    horizon,
    age,
  }: {
    readonly segments: readonly Segment[]
    readonly horizon: Horizon | undefined
    readonly age: TombstoneAge | undefined
  },
): Promise<{ readonly tombstones: readonly Segment[]; readonly horizon: Horizon | undefined }> {
  const cutoff = age === undefined ? undefined : placeBefore(age.newestPlace, age.keepMs)
  const overdue = age === undefined ? undefined : placeBefore(age.newestPlace, age.keepMs * (1 + OVERDUE_SHARE))
  if (cutoff === undefined || overdue === undefined) return { tombstones: segments, horizon }
  const dated = await dateSegments(parts, segments)
  const old = dated.filter(({ oldestPlace = '' }) => oldestPlace < overdue)
  if (old.length === 0) return { tombstones: dated, horizon }
  const rows = await tombstonesSql(parts, old)
  const isExpired = `"__place" < ${quoteText(cutoff)}`
  const order = '"__phase", "__seq", "__place", "__row"'
  const known = horizon === undefined ? '' : ` UNION ALL ${horizonSql(shape, horizon)}`
  const [newest] = await parts.engine.all(
    `SELECT CAST("__seq" AS VARCHAR) AS seq, "__place" AS place, "__row" AS row FROM (
      SELECT ${order} FROM (${rows}) WHERE ${isExpired}${known}) ORDER BY ${newestFirst} LIMIT 1`,
  )
  const kept = await writeTombstones(
    parts,
    `SELECT ${nameList(shape.key)}, ${order} FROM (${rows}) WHERE NOT ${isExpired}`,
  )
  if (kept.entries === 0) await parts.store.delete(kept.path)
  return {
    tombstones: [
      ...dated.filter((segment) => !old.includes(segment)),
      ...(kept.entries === 0 ? [] : [{ ...kept, oldestPlace: cutoff }]),
    ],
    horizon:
      newest === undefined
        ? horizon
        : { seq: textOf(newest['seq']), place: String(newest['place']), row: Number(newest['row']) },
  }
}

/** Each segment is looked at once. */
async function dateSegments(
  { engine, store }: TombstoneParts,
  segments: readonly Segment[],
): Promise<readonly Segment[]> {
  const dated: Segment[] = []
  for (const segment of segments) {
    if (segment.oldestPlace !== undefined) dated.push(segment)
    else {
      const [oldest] = await engine.all(
        `SELECT min("__place") AS place FROM (${await tombstonesSql({ engine, store }, [segment])})`,
      )
      dated.push({ ...segment, oldestPlace: String(oldest?.['place'] ?? '') })
    }
  }
  return dated
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
