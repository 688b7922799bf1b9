// Worth its seconds: the notebook is what a data scientist opens first. Each of its cells runs afresh, by the kernel that Jupyter would start,
// and has to show what is stored in the file.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'

import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const NOTEBOOK = join(ROOT, 'examples/flights.ipynb')

test.skipIf(!existsSync(join(ROOT, '.venv/.notebook-ready')))(
  'the notebook runs without an error and shows what it showed',
  async () => {
    const { said, code } = await execute(NOTEBOOK)
    expect({ said, code }).toEqual({ said: 'flights.ipynb: 15 cells executed\n', code: 0 })
  },
)

async function execute(notebook: string): Promise<{ readonly said: string; readonly code: number | null }> {
  const child = spawn(join(ROOT, '.venv/bin/python'), [join(ROOT, '.ci/notebook/execute.py'), notebook], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { said: said + errors, code: typeof code === 'number' ? code : null }
}
