/** What a worker tells of its own work, for metrics. */
export type WorkerSignal =
  | { readonly kind: 'answered'; readonly by: 'queue' | 'landing' }
  | { readonly kind: 'holding'; readonly messages: number }
  /** Something was written for the table. */
  | { readonly kind: 'woken'; readonly table: string; readonly writtenMs: number }
  | { readonly kind: 'looking'; readonly table: string }
  /** Since when the oldest of its files waits that it has not taken in; undefined when none does. */
  | { readonly kind: 'looked'; readonly table: string; readonly waitingSinceMs: number | undefined }
  | {
      readonly kind: 'settled'
      readonly as: 'done' | 'back' | 'aside'
      /** How long it was on its way, by hop: from the write until a table looked, and from there to the durable commit. */
      readonly hopsMs: Readonly<Record<string, number>>
    }
