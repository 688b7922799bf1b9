// How many columns of a terminal a text takes. Wide: the East Asian blocks and emoji of Unicode's EastAsianWidth.txt (W and F).
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b16f}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u
// Marks, variation selectors and the zero-width joiners.
const ZERO = /\p{Mn}|\p{Me}|[\u200b-\u200d]/u
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0
  for (const point of text) width += widthOf(point)
  return width
}

/** The text in so many columns: padded, or cut with an ellipsis. */
export function fitText(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const own = textWidth(text)
  if (own > width) return fitText(`${cutText(text, width - 1)}…`, width, align)
  const padding = ' '.repeat(width - own)
  return align === 'left' ? text + padding : padding + text
}

/** A text in which no character can move the cursor or change the terminal: shown as an escape instead. */
export function visibleText(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (point) => ESCAPES[point] ?? `\\x${point.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function cutText(text: string, width: number): string {
  let cut = ''
  let used = 0
  for (const point of text) {
    used += widthOf(point)
    if (used > width) return cut
    cut += point
  }
  return cut
}

function widthOf(point: string): number {
  if (ZERO.test(point)) return 0
  return WIDE.test(point) ? 2 : 1
}
