import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/** What a published schema finds wrong with the JSON in a text; undefined when it fits. */
export async function misfit(name: string, text: string): Promise<string | undefined> {
  const schema = z.fromJSONSchema(
    JSON.parse(await readFile(new URL(`../schema/${name}.json`, import.meta.url), 'utf8')),
  )
  const parsed = schema.safeParse(JSON.parse(text))
  return parsed.success ? undefined : z.prettifyError(parsed.error)
}
