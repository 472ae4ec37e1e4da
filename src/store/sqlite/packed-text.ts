/** Each control character from here on stands for a phrase. Canonical JSON has none of its own: it escapes them. */
const FIRST_PHRASE = 0x03
/** What statements and entries have in common (decision 0107). Their order stands in stores: only ever add at the end, up to 29. */
const PHRASES = [
  '{"signature":"ed25519:',
  '","statement":{"clock":',
  ',"contract":"',
  '","decided":[],"head":{"record":"',
  '","root":"',
  '","size":',
  '},"party":"',
  '","prev":"',
  '","refusals":[],"requests":[',
  '],"seen":{"',
  '":{"hash":"',
  '","seq":',
  '}},"seq":',
  ',"time":"',
  'Z","v":1}}',
  '{"commands":[{"basis":[],"field":"',
  '","seal":"',
  '","type":"ProposeValue"}],"id":"',
  '{"answers":"',
  '","author":"',
  '","events":[{"by":"',
  '","field":"',
  '","proposal":"',
  '","replaces":["',
  '"],"seal":"',
  '","type":"ValueProposed"}],"index":',
  ',"outcome":{"kind":"accepted"},"record":"',
  '","request":{"handle":"',
  '},"statement":"',
]
const PHRASE_BYTES = PHRASES.map((phrase) => Buffer.from(phrase, 'latin1'))
/** A hash in hexadecimal, or an Ed25519 signature in base64url, as what they are: 32 or 64 bytes. */
const HASH = '\x01'
const SIGNATURE = '\x02'

const escaped = (phrase: string) => phrase.replace(/[{}[\]]/g, '\\$&')
// The longest first. What may be a hash or a signature is looked at where a text begins only.
const packable = new RegExp(
  [
    '(?<=")[0-9a-f]{64}',
    '(?<=:)[A-Za-z0-9_-]{86}',
    ...PHRASES.toSorted((one, other) => other.length - one.length).map(escaped),
  ].join('|'),
  'g',
)
const FIRST_CONTROL = '\0'
const LAST_CONTROL = '\x1f'
const [HASH_BYTE, SIGNATURE_BYTE, LAST_CONTROL_BYTE] = [0x01, 0x02, 0x1f]
const HASH_BYTES = 32
const SIGNATURE_BYTES = 64
const SIGNATURE_CHARACTERS = 86
const HEX = Buffer.from('0123456789abcdef', 'latin1')
const BASE64URL = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1')
const control = new RegExp(`[${FIRST_CONTROL}-${LAST_CONTROL}]`)
const characterOf = new Map(PHRASES.map((phrase, n) => [phrase, characterFor(n)]))

/** A text in fewer bytes; undefined if it has control characters. Any other comes back as it is, be it JSON or not. */
export function packText(text: string): Buffer | undefined {
  if (control.test(text)) return undefined
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  return Buffer.from(bytes.replace(packable, packedAs), 'latin1')
}

function characterFor(phrase: number): string {
  return String.fromCharCode(FIRST_PHRASE + phrase)
}

function packedAs(found: string): string {
  const phrase = characterOf.get(found)
  if (phrase !== undefined) return phrase
  if (found.length === 64) return HASH + Buffer.from(found, 'hex').toString('latin1')
  const bytes = Buffer.from(found, 'base64url')
  // The last character has four bits more than the bytes.
  return bytes.toString('base64url') === found ? SIGNATURE + bytes.toString('latin1') : found
}

/** In UTF-8; undefined if packing never makes that. By bytes: most of what is read from a store is unpacked. */
export function unpackText(bytes: Uint8Array): Buffer | undefined {
  const length = lengthUnpacked(bytes)
  if (length === undefined) return undefined
  const text = Buffer.allocUnsafe(length)
  let to = 0
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at++] as number
    if (byte > LAST_CONTROL_BYTE) {
      text[to++] = byte
    } else if (byte === HASH_BYTE) {
      to = writeHex(bytes, at, text, to)
      at += HASH_BYTES
    } else if (byte === SIGNATURE_BYTE) {
      to = writeBase64url(bytes, at, text, to)
      at += SIGNATURE_BYTES
    } else {
      const phrase = PHRASE_BYTES[byte - FIRST_PHRASE] as Uint8Array
      for (let place = 0; place < phrase.length; place++) text[to++] = phrase[place] as number
    }
  }
  return text
}

/** Undefined: it ends too soon, or has a control character that stands for nothing. */
function lengthUnpacked(bytes: Uint8Array): number | undefined {
  let length = 0
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at++] as number
    if (byte > LAST_CONTROL_BYTE) {
      length++
    } else if (byte === HASH_BYTE) {
      length += 2 * HASH_BYTES
      at += HASH_BYTES
    } else if (byte === SIGNATURE_BYTE) {
      length += SIGNATURE_CHARACTERS
      at += SIGNATURE_BYTES
    } else {
      const phrase = PHRASE_BYTES[byte - FIRST_PHRASE]
      if (phrase === undefined) return undefined
      length += phrase.length
    }
  }
  return at > bytes.length ? undefined : length
}

/** Where it ends. */
function writeHex(bytes: Uint8Array, from: number, text: Uint8Array, start: number): number {
  let to = start
  for (let at = from; at < from + HASH_BYTES; at++) {
    const byte = bytes[at] as number
    text[to++] = HEX[byte >> 4] as number
    text[to++] = HEX[byte & 15] as number
  }
  return to
}

/** Six bits a character: the last has two of its own, and zeros behind them (RFC 4648 §5). Where it ends. */
function writeBase64url(bytes: Uint8Array, from: number, text: Uint8Array, start: number): number {
  let [bits, held, to] = [0, 0, start]
  for (let at = from; at < from + SIGNATURE_BYTES; at++) {
    bits = ((bits << 8) | (bytes[at] as number)) & 0xffff
    for (held += 8; held >= 6; ) {
      held -= 6
      text[to++] = BASE64URL[(bits >> held) & 63] as number
    }
  }
  text[to++] = BASE64URL[(bits << (6 - held)) & 63] as number
  return to
}
