// A drift report as one page of HTML that needs nothing else: it can be mailed, and opened years later.
import type { ColumnDrift, DriftReport } from './drift.ts'

/** The page of a report. */
export function driftPage(report: DriftReport): string {
  const { reference, compared, alpha, rows, columns, schema_changes: changes } = report
  const drifted = columns.filter(({ verdict }) => verdict === 'drifted')
  const ordered = columns.toSorted((a, b) => a.p - b.p || b.effect - a.effect)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Drift ${plainHtml(compared)}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}.drifted{color:#a40e26;font-weight:600}.small{color:#7a5c00}
svg{display:block}.a{fill:#8c959f}.b{fill:#0969da}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}.drifted{color:#ff7b72}.small{color:#d29922}.b{fill:#58a6ff}}
</style></head><body>
<h1>${drifted.length === 0 ? 'No drift' : `${drifted.length} of ${columns.length} columns drifted`}</h1>
<p><b>${plainHtml(compared)}</b> (${rows[1]} rows, blue) against <b>${plainHtml(reference)}</b> (${rows[0]} rows, grey).
A column drifted when chance alone would show as much in less than ${alpha * 100} % of cases, counted over all columns, and the effect is large enough to matter.</p>
${changes.length === 0 ? '' : `<p>Columns: ${changes.map(plainHtml).join(', ')}</p>`}
<table><thead><tr><th>column</th><th>verdict</th><th>PSI</th><th>p</th><th>effect</th><th>NULL</th><th>shares</th></tr></thead><tbody>
${ordered.map(rowOf).join('\n')}
</tbody></table></body></html>
`
}

function rowOf(column: ColumnDrift): string {
  const [before, after] = column.null_share
  const news = [
    ...(column.appeared.length === 0 ? [] : [`new: ${column.appeared.join(', ')}`]),
    ...(column.vanished.length === 0 ? [] : [`gone: ${column.vanished.join(', ')}`]),
  ]
  return `<tr><td>${plainHtml(column.column)}${news.map((text) => `<br><small>${plainHtml(text)}</small>`).join('')}</td><td class="${column.verdict}">${column.verdict}</td>
<td class="number">${column.psi.toFixed(4)}</td><td class="number">${column.p.toPrecision(2)}</td><td class="number">${column.effect.toFixed(3)}</td>
<td class="number">${percent(before)} → ${percent(after)}</td><td>${barsOf(column)}</td></tr>`
}

const HEIGHT = 36
const WIDTH = 6

function barsOf({ bins }: ColumnDrift): string {
  const total = (side: 'reference' | 'compared'): number => bins.reduce((sum, bin) => sum + bin[side], 0) || 1
  const [all, others] = [total('reference'), total('compared')]
  const most = Math.max(...bins.map((bin) => Math.max(bin.reference / all, bin.compared / others)), Number.EPSILON)
  const bar = (share: number, x: number, side: string): string => {
    const height = (share / most) * HEIGHT
    return `<rect class="${side}" x="${x}" y="${(HEIGHT - height).toFixed(1)}" width="${WIDTH / 2}" height="${height.toFixed(1)}"/>`
  }
  const bars = bins.map(
    ({ name, reference, compared }, index) =>
      `<g><title>${plainHtml(name)}: ${percent(reference / all)} → ${percent(compared / others)}</title>${bar(reference / all, index * (WIDTH + 2), 'a')}${bar(compared / others, index * (WIDTH + 2) + WIDTH / 2, 'b')}</g>`,
  )
  const width = bins.length * (WIDTH + 2)
  return `<svg width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="shares of the bins">${bars.join('')}</svg>`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function plainHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
}
