// The part of the page that says what we lose at: what the run shows, and what no run of this bench can show.

import type { Figure } from './figures.ts'
import { goalText, numberText } from './report.ts'

/** Of each suite, the figures where a peer is ahead of us and the goals that are missed; then what is not measured. */
export function lossesText(
  results: readonly { readonly suite: string; readonly figures: readonly Figure[] }[],
): string {
  const lost = results.flatMap(({ suite, figures }) =>
    figures.flatMap((figure) => (isLost(figure) ? [`* \`${suite}\`: ${lossText(figure)}`] : [])),
  )
  return `## What we lose at

${lost.length === 0 ? 'In this run no peer is ahead of us and no goal is missed.' : `In this run:\n\n${lost.join('\n')}`}

And what these suites do not show:

* **A floor without a guess.** The floor reads its CSV file as DuckDB does by default: it finds out the dialect first, which takes more than parsing and writing 10,000
  rows together. Told the dialect (\`, auto_detect = false\` behind the columns that \`bench/processes/copy.ts\` is given), it takes a quarter of the time, and a warm batch of ours eight times as long.
* **A cold start.** The index is a cache on the machine. Without it, as in a new function, each batch scans the key columns of the files that
  statistics leave, and that follows the table: see *tributary, no index*. The index takes 26 bytes of disk a key.
* **More than one machine.** Spark's figures are those of two cores. It scales out; one process of ours does not, and a batch that changes a large
  part of a table is work for an engine that rewrites it in parallel.
* **A bucket.** All tables here are on a local disk. In S3 a batch waits for about a dozen requests, one after another, and the ratio to a peer that moves
  hundreds of megabytes is another one.
* **A cold page cache.** It cannot be dropped without root. Every contender reads files that were read before; a warm worker of ours has its
  index read through after its first batch, which does not count, as every worker has.
* **A peer that was tuned.** delta-rs and Spark run with their defaults, but for Spark's number of partitions, which is lowered to suit two cores;
  a partition filter in a MERGE's condition, where keys allow one, makes both faster.
* **Readers' cost.** A table with deletion vectors is slower to read, for everybody, until \`optimize\`; a MERGE that rewrites files leaves none.
* **Hudi.** It is not in the comparison: no bundle of it for Spark 4.2, the Spark of these runs, was to be had from Maven Central.
`
}

/** A comparison that begins with a peer's name tells how many times as long as we it takes; one that begins with ours, the other way round. */
function isLost({ label, unit, spread, goal }: Figure): boolean {
  if (goal?.verdict === 'missed') return true
  if (unit !== 'times' || label.includes('base')) return false
  if (/^(.*: )?(delta-rs|Spark)/.test(label)) return spread.median < 1
  return /of the time of (raw Parquet|DuckDB|the floor)/.test(label) && spread.median > 1
}

function lossText({ label, unit, spread, goal }: Figure): string {
  const missed = goal?.verdict === 'missed' ? ` (goal: ${goalText(goal, unit)}, missed)` : ''
  return `${label}: ${numberText(spread.median, unit)}${missed}`
}
