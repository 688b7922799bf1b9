// Two plots as SVG: bars and lines, both over logarithmic time, because what is compared lies orders of magnitude apart. They are texts that
// look the same in a viewer with a dark page.

/** One bar: what somebody took. */
export interface Bar {
  readonly label: string
  readonly ms: number
  readonly isOurs: boolean
}

/** One line: what somebody took at each size. */
export interface Line {
  readonly label: string
  readonly isOurs: boolean
  readonly points: readonly { readonly rows: number; readonly ms: number }[]
}

const WIDTH = 800
const [OURS, THEIRS, GRID, INK] = ['#0b7285', '#adb5bd', '#e9ecef', '#343a40']

/** Horizontal bars with the time at their ends. */
export function barsSvg(title: string, bars: readonly Bar[]): string {
  const [left, right, row] = [310, 80, 26]
  const height = 40 + bars.length * row + 30
  const scale = logScale(
    bars.map(({ ms }) => ms),
    { from: left, to: WIDTH - right },
  )
  const body = bars.map(({ label, ms, isOurs }, index) => {
    const y = 40 + index * row
    const width = Math.max(1, scale.at(ms) - left)
    return [
      text(left - 8, y + 14, label, { anchor: 'end' }),
      `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="${row - 8}" fill="${isOurs ? OURS : THEIRS}"/>`,
      text(left + width + 6, y + 14, timeText(ms), {}),
    ].join('\n')
  })
  const grid = scale.ticks.map((tick) => upright(scale.at(tick), { from: 32, to: height - 24, label: timeText(tick) }))
  return svg(title, height, [...grid, ...body])
}

/** Lines over the number of rows, both axes logarithmic. */
export function linesSvg(title: string, lines: readonly Line[]): string {
  const [left, right, top, height] = [70, 200, 40, 380]
  const points = lines.flatMap((line) => line.points)
  const x = logScale(
    points.map(({ rows }) => rows),
    { from: left, to: WIDTH - right },
  )
  const y = logScale(
    points.map(({ ms }) => ms),
    { from: height - 40, to: top },
  )
  const grid = [
    ...x.ticks.map((tick) => upright(x.at(tick), { from: top, to: height - 40, label: rowsText(tick) })),
    ...y.ticks.map((tick) =>
      [
        `<line x1="${left}" x2="${WIDTH - right}" y1="${y.at(tick).toFixed(1)}" y2="${y.at(tick).toFixed(1)}" stroke="${GRID}"/>`,
        text(left - 8, y.at(tick) + 4, timeText(tick), { anchor: 'end' }),
      ].join('\n'),
    ),
  ]
  const body = lines.map(({ label, isOurs, points: own }) => {
    const colour = isOurs ? OURS : THEIRS
    const places = own.map(({ rows, ms }) => ({ x: x.at(rows), y: y.at(ms), label: timeText(ms) }))
    const path = places.map((place) => `${place.x.toFixed(1)},${place.y.toFixed(1)}`).join(' ')
    const last = places.at(-1) ?? { x: left, y: top, label: '' }
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2.5"/>`,
      ...places.map(
        (place) => `<circle cx="${place.x.toFixed(1)}" cy="${place.y.toFixed(1)}" r="4" fill="${colour}"/>`,
      ),
      ...places.slice(0, -1).map((place) => text(place.x, place.y - 9, place.label, { anchor: 'middle' })),
      text(last.x + 10, last.y + 4, `${label}, ${last.label}`, {}),
    ].join('\n')
  })
  return svg(title, height, [...grid, ...body])
}

interface Scale {
  readonly at: (value: number) => number
  /** Powers of ten that lie in it. */
  readonly ticks: readonly number[]
}

function logScale(values: readonly number[], { from, to }: { readonly from: number; readonly to: number }): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  }
}

function svg(title: string, height: number, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="12" y="20" font-weight="bold" fill="${INK}">${escaped(title)}</text>
${body.join('\n')}
</svg>
`
}

function upright(
  x: number,
  { from, to, label }: { readonly from: number; readonly to: number; readonly label: string },
): string {
  const line = `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${from}" y2="${to}" stroke="${GRID}"/>`
  return `${line}\n${text(x, to + 16, label, { anchor: 'middle' })}`
}

function text(x: number, y: number, words: string, { anchor = 'start' }: { readonly anchor?: string }): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${INK}">${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

/** `120 ms`, `1.4 s`, `2 min 5 s` would be too long: `125 s`. */
export function timeText(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : ms.toFixed(0)} ms`
  return `${ms < 10_000 ? Number((ms / 1000).toFixed(2)) : (ms / 1000).toFixed(0)} s`
}

function rowsText(rows: number): string {
  return rows >= 1_000_000 ? `${rows / 1_000_000} M rows` : `${rows / 1000} k rows`
}
