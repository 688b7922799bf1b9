import { type Engine, openEngine, systemClock } from '@tributary/delta'
import type { Invocation } from './invocation.ts'

// What was begun is removed in less, unless a server does not answer.
const GIVE_UP_MS = 5000

/** Starts DuckDB for some work and closes it however that ends, also by Ctrl-C: neither leaves a temporary folder nor half a file behind. */
export async function withEngine<T>(
  { interrupts }: Invocation,
  work: (engine: Engine) => Promise<T>,
  options: { readonly memoryMiB?: number } = {},
): Promise<T> {
  const engine = await openEngine(options)
  const working = work(engine)
  const release = interrupts.beforeEnd(async () => {
    await engine.close()
    await Promise.race([Promise.allSettled([working]), systemClock.sleep(GIVE_UP_MS)])
  })
  try {
    return await working
  } finally {
    release()
    await engine.close()
  }
}
