import { EXIT } from './exit-codes.ts'

/** Ctrl-C and SIGTERM. A verb that can finish its commit does so; the others clean up and end. */
export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** Aborted by the signal that ends the process: what is under way is given up. */
  readonly cut: AbortSignal
  /** From now on the first signal only asks; returns what takes that back. */
  readonly finishFirst: (onAsked: () => void) => () => void
  /** Called before the process ends early; returns what takes that back. */
  readonly beforeEnd: (clean: () => Promise<void>) => () => void
}

/** Listens to the process's signals. */
export function listenForInterrupts(host: NodeJS.Process): Interrupts {
  const controller = new AbortController()
  const cut = new AbortController()
  const cleaners = new Set<() => Promise<void>>()
  let asked: (() => void) | undefined
  const onSignal = (): void => {
    const isFirst = !controller.signal.aborted
    controller.abort()
    if (isFirst && asked !== undefined) {
      asked()
      return
    }
    // A third signal does not wait for the cleaning.
    if (cut.signal.aborted) host.exit(EXIT.interrupted)
    cut.abort()
    // A turn later: what was given up says so first.
    void Promise.allSettled([...cleaners].map((clean) => clean())).then(() =>
      setImmediate(() => host.exit(EXIT.interrupted)),
    )
  }
  host.on('SIGINT', onSignal)
  host.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    cut: cut.signal,
    finishFirst: (onAsked) => {
      asked = onAsked
      return () => {
        asked = undefined
      }
    },
    beforeEnd: (clean) => {
      cleaners.add(clean)
      return () => cleaners.delete(clean)
    },
  }
}
