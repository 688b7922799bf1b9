// Worth its seconds: a disk that is really full fails in DuckDB and in the file system, where no fake store stands.
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { openWorkplace } from '../support/workplace.ts'
import { ACTS, ingestWell, openSmallLake, putAct, rowsOf, tableAt } from './small-landing.ts'

const run = promisify(execFile)
const SIZE_BYTES = 1024 * 1024

test('a full disk stops the table at one version, and with space again the next run goes on', async () => {
  const workplace = await openWorkplace()
  const folder = join(workplace.folder, 'full')
  await mkdir(join(folder, 'lake'), { recursive: true })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tributary-test', join(folder, 'lake')])
  } catch {
    console.log('no tmpfs here: a full disk is tried on the fault-injecting store only')
    await workplace.close()
    return
  }
  try {
    const lake = await openSmallLake(folder)
    for (const [at, act] of ACTS.slice(0, 4).entries()) {
      await putAct(folder, act)
      // A little less room each time, so that another write is the one that fails.
      const before = await tableAt(lake, workplace.engine)
      for (const freeBytes of [0, 4096, 8192, 12_288, 16_384]) {
        await fillUp(join(folder, 'lake/ballast'), freeBytes)
        await ingest(lake, workplace.engine).catch((error: unknown) => expect(String(error)).toMatch(/space/i))
        const left = await tableAt(lake, workplace.engine)
        if (left.version === before.version) expect(left.rows).toEqual(before.rows)
        await rm(join(folder, 'lake/ballast'))
      }
      await ingestWell(lake, workplace.engine)
      expect((await tableAt(lake, workplace.engine)).rows, `act ${at}`).toEqual(rowsOf(act))
    }
  } finally {
    await run('umount', [join(folder, 'lake')])
    await workplace.close()
  }
})

/** Fills the disk but for so many bytes. */
async function fillUp(path: string, freeBytes: number): Promise<void> {
  const { stdout } = await run('df', ['--output=avail', '-B1', join(path, '..')])
  const available = Number(stdout.split('\n')[1])
  await writeFile(path, Buffer.alloc(Math.max(0, available - freeBytes)))
}
