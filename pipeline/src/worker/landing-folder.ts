import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { landingNotFolder } from '../errors.ts'
import type { Lake } from './lake.ts'

/**
 * What to say of a landing whose folder is not there; undefined where it is, or where it is a bucket, which has no folders. DMS makes the
 * folder with its first file, so its absence is no error, and looks like a source at rest. Throws `LANDING_NOT_FOLDER`.
 */
export async function missingLanding({ landing }: Pick<Lake, 'landing'>): Promise<string | undefined> {
  if (!landing.url.startsWith('file:')) return undefined
  const folder = fileURLToPath(landing.url).replace(/(.)\/$/, '$1')
  try {
    if ((await stat(folder)).isDirectory()) return undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // Of what else is wrong with it the listing tells.
    return code === 'ENOENT'
      ? `the folder ${folder} is not there, so no file waits: compare \`landing\` in tributary.yaml, unless DMS is still to make it`
      : undefined
  }
  throw landingNotFolder(folder)
}
