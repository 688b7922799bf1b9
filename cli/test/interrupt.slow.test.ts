// Worth its seconds: what a signal does to a process is seen only from outside of it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMAND, freshFolder, type Outcome } from './run-cli.ts'

const NO_END = 'SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b'
const NO_END_OF_ROWS = 'SELECT a.range AS n FROM range(1000000000) a, range(1000000) b'

/** Runs the command, and interrupts it so many times once something has been seen. */
async function interrupted(
  args: readonly string[],
  { cwd, times, once }: { readonly cwd: string; readonly times: number; readonly once: () => Promise<boolean> },
): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: cwd }
  const child = spawn(COMMAND, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  while (child.exitCode === null && !(await once())) await new Promise((ready) => setTimeout(ready, 20))
  for (let time = 1; time <= times; time++) {
    child.kill('SIGINT')
    // The process has to see each of them.
    while (time < times && child.exitCode === null && !stderr.includes('Ctrl-C again'))
      await new Promise((ready) => setTimeout(ready, 20))
  }
  return { code: await ended, stdout, stderr }
}

/** The engine has its folder, and a query has begun soon after. */
async function isQuerying(folder: string): Promise<boolean> {
  if (!(await readdir(folder)).some((name) => name.startsWith('tributary-'))) return false
  await new Promise((ready) => setTimeout(ready, 1500))
  return true
}

test('Ctrl-C in a query says so, and no header without rows comes before it', async () => {
  const cwd = await freshFolder()
  const outcome = await interrupted(['sql', NO_END], { cwd, times: 1, once: () => isQuerying(cwd) })
  expect(outcome).toEqual({ code: 130, stdout: '', stderr: 'interrupted\n' })
  expect(await readdir(cwd)).toEqual([])
})

test('Ctrl-C in a query leaves no half file of its rows', async () => {
  const cwd = await freshFolder()
  const out = join(cwd, 'rows.csv')
  const once = async (): Promise<boolean> => existsSync(out)
  const outcome = await interrupted(['sql', NO_END_OF_ROWS, '-o', 'csv', '--out', out], { cwd, times: 1, once })
  expect(outcome).toEqual({ code: 130, stdout: '', stderr: 'interrupted\n' })
  expect(await readdir(cwd)).toEqual([])
})

test('a second Ctrl-C ends a load in its midst: no commit, no file, no note of a stop', async () => {
  const cwd = await freshFolder()
  await mkdir(join(cwd, 'landing/s/t'), { recursive: true })
  await writeFile(join(cwd, 'tributary.yaml'), CONFIG)
  const rows = Array.from({ length: 100_000 }, (_, at) => `${at},text ${at * 7919},${at}.25\n`).join('')
  await writeFile(join(cwd, 'landing/s/t/LOAD00000001.csv'), `id,v,amount\n${rows.repeat(40)}`)
  const lake = join(cwd, 'lake')
  const filesIn = async (): Promise<readonly string[]> =>
    existsSync(lake) ? (await readdir(lake, { recursive: true })).filter((name) => /\.\w+$/.test(name)) : []
  const once = async (): Promise<boolean> => (await filesIn()).length > 0
  const outcome = await interrupted(['ingest'], { cwd, times: 2, once })
  expect(outcome).toEqual({
    code: 130,
    stdout: '',
    stderr:
      'finishing the commit under way; Ctrl-C again stops at once\ninterrupted after 0 commits; each of them is complete. Run again to go on\n',
  })
  expect(await filesIn()).toEqual([])
})

const CONFIG = `landing: landing
lake: lake
dms: {AddColumnName: true}
tables:
  s.t: {key: [id], columns: {id: long, v: string, amount: 'decimal(12,2)'}}
`
