/** How much of a long run is wanted, by TRIBUTARY_SOAK: 0 where it is not set, 1 for all of it, 0.1 for a tenth of what is random. */
export const SOAK = Number(process.env['TRIBUTARY_SOAK'] ?? 0)

/** Whether what has no part is to be run whole. */
export const IS_SOAK = SOAK > 0

/** How often something random is tried: as usual, or the part that is wanted of the full number. */
export function times(usual: number, full: number): number {
  return Math.max(usual, Math.ceil(full * SOAK))
}
