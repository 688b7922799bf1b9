// What must not be written anywhere, taken out of a text: the one place that knows what a secret looks like (reliability.md §5). Errors
// pass through it when they are made, and what is logged when it is written.

const HIDDEN = '[redacted]'

// Each pattern is linear: no two parts of it can match the same characters.
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Access keys of AWS, also temporary ones.
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, HIDDEN],
  // Presigned URLs and the header of a signed request.
  [/\b(X-Amz-(?:Signature|Credential|Security-Token))=[^&\s"'<>]+/gi, `$1=${HIDDEN}`],
  [/(?<![\w-])(Credential|Signature)=[^,&\s"'<>]+/g, `$1=${HIDDEN}`],
  // `aws_secret_access_key = …`, `secretAccessKey: "…"`, `SECRET '…'` and the like.
  [
    /\b((?:aws_?)?(?:secret_?access_?key|session_?token|secret_?key)|password|secret)("?\s*[=:]\s*|\s+)("[^"]*"|'[^']*'|(?<=[=:]\s*)[^\s,;&}]+)/gi,
    `$1$2${HIDDEN}`,
  ],
  // Name and password before the host of a URL.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, `$1${HIDDEN}@`],
  // JSON web tokens.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, HIDDEN],
]

// Shorter values of the environment occur in harmless texts.
const LENGTH_MIN = 8
const NAMES = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_ACCESS_KEY_ID']

/** The text without secrets: those of the environment, and whatever has the form of one. */
export function redact(text: string, environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const known = NAMES.flatMap((name) => environment[name] ?? []).filter((secret) => secret.length >= LENGTH_MIN)
  const without = known.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
  return PATTERNS.reduce((rest, [pattern, shown]) => rest.replaceAll(pattern, shown), without)
}
