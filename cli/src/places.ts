/** The folder of this workspace, from `src/` and from the bundle in `dist/` alike: both lie directly in it. */
export const CLI_FOLDER: URL = new URL('..', import.meta.url)
