import { expect, test } from 'vitest'
import { measure } from '../measure.ts'

const HELD_MIB = 64
const HOLD = `const held = Buffer.alloc(${HELD_MIB} * 1048576, 1); setTimeout(() => console.log(JSON.stringify({ ms: held.length })), 300)`

test('what a child of the process holds and writes counts as the process’s own', async () => {
  const parent = `require('child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(HOLD)}], { stdio: 'inherit' })`
  const measured = await measure([process.execPath, '-e', parent], { cwd: '/' })
  const child = await measure([process.execPath, '-e', HOLD], { cwd: '/' })
  expect(measured.own).toEqual({ ms: HELD_MIB * 1024 * 1024 })
  expect(child.anonKib).toBeGreaterThan(HELD_MIB * 1024)
  expect(measured.anonKib).toBeGreaterThan(child.anonKib)
})

test('a process that fails says why', async () => {
  await expect(measure(['sh', '-c', 'echo because >&2; exit 3'], { cwd: '/' })).rejects.toThrow(
    'sh -c echo because >&2; exit 3: exit 3\nbecause\n',
  )
})
