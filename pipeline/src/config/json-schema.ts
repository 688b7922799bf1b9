import { z } from 'zod'
import { configSchema } from './config-schema.ts'

/** The JSON Schema of `tributary.yaml` for editors, as text; `tributary.schema.json` holds it. */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
  return `${JSON.stringify({ $id: 'tributary.schema.json', title: 'tributary.yaml', ...schema }, null, 2)}\n`
}
