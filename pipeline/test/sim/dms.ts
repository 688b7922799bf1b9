// What DMS and S3 do by themselves: objects appear, change and vanish in the landing, and S3 tells the queue of it, more or less.
import { eventBody, junkBody } from './events.ts'
import type { SimFile } from './landing-files.ts'
import { fill, type SourceTable, writeChanges, writeLoad } from './source.ts'
import type { World } from './world.ts'

const EVENTS_MIN = 4
const EVENTS_MAX = 14
const PAUSE_MS_MAX = 20_000
const LATE_MS_MAX = 60_000
/** A reload follows a load no sooner: S3 tells times in whole seconds. */
const RELOAD_MS_MIN = 2_000

/** Lets the source live its life; `isOver` tells when it wrote all that it will. */
export function startSource(world: World): { readonly isOver: () => boolean } {
  const { scheduler, source, tables } = world
  const { random } = source
  let left = random.int(EVENTS_MIN, EVENTS_MAX)
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
    putLoad(world, writeLoad(source, table), later)
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
  const { source, bucket, scheduler } = world
  const { random } = source
  const what = random.int(1, 100)
  const hasLoad = table.files.some(({ kind }) => kind === 'load')
  if (what <= 8 && hasLoad && scheduler.nowMs() - lastLoadMs(world, table) >= RELOAD_MS_MIN) {
    reload(world, table, later)
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
      if (table.drops === drops) put(world, file)
    }
    if (table.hasSequence && random.chance(0.15)) later(random.int(1, LATE_MS_MAX), 'late file', putLate)
    else put(world, file)
  }
}

function lastLoadMs({ bucket }: World, table: SourceTable): number {
  const folder = `landing/dms/${table.name.replace('.', '/')}/LOAD`
  const times = [...bucket.objects].flatMap(([key, { modifiedMs }]) => (key.startsWith(folder) ? [modifiedMs] : []))
  return Math.max(0, ...times)
}

/** DMS empties the folder before a reload, or leaves the changes in it. */
function reload(world: World, table: SourceTable, later: Later): void {
  const { source, bucket, watcher, files } = world
  const loads = writeLoad(source, table)
  // Design §3.1: a LOAD object of the very bytes that were taken in before tells nobody of a reload. Those of DMS tell their time.
  if (loads.some(({ key, hash }) => files.get(key)?.some((state) => state.hash === hash))) {
    table.files.splice(-loads.length)
    return
  }
  const isDropped = source.random.chance(0.3)
  if (isDropped) table.drops += 1
  for (const key of [...bucket.objects.keys()])
    if (key.startsWith(`landing/dms/${table.name.replace('.', '/')}/`) && (isDropped || key.includes('/LOAD')))
      watcher.bySource(() => bucket.remove(key))
  putLoad(world, loads, later)
}

function putLoad(world: World, [first, ...others]: readonly SimFile[], later: Later): void {
  if (first !== undefined) put(world, first)
  for (const file of others) later(world.source.random.int(0, 3000), 'more of the load', () => put(world, file))
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

/** S3's event: lost, late or twice, as the faults say; now and then something else comes along. */
function tell(world: World, file: SimFile): void {
  const { faults, random, queue, scheduler, events, newest } = world
  // No two bodies are the same.
  const body = eventBody(random, [file.key], scheduler.nowMs() + events.size / 1000)
  newest.set(file.key, body)
  if (random.chance(faults.junk)) queue.send(junkBody(random, events.size), 0)
  if (random.chance(faults.eventLost)) return
  events.set(body, { file, deletions: [] })
  const delay = (): number => (random.chance(faults.eventLate) ? random.int(1, LATE_MS_MAX) : 0)
  queue.send(body, delay())
  if (random.chance(faults.eventTwice)) queue.send(body, delay())
}
