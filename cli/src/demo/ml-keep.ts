// Keeps what a run found: the figures that later runs are compared with, and the page that shows them.
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { demoFailed } from '../errors.ts'
import { EXPECTED } from './ml-model.ts'
import { ROOT, type Stage } from './ml-stage.ts'
import { PLOT, RESULTS } from './ml-training.ts'

const PAGE = join(ROOT, 'docs/demo-ml.md')
const BEGIN = '<!-- what the run said -->'
const END = '<!-- until here -->'

/** Copies figures and plot into the checkout, and what was said into `docs/demo-ml.md`. */
export async function keepRun({ folder, said }: Stage): Promise<void> {
  await copyFile(join(folder, RESULTS), EXPECTED)
  await copyFile(join(folder, PLOT), join(ROOT, 'docs/demo-ml.svg'))
  await writeFile(PAGE, pageText(await readFile(PAGE, 'utf8'), said))
}

/** The page with what a run said in place of what another had said. Throws `DEMO_FAILED`. */
export function pageText(page: string, said: readonly string[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw demoFailed(`docs/demo-ml.md has no place between ${BEGIN} and ${END}`)
  return `${page.slice(0, begin)}${BEGIN}\n\`\`\`text\n${said.join('\n').trimEnd()}\n\`\`\`\n${page.slice(end)}`
}
