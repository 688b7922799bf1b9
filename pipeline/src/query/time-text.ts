/** Milliseconds of an ISO time or date, read as UTC where it names no zone; undefined for anything else. */
export function parseTime(text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(text)
  if (!parts) return undefined
  const [, date = '', minutes = '00:00', seconds = ':00', zone = 'Z'] = parts
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2').toUpperCase()
  const ms = Date.parse(`${date}T${minutes}${seconds.slice(0, 7)}${offset}`)
  return Number.isNaN(ms) ? undefined : ms
}

/** A time that names UTC or no zone, which then is meant, as ISO 8601 text with the digits that it has; any other text as it stands. */
export function isoText(text: string): string {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|[+-]00(?::?00)?)?$/.exec(text) ?? []
  return date === undefined ? text : `${date}T${time}Z`
}
