// PROTOCOL.md, "Add File": `path` is a URI reference. It is decoded exactly once; a `+` is a plus.

/** Where a path of the log points: below the table's root as plain text, or anywhere else as a URL. */
export type LogPath =
  | { readonly kind: 'relative'; readonly path: string }
  | { readonly kind: 'absolute'; readonly url: string }

/** Decode the path of an add, remove or cdc action. `file:` URLs and bare absolute paths come out in one spelling, `file:///a%20b`. */
export function decodePath(logPath: string): LogPath {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\//.exec(logPath)?.[1]?.toLowerCase()
  if (scheme === 'file')
    return {
      kind: 'absolute',
      url: fileUrl(decode(logPath.slice('file:'.length).replace(/^\/\/(localhost)?(?=\/)/, ''))),
    }
  if (scheme !== undefined) return { kind: 'absolute', url: logPath }
  if (logPath.startsWith('/')) return { kind: 'absolute', url: fileUrl(decode(logPath)) }
  return { kind: 'relative', path: decode(withoutDots(logPath)) }
}

/** The log's spelling of a plain path below the table's root. */
export function encodePath(path: string): string {
  // `=` is legal in a URI's path and every writer leaves it in `column=value` folders. Half a surrogate pair is in no file's name.
  return path
    .split('/')
    .map((part) => encodeURIComponent(part.toWellFormed()).replaceAll('%3D', '='))
    .join('/')
}

// RFC 2396, 5.2: a segment `.` leads nowhere. Who has a colon in the first name has to write `./a:b`.
function withoutDots(reference: string): string {
  return reference.replace(/(?<=^|\/)(?:\.\/+)+/g, '')
}

function fileUrl(path: string): string {
  return `file://${encodePath(path.replace(/^\/+/, '/'))}`
}

// A stray percent sign stays as it is: some writers forget to encode it, and then it is a part of the name.
function decode(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escaped) => {
    try {
      return decodeURIComponent(escaped)
    } catch {
      return escaped
    }
  })
}
