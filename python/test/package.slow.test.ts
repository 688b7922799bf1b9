// Runs the tests of the Python package, which are pytest's. What needs a package that weighs more than it proves here is skipped, by name:
// PyTorch, MLflow, Polars, Hugging Face's datasets and the reader of Croissant. The logic of their loaders is tested without them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PYTHON = join(ROOT, '.venv/bin/python')
const OPTIONAL = ['datasets', 'mlcroissant', 'mlflow', 'polars', 'torch']
const TESTS_MIN = 95

test('the Python package opens what was published and refuses all else', async () => {
  const { said, code } = await runPytest()
  const passed = /(\d+) passed/.exec(said)?.[1]
  console.log(said.trimEnd().split('\n').at(-1))
  expect(code, said).toBe(0)
  expect(Number(passed)).toBeGreaterThanOrEqual(TESTS_MIN)
  const skipped = [...said.matchAll(/^SKIPPED .*$/gm)].map(
    ([line]) => /could not import '(\w+)'/.exec(line)?.[1] ?? line,
  )
  expect(OPTIONAL).toEqual(expect.arrayContaining(skipped))
})

async function runPytest(): Promise<{ readonly said: string; readonly code: number | null }> {
  const child = spawn(PYTHON, ['-m', 'pytest', 'python/test', '-q', '-rs', '--color=no'], {
    cwd: ROOT,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { said: said + errors, code: typeof code === 'number' ? code : null }
}
