// Another commit of Tributary as a contender: a worktree of Git below `bench/data/`, which shares the installed packages with this checkout.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { BENCH, CHECKOUT } from './places.ts'
import type { Program } from './rounds.ts'

const WORKSPACES = ['delta', 'pipeline', 'ml', 'cli']

/** Checks the commit out where it is not yet, with its command bundled. Its measured scripts are those of this checkout. */
export async function checkOutBase(ref: string, say: (text: string) => void): Promise<Program> {
  const commit = git(['rev-parse', '--verify', `${ref}^{commit}`]).slice(0, 12)
  const root = join(BENCH, 'data', `base-${commit}`)
  if (!existsSync(join(root, 'cli', 'dist'))) {
    say(`checking out the base ${ref} (${commit})`)
    git(['worktree', 'prune'])
    if (existsSync(root)) git(['worktree', 'remove', '--force', root])
    git(['worktree', 'add', '--detach', root, commit])
    await linkPackages(root)
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  await rm(join(root, 'bench'), { recursive: true, force: true })
  for (const name of await readdir(BENCH))
    if (name !== 'data' && name !== 'results')
      await cp(join(BENCH, name), join(root, 'bench', name), { recursive: true })
  return { suffix: ' (base)', root }
}

async function linkPackages(root: string): Promise<void> {
  const [from, to] = [join(CHECKOUT, 'node_modules'), join(root, 'node_modules')]
  await mkdir(join(to, '@tributary'), { recursive: true })
  for (const name of await readdir(from)) if (name !== '@tributary') await symlink(join(from, name), join(to, name))
  for (const name of WORKSPACES) await symlink(join(root, name), join(to, '@tributary', name))
  await symlink(join(CHECKOUT, 'duckdb-extensions'), join(root, 'duckdb-extensions'))
  await symlink(join(CHECKOUT, '.venv'), join(root, '.venv'))
}

function git(args: readonly string[]): string {
  return execFileSync('git', ['-C', CHECKOUT, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
