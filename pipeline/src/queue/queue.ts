/** One message as it was received this time; receiving it again gives another receipt. */
export interface QueueMessage {
  readonly id: string
  /** What names this delivery to the queue. */
  readonly receipt: string
  readonly body: string
  /** How often it was received, this time included. */
  readonly receives: number
  /** When it was put into the queue, in milliseconds since the epoch. */
  readonly sentMs: number
}

/**
 * A queue that hides what it gives out and gives it out again unless it is deleted. It only wakes tables: it may lose, repeat and
 * reorder whatever it likes (law 1). Every implementation passes `test/queue/queue-contract.ts`.
 */
export interface Queue {
  /** How it is named in messages to people. */
  readonly url: string
  /** Receives of one message before the queue itself puts it away; undefined where it never does. */
  readonly receivesMax: number | undefined
  /** About how many messages wait and are not hidden. */
  readonly depth: () => Promise<number>
  /** Waits for up to ten messages, hidden from now on for so long; none when the time is over or the signal is aborted. */
  readonly receive: (options: {
    readonly waitMs: number
    readonly hideMs: number
    readonly signal: AbortSignal
  }) => Promise<readonly QueueMessage[]>
  /** Hides messages for so long from now. One whose hiding was over already may be received twice: that is no error. */
  readonly hide: (messages: readonly QueueMessage[], hideMs: number) => Promise<void>
  /** What is gone already is no error. */
  readonly delete: (messages: readonly QueueMessage[]) => Promise<void>
  /** Puts a message aside for a person, with the reason. False where there is no dead-letter queue: the message stays as it is. */
  readonly setAside: (message: QueueMessage, reason: string) => Promise<boolean>
}
