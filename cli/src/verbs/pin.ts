import { systemClock } from '@tributary/delta'
import { type Pin, pinVersion, readSnapshotAt, unpin } from '@tributary/pipeline'
import type { Command } from 'commander'
import { flagsInvalid } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { writeJson } from '../list-output.ts'
import { openUpkeep } from '../open-upkeep.ts'

/** `pin`: keep a version readable, whatever vacuum and the cleanup of the log delete. */
export function addPin(command: Command, invocation: Invocation): void {
  command
    .argument('<table@version>', 'a table and a version or time: orders@v12')
    .argument('<name>', 'what the pin is called')
    .action(async (text: string, name: string) => {
      const { table, at } = splitVersion(text)
      if (at === undefined) throw flagsInvalid(`${text} names no version`, 'Write TABLE@VERSION')
      const { store, place } = await openUpkeep(invocation, table)
      const { version } = await readSnapshotAt(store, at, { nowMs: systemClock.now() })
      const pin = await pinVersion(systemClock, { store, place }, { version, name })
      await tell(invocation, pin, 'pinned')
    })
}

/** `unpin`: let a version go. */
export function addUnpin(command: Command, invocation: Invocation): void {
  command
    .argument('<table[@version]>', 'a table; with a version, the pin must be of that one')
    .argument('<name>', 'the name of the pin')
    .action(async (text: string, name: string) => {
      const { table, at } = splitVersion(text)
      const { store, place } = await openUpkeep(invocation, table)
      const snapshot = at === undefined ? undefined : await readSnapshotAt(store, at, { nowMs: systemClock.now() })
      const pin = await unpin(place, { name, ...(snapshot === undefined ? {} : { version: snapshot.version }) })
      await tell(invocation, pin, 'unpinned')
    })
}

async function tell(invocation: Invocation, pin: Pin, done: 'pinned' | 'unpinned'): Promise<void> {
  if (invocation.flags.json) await writeJson(invocation, { ...pin, done })
  invocation.words.say(`${pin.table}: version ${pin.version} ${done} as ${pin.name}`)
}

function splitVersion(text: string): { readonly table: string; readonly at: string | undefined } {
  const sign = text.lastIndexOf('@')
  return sign <= 0 ? { table: text, at: undefined } : { table: text.slice(0, sign), at: text.slice(sign + 1) }
}
