import { join } from 'node:path'
import { memoryStore, type Store, systemClock } from '@tributary/delta'
import { beforeAll, describe, expect, test } from 'vitest'
import { acknowledgeCursor, type Cursor, type CursorPlace, moveCursor, readCursor } from '../../src/changes/cursor.ts'
import { type CursorWish, readWithCursor } from '../../src/changes/read-with-cursor.ts'
import { ordersTable, useEngine } from '../inspect/build-table.ts'

const placeIn = (root: Store, name = 'nightly'): CursorPlace => ({ root, table: 'shop.orders', name })
const move = (place: CursorPlace, from: Cursor | undefined, version: number): Promise<Cursor> =>
  moveCursor(systemClock, place, { from, tableId: 't', version, offered: null })
const pathsOf = async (root: Store): Promise<readonly string[]> =>
  (await Array.fromAsync(root.list(''))).map(({ path }) => path)

describe('the place of a cursor', () => {
  test('of two processes that move it from one place one wins, and the other is told', async () => {
    const place = placeIn(memoryStore())
    const first = await move(place, undefined, 3)
    expect(await readCursor(place)).toEqual(first)
    await move(place, first, 5)
    await expect(move(place, first, 7)).rejects.toThrow(
      'The cursor nightly of shop.orders was moved by another process while this one was reading: both were handed the same changes. Throw this output away and run again.',
    )
    await expect(move(place, undefined, 9)).rejects.toThrow(expect.objectContaining({ code: 'CURSOR_LOST' }))
    expect(await readCursor(place)).toMatchObject({ number: 2, version: 5 })
  })

  test('few files are kept, and a process that slept meanwhile does not win a number that was cleaned up', async () => {
    const root = memoryStore()
    const place = placeIn(root)
    const early = await move(place, undefined, 0)
    let at = early
    for (let version = 1; version < 40; version++) at = await move(place, at, version)
    expect(await pathsOf(root)).toHaveLength(16)
    await expect(move(place, early, 99)).rejects.toThrow(expect.objectContaining({ code: 'CURSOR_LOST' }))
    await expect(move(place, undefined, 99)).rejects.toThrow(expect.objectContaining({ code: 'CURSOR_LOST' }))
    expect(await readCursor(place)).toEqual(at)
    expect(await pathsOf(root)).toHaveLength(16)
  })

  test('each table and each name has its own', async () => {
    const root = memoryStore()
    await move(placeIn(root), undefined, 3)
    expect(await readCursor(placeIn(root, 'nightly.2'))).toBeUndefined()
    expect(await readCursor({ ...placeIn(root), table: 'shop.lines' })).toBeUndefined()
    await expect(readCursor(placeIn(root, '../pins'))).rejects.toThrow(
      expect.objectContaining({ code: 'CURSOR_NAME_INVALID' }),
    )
  })

  test('bytes that are no cursor are told with their path', async () => {
    const root = memoryStore()
    const place = placeIn(root)
    await move(place, undefined, 3)
    const [path = ''] = await pathsOf(root)
    await root.write(path, Buffer.from('{'))
    await expect(readCursor(place)).rejects.toThrow(
      `The cursor's file ${path} can't be read: its bytes are not what was written. Restore it, or delete it to go back to the place before it.`,
    )
  })
})

describe('reading with a cursor', () => {
  const { engine, folder } = useEngine()
  let store: Store
  beforeAll(async () => {
    store = await ordersTable(engine(), join(folder(), 'orders'), [{ put: [{ id: 1 }] }, { put: [{ id: 2 }] }])
  })
  const read = (place: CursorPlace, wish: Partial<CursorWish> = {}, table = store) =>
    readWithCursor({ store: table, place }, { nowMs: 0, ...wish })

  test('nothing moves before take, and a peek only with its acknowledgement', async () => {
    const place = placeIn(memoryStore())
    await expect(read(place)).rejects.toThrow(expect.objectContaining({ code: 'CURSOR_NOT_STARTED' }))
    await expect(acknowledgeCursor(systemClock, place)).rejects.toThrow(
      expect.objectContaining({ code: 'CURSOR_NOT_STARTED' }),
    )
    const first = await read(place, { bootstrap: true })
    expect(first.planned).toMatchObject({ isSnapshot: true, until: 1 })
    expect(await readCursor(place)).toBeUndefined()
    await first.offer(systemClock)
    expect(await readCursor(place)).toMatchObject({ version: null, offered: 1 })
    await expect(read(place)).rejects.toThrow(expect.objectContaining({ code: 'CURSOR_NOT_STARTED' }))
    expect((await read(place, { bootstrap: true })).planned.isSnapshot).toBe(true)
    expect(await acknowledgeCursor(systemClock, place)).toMatchObject({ version: 1, offered: null })
    expect(await acknowledgeCursor(systemClock, place)).toMatchObject({ number: 2 })
    expect((await read(place, { bootstrap: true })).planned).toMatchObject({ isSnapshot: false, isEmpty: true })
  })

  test('a cursor that stands somewhere is not told where to begin, unless it is reset', async () => {
    const place = placeIn(memoryStore())
    await (await read(place, { since: 'v0' })).take(systemClock)
    await expect(read(place, { since: 'v0' })).rejects.toThrow(
      'The cursor nightly of shop.orders stands at version 1: --since and --from-version only say where a new one begins. Leave them out, or add --reset to begin anew.',
    )
    expect((await read(place, { since: 'v0', reset: true })).planned).toMatchObject({ since: 0, until: 1 })
  })

  test('of two readers at once one takes, and the other is told', async () => {
    const place = placeIn(memoryStore())
    const [one, other] = [await read(place, { bootstrap: true }), await read(place, { bootstrap: true })]
    await one.take(systemClock)
    await expect(other.take(systemClock)).rejects.toThrow(expect.objectContaining({ code: 'CURSOR_LOST' }))
  })

  test('a table that was replaced, or went back, is told', async () => {
    const place = placeIn(memoryStore())
    await (await read(place, { bootstrap: true })).take(systemClock)
    const other = await ordersTable(engine(), join(folder(), 'other'), [{ put: [{ id: 1 }] }, { put: [{ id: 2 }] }])
    await expect(read(place, {}, other)).rejects.toThrow(
      "The cursor nightly can't go on in shop.orders: the table was replaced by another one, so what it handed out may belong to another table. Add --reset --bootstrap to begin anew with all rows.",
    )
    await store.delete('_delta_log/00000000000000000001.json')
    await expect(read(place)).rejects.toThrow(/the cursor stands at version 1 and the newest is 0, so/)
    expect((await read(place, { reset: true, bootstrap: true })).planned).toMatchObject({ isSnapshot: true, until: 0 })
  })
})
