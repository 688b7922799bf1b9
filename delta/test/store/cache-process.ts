// Keeps and reads entries of a cache that others use too, as fast as it can, and says how often it found what it looked for, and whether
// anything was not what it should be.
import { diskCache } from '../../src/store/disk-cache.ts'

const [folder = '', bytesMax = '0', seed = '0'] = process.argv.slice(2)
const cache = diskCache(folder, { bytesMax: Number(bytesMax) })
let random = Number(seed)
let hits = 0
let wrong = 0
for (let round = 0; round < 600; round++) {
  random = (random * 1_103_515_245 + 12_345) % 2_147_483_648
  const entry = random % 100
  const expected = Buffer.alloc(500 + entry * 20, entry)
  const found = await cache.read(`entry ${entry}`)
  if (found === undefined) await cache.keep(`entry ${entry}`, expected)
  else if (expected.equals(found)) hits += 1
  else wrong += 1
}
process.stdout.write(JSON.stringify({ hits, wrong }))
