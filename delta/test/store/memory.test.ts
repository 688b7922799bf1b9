import { expect, test } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { storeContract } from '../store-contract.ts'

storeContract('memoryStore', async () => ({ store: memoryStore(), cleanup: async () => {} }))

test('a store in memory has no names for other programs', async () => {
  await expect(memoryStore().locate('a')).rejects.toThrow(
    'a is in memory and has no name that a query engine could open. Use a store on disk for tables whose data files are read or written.',
  )
})
