import type { IngestSummary } from '@tributary/pipeline'
import { countText } from './quantity.ts'
import { visibleText } from './text-width.ts'
import type { Words } from './words.ts'

/** Says which files of the landing are not taken in, and why. */
export function sayLeftOut(
  words: Words,
  { unconfigured, ignored }: Pick<IngestSummary, 'unconfigured' | 'ignored'>,
): void {
  for (const { table, files } of unconfigured)
    words.say(`not configured: ${visibleText(table)}, ${countText(files)} files in the landing`)
  for (const { why, files, last } of ignored)
    words.say(
      `not taken in: ${files === 1 ? '' : `${countText(files)} files, the last `}${visibleText(last)} (${visibleText(why)})`,
    )
}
