import { mkdir, rm, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { prepareDataset } from './dataset.ts'
import { digestDelta, digestParquet, assertSame } from './digest.ts'
import { openDuck, literal } from './engine.ts'
import { findDeltaExtension, copyFolder, PYTHON, scriptOf } from './places.ts'
import { measure } from './measure.ts'
const duck = await openDuck()
await duck.run(`LOAD ${literal(await findDeltaExtension())}`)
const d = await prepareDataset(duck, { rows: 200000, changes: 10000, rounds: 1, seed: 1, only: [] }, console.log)
console.log(d.expected)
assertSame('peer base', await digestDelta(duck, d.peerTable), d.expected.load)
const f = join(d.work, 'r'); await mkdir(f)
console.log(await measure([process.execPath, scriptOf('copy.ts'), d.load, join(f, 'o.parquet'), 'load'], { cwd: f }))
assertSame('copy', await digestParquet(duck, join(f, 'o.parquet')), d.expected.load)
console.log(await measure([process.execPath, scriptOf('copy.ts'), d.changes, join(f, 'o2.parquet'), 'changes'], { cwd: f }))
await copyFolder(d.peerTable, join(f, 't'))
console.log(await measure([PYTHON, scriptOf('delta-rs.py'), 'merge', join(f, 't'), d.changes], { cwd: f }))
assertSame('merge', await digestDelta(duck, join(f, 't')), d.expected.upsert)
try { assertSame('sabotage', await digestDelta(duck, join(f, 't')), d.expected.warm) } catch (e) { console.log(String(e)) }
duck.close()
