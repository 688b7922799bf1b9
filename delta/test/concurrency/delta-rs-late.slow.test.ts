import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runPython } from '../readers/peers.ts'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from '../write/support.ts'

const script = join(import.meta.dirname, 'delta-rs-late.py')

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

// delta-rs looks only at removes that change data; what stops it is the metadata that our rewrite repeats.
test.each(['compact', 'merge'])(
  'a %s of delta-rs that our optimize beat does not add the rows again',
  async (operation) => {
    const table = await place.fresh(fieldsOf(['id', 'long'], ['v', 'string']))
    await table.append([0, 1, 2].map((id) => ({ id, v: 'old' })))
    await table.append([3, 4, 5].map((id) => ({ id, v: 'old' })))
    const { version, store } = await table.snapshot()
    expect((await table.optimize()).versions).toHaveLength(1)
    const told = await runPython(script, fileURLToPath(store.url), String(version), operation)
    expect(told.trim()).toBe('refused')
    expect(await rowsOf(table)).toEqual([0n, 1n, 2n, 3n, 4n, 5n].map((id) => ({ id, v: 'old' })))
  },
)
