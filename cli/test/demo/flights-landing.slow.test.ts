import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { openEngine } from '@tributary/delta'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readFlights } from '../../src/demo/flights-events.ts'
import { type FlightsStep, writeFlights } from '../../src/demo/flights-landing.ts'

// Slow because the data are real: a year is a million changes. That the derivation finds just these numbers is what the demo claims.
const data = join(import.meta.dirname, '../../../.venv/flights')

describe.skipIf(!existsSync(data))('the flights of 2013 as DMS files', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flights-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function write(
    into: string,
    options: { readonly days: number; readonly minuteHours: number },
  ): Promise<readonly FlightsStep[]> {
    const engine = await openEngine()
    try {
      return await Array.fromAsync(writeFlights(engine, { data, folder: into }, options))
    } finally {
      await engine.close()
    }
  }

  test('the year has 1,000,898 changes, and the last of each flight is the data set', async () => {
    const counts = { scheduled: 0, departed: 0, arrived: 0, cancelled: 0, weather: 0 }
    const last = new Map<string, Row>()
    let sequence = ''
    let backwards = 0
    for (const step of await write(folder, { days: 365, minuteHours: 6 })) {
      for (const file of step.files) {
        const rows = parseRows(await readFile(file, 'utf8'))
        if (file.includes('/weather/')) counts.weather += rows.length
        if (!file.includes('/flights/')) continue
        for (const row of rows) {
          const next = row('change_seq') ?? ''
          if (next !== '' && next <= sequence) backwards += 1
          sequence = next
          counts[
            row('Op') === 'I'
              ? 'scheduled'
              : row('cancelled') === 'true'
                ? 'cancelled'
                : row('arr_delay') === '\\N'
                  ? 'departed'
                  : 'arrived'
          ] += 1
          last.set(`${row('time_hour')} ${row('carrier')} ${row('flight')}`, row)
        }
      }
    }
    expect(counts).toEqual({
      scheduled: 336_776,
      departed: 328_521,
      arrived: 327_346,
      cancelled: 8_255,
      weather: 26_115,
    })

    expect(backwards).toBe(0)

    const real = parseRows((await readFile(join(data, 'flights.csv'), 'utf8')).replaceAll(/\bNA\b/g, '\\N'))
    let diverted = 0
    for (const flight of real) {
      const row = last.get(
        `${flight('time_hour')?.replace('T', ' ').replace('Z', '')} ${flight('carrier')} ${flight('flight')}`,
      )
      if (row?.('arr_time') !== flight('arr_time')) diverted += 1
      if (COMPARED.some((name) => row?.(name) !== flight(name))) {
        expect(COMPARED.map((name) => row?.(name))).toEqual(COMPARED.map(flight))
      }
    }
    expect({ flights: last.size, diverted }).toEqual({ flights: 336_776, diverted: 717 })
  })

  test('the derived moments show the wall clocks that the data set has', async () => {
    const engine = await openEngine()
    try {
      await readFlights(engine, data, { toSeconds: Date.UTC(2014, 0, 3) / 1000 })
      const rows = await engine.all(`WITH moments AS (
          SELECT *, departs + to_minutes(dep_delay::INTEGER) AS took_off, arrives + to_minutes(arr_delay::INTEGER) AS landed
          FROM flight_times WHERE arr_delay IS NOT NULL
        ), clocks AS (SELECT *, (landed AT TIME ZONE 'UTC') AT TIME ZONE zone AS there FROM moments)
        SELECT count(*)::INTEGER AS arrived, count_if(landed < took_off)::INTEGER AS early,
          count_if(hour(there) * 100 + minute(there) = arr_time::INTEGER % 2400)::INTEGER AS same FROM clocks`)
      expect(rows.map((row) => ({ ...row }))).toEqual([{ arrived: 327_346, early: 0, same: 327_345 }])
    } finally {
      await engine.close()
    }
  })

  test('the same days give the same bytes, hour by hour and at the end minute by minute', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    const steps = await write(one, { days: 2, minuteHours: 1 })
    const again = await write(two, { days: 2, minuteHours: 1 })
    expect(again.map((step) => step.changes)).toEqual(steps.map((step) => step.changes))
    for (const file of steps.flatMap((step) => step.files)) {
      expect(await readFile(join(two, relative(one, file)), 'utf8')).toBe(await readFile(file, 'utf8'))
    }
    expect(steps.filter((step) => step.kind === 'load')).toHaveLength(1)
    expect(steps.filter((step) => step.kind === 'hour').every((step) => step.until.endsWith(':00:00Z'))).toBe(true)
    expect(steps.filter((step) => step.kind === 'minute').every((step) => step.until > '2013-01-03T04:00:00Z')).toBe(
      true,
    )
    expect(steps.at(-1)?.kind).toBe('minute')
  })
})

const COMPARED = ['dep_time', 'dep_delay', 'arr_delay', 'air_time', 'tailnum', 'origin', 'dest', 'distance'] as const

/** A field of one line, by its name. */
type Row = (name: string) => string | undefined

// No field of the flights has a comma or a quote, so the test needs no parser that it would share with the code.
function parseRows(text: string): readonly Row[] {
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const places = new Map(header.split(',').map((name, place) => [name, place]))
  return lines.map((line) => {
    const fields = line.split(',')
    return (name) => fields[places.get(name) ?? fields.length]
  })
}
