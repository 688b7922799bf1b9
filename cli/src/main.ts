import { enableCompileCache } from 'node:module'

// Types are stripped and code compiled once; the next start finds both ready.
enableCompileCache()
// Node warns on stderr when both are set; here NO_COLOR wins without a word.
if ((process.env['NO_COLOR'] ?? '') !== '') delete process.env['FORCE_COLOR']
const { run } = await import('./run.ts')
process.exitCode = await run(process)
