// Runs in the unpacked artefact as Lambda does: a process that knows nothing of the checkout, with two calls of one handler.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [task, events] = process.argv.slice(2)
const startMs = performance.now()
const { handler } = await import(pathToFileURL(join(task, 'handler.mjs')).href)
const answers = []
for (const event of JSON.parse(readFileSync(events, 'utf8'))) {
  const calledMs = performance.now()
  const context = { awsRequestId: String(answers.length), getRemainingTimeInMillis: () => 60_000 }
  answers.push({ ...(await handler(event, context)), ms: Math.round(performance.now() - calledMs) })
}
process.stdout.write(`${JSON.stringify({ answers, ms: Math.round(performance.now() - startMs) })}\n`)
process.exit(0)
