import type { Engine } from '@tributary/delta'

/** The engine until the signal is aborted: then its statements and those of its forks end with an error, wherever they are. */
export function cutOff(engine: Engine, signal: AbortSignal | undefined): Engine {
  if (signal === undefined) return engine
  const cut = (): void => void engine.close()
  signal.addEventListener('abort', cut, { once: true })
  if (signal.aborted) cut()
  return {
    ...engine,
    fork: async () => cutOff(await engine.fork(), signal),
    close: () => {
      signal.removeEventListener('abort', cut)
      return engine.close()
    },
  }
}
