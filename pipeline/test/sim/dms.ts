// What DMS and S3 do by themselves: objects appear, change and vanish in the landing, and S3 tells the queue of it, more or less.
import { eventBody, junkBody, removedBody } from './events.ts'
import type { SimFile } from './landing-files.ts'
import { fill, type SourceTable, truncate, writeChanges, writeLoad } from './source.ts'
import type { World } from './world.ts'

const PAUSE_MS_MAX = 20_000
const LATE_MS_MAX = 60_000
/** Chance that S3 tells of a file together with the ones that follow. */
const TOGETHER = 0.15
/** A reload follows a load no sooner: S3 tells times in whole seconds. */
const RELOAD_MS_MIN = 2_000

/** Lets the source live its life; `isOver` tells when it wrote all that it will. */
export function startSource(world: World): { readonly isOver: () => boolean } {
  const { scheduler, source, tables } = world
  const { random } = source
  let left = random.int(...world.size.events)
  let underWay = 0
  const later = (ms: number, what: string, work: () => void): void => {
    underWay += 1
    scheduler.at(scheduler.nowMs() + ms, what, () => {
      underWay -= 1
      work()
    })
  }
  for (const table of tables) {
    if (random.chance(0.2)) continue
    fill(source, table)
    putLoad(world, table, writeLoad(source, table), later)
  }
  const live = (): void => {
    left -= 1
    happen(world, random.pick(tables), later)
    if (left > 0) later(random.int(1, random.chance(0.5) ? 500 : PAUSE_MS_MAX), 'source', live)
  }
  later(random.int(1, 2000), 'source', live)
  return { isOver: () => left === 0 && underWay === 0 }
}

/** Puts one file of changes, and tells of it. */
export function putChanges(world: World, table: SourceTable): void {
  put(world, writeChanges(world.source, table, false))
}

type Later = (ms: number, what: string, work: () => void) => void

function happen(world: World, table: SourceTable, later: Later): void {
  const { source, bucket, scheduler, watcher } = world
  const { random } = source
  const what = random.int(1, 100)
  if (table.isResting) return
  const hasLoad = table.files.some(({ kind }) => kind === 'load')
  const isQuiet = table.loading === 0 && scheduler.nowMs() - lastLoadMs(world, table) >= RELOAD_MS_MIN
  if (what <= 8 && hasLoad && isQuiet) {
    reload(world, table, later)
  } else if (what >= 97 && isQuiet && (watcher.tables.get(table.name)?.commits ?? 0) > 0) {
    truncate(table)
    // Files stay where DMS is told not to handle the DDL.
    if (table.late > 0 || random.chance(0.5)) {
      table.drops += 1
      empty(world, table, () => true)
    }
    world.onTruncated(table)
  } else if (what <= 16 && table.files.length > 0) {
    // A copy renews the time, and of LOAD objects that is the time of the load.
    const again = random.pick(table.files)
    if (
      again.kind === 'cdc' &&
      world.files.get(again.key)?.at(-1) === again &&
      bucket.objects.has(`landing/${again.key}`)
    )
      put(world, again)
  } else if (what <= 20) {
    putOther(world, `dms/shop/${random.pick(['notes.txt', 't9/LOAD00000001.csv', 'awsdms_status/x.csv'])}`)
  } else {
    const file = writeChanges(source, table, random.chance(0.15))
    // Without a sequence nothing but the order of files tells the order of changes, and DMS keeps it.
    // What was to come late is gone with the folder.
    const { drops } = table
    const putLate = (): void => {
      table.late -= 1
      if (table.drops === drops) put(world, file)
    }
    if (table.hasSequence && random.chance(0.15)) {
      table.late += 1
      later(random.int(1, LATE_MS_MAX), 'late file', putLate)
    } else put(world, file)
  }
}

function lastLoadMs({ bucket }: World, table: SourceTable): number {
  const folder = `landing/dms/${table.name.replace('.', '/')}/LOAD`
  const times = [...bucket.objects].flatMap(([key, { modifiedMs }]) => (key.startsWith(folder) ? [modifiedMs] : []))
  return Math.max(0, ...times)
}

/** DMS deletes the files of a table (dms-format.md, "Truncate/drop"), and S3 tells of that, too, where it is asked to. */
function empty(
  { bucket, watcher, source, queue, scheduler }: World,
  { name }: SourceTable,
  isGone: (key: string) => boolean,
): void {
  for (const key of [...bucket.objects.keys()]) {
    if (!key.startsWith(`landing/dms/${name.replace('.', '/')}/`) || !isGone(key)) continue
    watcher.bySource(() => bucket.remove(key))
    if (source.random.chance(0.2)) queue.send(removedBody(key.slice('landing/'.length), scheduler.nowMs()), 0)
  }
}

/** DMS empties the folder before a reload, or leaves the changes in it. */
function reload(world: World, table: SourceTable, later: Later): void {
  const { source, files } = world
  const loads = writeLoad(source, table)
  // Design §3.1: a LOAD object of the very bytes that were taken in before tells nobody of a reload. Those of DMS tell their time.
  if (loads.some(({ key, hash }) => files.get(key)?.some((state) => state.hash === hash))) {
    table.files.splice(-loads.length)
    return
  }
  const isDropped = source.random.chance(0.3)
  if (isDropped) table.drops += 1
  empty(world, table, (key) => isDropped || key.includes('/LOAD'))
  putLoad(world, table, loads, later)
}

function putLoad(world: World, table: SourceTable, [first, ...others]: readonly SimFile[], later: Later): void {
  if (first !== undefined) put(world, first)
  for (const file of others) {
    table.loading += 1
    later(world.source.random.int(0, 3000), 'more of the load', () => {
      table.loading -= 1
      put(world, file)
    })
  }
}

function put(world: World, file: SimFile): void {
  const known = world.files.get(file.key) ?? []
  if (known.at(-1) !== file) known.push(file)
  world.files.set(file.key, known)
  world.note(() => `dms puts ${file.key}, ${file.rows.length} rows ${JSON.stringify(file.rows)}`)
  putBytes(world, file.key, file.bytes)
  tell(world, file)
}

function putOther(world: World, key: string): void {
  putBytes(world, key, new TextEncoder().encode('something else'))
}

function putBytes({ watcher, bucket }: World, key: string, bytes: Uint8Array): void {
  watcher.bySource(() => bucket.put({ kind: 'put', key: `landing/${key}`, bytes, isConditional: false, metadata: {} }))
}

/** S3's event: lost, late or twice, as the faults say; together with the next ones; now and then something else comes along. */
function tell(world: World, file: SimFile): void {
  const { faults, random, queue, scheduler, events, newest, untold } = world
  const telling = { file, deletions: [] }
  newest.set(file.key, telling)
  if (random.chance(faults.junk)) queue.send(junkBody(random, events.size), 0)
  if (random.chance(faults.eventLost)) return
  untold.push(telling)
  if (random.chance(TOGETHER)) scheduler.at(scheduler.nowMs() + random.int(1, 2000), 'event', () => sendUntold(world))
  else sendUntold(world)
}

/** One message about all of which none was sent yet. */
function sendUntold({ faults, random, queue, scheduler, events, untold }: World): void {
  const told = untold.splice(0)
  if (told.length === 0) return
  // No two bodies are the same.
  const body = eventBody(
    random,
    told.map(({ file }) => file.key),
    scheduler.nowMs() + events.size / 1000,
  )
  events.set(body, told)
  const delay = (): number => (random.chance(faults.eventLate) ? random.int(1, LATE_MS_MAX) : 0)
  queue.send(body, delay())
  if (random.chance(faults.eventTwice)) queue.send(body, delay())
}
