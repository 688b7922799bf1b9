// ZeroMQ RFC 32: four bytes, big-endian, to five characters.

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

const DIGITS: ReadonlyMap<string, number> = new Map([...ALPHABET].map((character, digit) => [character, digit]))

/** The text of some bytes; a length that is no multiple of four is filled up with zero bytes. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  let text = ''
  for (let offset = 0; offset < padded.length; offset += 4) {
    let rest = view.getUint32(offset)
    let group = ''
    for (let i = 0; i < 5; i++) {
      group = ALPHABET.charAt(rest % 85) + group
      rest = Math.floor(rest / 85)
    }
    text += group
  }
  return text
}

/** The bytes of a text, undefined when it is not Z85. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0
    for (let i = 0; i < 5; i++) {
      const digit = DIGITS.get(text.charAt(group * 5 + i))
      if (digit === undefined) return undefined
      value = value * 85 + digit
    }
    if (value > 0xffff_ffff) return undefined
    view.setUint32(group * 4, value)
  }
  return bytes
}
