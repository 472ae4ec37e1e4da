/** Each control character from here on stands for a phrase. Canonical JSON has none of its own: it escapes them. */
const FIRST_PHRASE = 0x03
/** What statements and entries have in common. Their order stands in stores: only ever add at the end, up to 29. */
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
const packed = new RegExp(`${HASH}([^]{32})|${SIGNATURE}([^]{64})|[${characterFor(0)}-${LAST_CONTROL}]`, 'g')
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

/** In UTF-8; undefined if packing never makes that. */
export function unpackText(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString('latin1').replace(packed, (found, hash?: string, signature?: string) => {
    if (hash !== undefined) return Buffer.from(hash, 'latin1').toString('hex')
    if (signature !== undefined) return Buffer.from(signature, 'latin1').toString('base64url')
    return PHRASES[found.charCodeAt(0) - FIRST_PHRASE] ?? found
  })
  return control.test(text) ? undefined : Buffer.from(text, 'latin1')
}
