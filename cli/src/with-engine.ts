import { type Engine, openEngine } from '@tributary/delta'
import type { Invocation } from './invocation.ts'

/** Starts DuckDB for some work and closes it however that ends, also by Ctrl-C: it leaves no temporary folder behind. */
export async function withEngine<T>(
  { interrupts }: Invocation,
  work: (engine: Engine) => Promise<T>,
  options: { readonly memoryMiB?: number } = {},
): Promise<T> {
  const engine = await openEngine(options)
  const release = interrupts.beforeEnd(() => engine.close())
  try {
    return await work(engine)
  } finally {
    release()
    await engine.close()
  }
}
