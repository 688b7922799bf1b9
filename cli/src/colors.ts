import { styleText } from 'node:util'
import { isSet } from './global-flags.ts'

/** Puts a colour or weight on a text, or leaves it as it is. */
export type Paint = (style: 'red' | 'green' | 'yellow' | 'bold' | 'dim', text: string) => string

/** Colours for a stream: `--no-color` and `NO_COLOR` beat `FORCE_COLOR`, which beats what the stream is. */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  options: { readonly color: boolean; readonly environment: NodeJS.ProcessEnv },
): Paint {
  const { color, environment } = options
  const isRefused = !color || (environment['NO_COLOR'] ?? '') !== ''
  const isForced = isSet(environment['FORCE_COLOR'])
  const isWanted =
    !isRefused && (isForced || (stream.isTTY === true && environment['TERM'] !== 'dumb' && !isSet(environment['CI'])))
  return isWanted ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}
