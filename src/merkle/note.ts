import { base64, concat, fromBase64, utf8 } from '../crypto/bytes.ts'
import { publicKeyBytes } from '../crypto/ed25519.ts'
import { hashToBytes, sha256Bytes } from '../crypto/hash.ts'
import { tagged, untagged } from '../crypto/tagged.ts'
import type { Uid } from '../events/ids.ts'
import type { Head } from '../events/statement.ts'
import { ConcordataError } from '../runtime/errors.ts'

/** A text is no signed note, or a line of it no cosignature. Evidence: `line`, the offending one, where there is one. */
export class NoteMalformed extends ConcordataError {}

/** A text and who signed it (c2sp.org/signed-note). Which of the signatures are valid, or known, it does not say. */
export interface SignedNote {
  /** Ends with a newline. */
  readonly body: string
  readonly signatures: readonly NoteSignature[]
}

export interface NoteSignature {
  /** Of the key: not empty, without spaces and plus signs. */
  readonly name: string
  /** Unsigned, 32 bits: tells keys of one name apart, and their algorithms. */
  readonly keyId: number
  /** What the algorithm of the key makes of the body. */
  readonly bytes: Uint8Array
}

/** A party's Ed25519 signature that it holds a ledger of that size and root, and when it made it: Unix seconds; tagged. */
export interface Cosignature {
  readonly time: number
  readonly signature: string
}

/** More than any contract has members. The specification wants a limit, of 16 at least. */
const SIGNATURES_MAX = 4096
const COSIGNATURE_V1 = 0x04
const KEY_ID_BYTES = 4
const TIME_BYTES = 8
const SIGNATURE_BYTES = 64
/** A name has neither plus signs nor white space: Unicode's White_Space, pinned. */
const SIGNATURE_LINE =
  /^— ([^+\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+) ([A-Za-z0-9+/]+={0,2})$/u

/** The name of a contract's log in its signed notes (C2SP tlog-checkpoint, "origin"). */
export function originOf(contract: Uid): string {
  return `concordata/v1/${contract}`
}

/**
 * A ledger as the body of a note (c2sp.org/tlog-checkpoint): origin, size, root. There is no extension line: on those
 * "consensus between cosigners SHALL NOT be assumed". The record hash stands in the leaf of its entry.
 * Requires an origin of one line, without spaces and plus signs.
 */
export function checkpointBody(origin: string, { size, root }: Pick<Head, 'size' | 'root'>): string {
  return `${origin}\n${size}\n${base64(hashToBytes(root))}\n`
}

const PORT_COLON = /%3[aA]/

/**
 * The name of a party's keys in signed notes (c2sp.org/tlog-cosignature: "SHOULD be a schema-less URL that identifies the
 * cosigner"): the URL that its did:web stands for (W3C CCG did:web §3.2), without scheme. `did:web:acme.example%3A8443:a` is `acme.example:8443/a`. A DID has neither
 * spaces nor plus signs, and other percent signs stay what they are in a URL, so it is a name. Requires a DID of a card.
 */
export function keyNameOf(did: string): string {
  const [host = '', ...path] = did.slice('did:web:'.length).split(':')
  return [host.replace(PORT_COLON, ':'), ...path].join('/')
}

/** What a cosigner signs (c2sp.org/tlog-cosignature, "Ed25519 signed message"). */
export function cosignatureBytes(body: string, timeSeconds: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeSeconds}\n${body}`)
}

/** Of an Ed25519 key that makes cosignatures. */
export function keyId(name: string, publicKey: string): number {
  const key = publicKeyBytes(publicKey)
  const hash = sha256Bytes(concat(utf8(`${name}\n`), Uint8Array.of(COSIGNATURE_V1), key))
  return stateAt(hash).getUint32(0)
}

/** The cosignature of the key as a line of a note. Requires a signature of the right form. */
export function noteSignature(name: string, publicKey: string, { time, signature }: Cosignature): NoteSignature {
  const bytes = new Uint8Array(TIME_BYTES + SIGNATURE_BYTES)
  stateAt(bytes).setBigUint64(0, BigInt(time))
  bytes.set(untagged(signature, SIGNATURE_BYTES) as Uint8Array, TIME_BYTES)
  return { name, keyId: keyId(name, publicKey), bytes }
}

/** The first cosignature of this key, not verified yet, or undefined. Throws NoteMalformed. */
export function cosignatureOf({ signatures }: SignedNote, name: string, publicKey: string): Cosignature | undefined {
  const id = keyId(name, publicKey)
  const found = signatures.find((signature) => signature.name === name && signature.keyId === id)
  if (found === undefined) return undefined
  const time = found.bytes.length === TIME_BYTES + SIGNATURE_BYTES ? stateAt(found.bytes).getBigUint64(0) : undefined
  if (time === undefined || time > Number.MAX_SAFE_INTEGER) {
    throw new NoteMalformed('note_malformed', `the signature of ${name} is no cosignature`, { line: lineOf(found) })
  }
  return { time: Number(time), signature: tagged(found.bytes.subarray(TIME_BYTES)) }
}

/** The text that `parseNote` reads as this body and these signatures. Throws NoteMalformed if there is none. */
export function formatNote(body: string, signatures: readonly NoteSignature[]): string {
  const text = `${body}\n${signatures.map((signature) => `${lineOf(signature)}\n`).join('')}`
  const read = parseNote(text)
  if (read.body === body && read.signatures.length === signatures.length) return text
  throw new NoteMalformed('note_malformed', 'a name of a key breaks its signature line')
}

/** Reads a signed note of anybody, strictly: there is one text for what it answers. Throws NoteMalformed. */
export function parseNote(text: string): SignedNote {
  if (!text.isWellFormed() || hasControlCharacter(text)) {
    throw new NoteMalformed('note_malformed', 'a note is UTF-8, without control characters other than newlines')
  }
  const end = text.lastIndexOf('\n\n')
  if (end === -1 || !text.endsWith('\n')) {
    throw new NoteMalformed('note_malformed', 'a note ends with an empty line, and signature lines after it')
  }
  const lines = text.slice(end + 2, -1).split('\n')
  if (lines.length > SIGNATURES_MAX) {
    throw new NoteMalformed('note_malformed', `a note has ${SIGNATURES_MAX} signatures at most`, {
      lines: lines.length,
    })
  }
  return { body: text.slice(0, end + 1), signatures: lines.map(parseLine) }
}

function parseLine(line: string): NoteSignature {
  const [, name, text = ''] = SIGNATURE_LINE.exec(line) ?? []
  const bytes = fromBase64(text)
  if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw new NoteMalformed('note_malformed', 'a signature line is `— <name> <base64>`', { line })
  }
  return { name, keyId: stateAt(bytes).getUint32(0), bytes: bytes.subarray(KEY_ID_BYTES) }
}

function lineOf({ name, keyId, bytes }: NoteSignature): string {
  const id = new Uint8Array(KEY_ID_BYTES)
  stateAt(id).setUint32(0, keyId)
  return `— ${name} ${base64(concat(id, bytes))}`
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 && unit !== 0x0a) return true
  }
  return false
}

function stateAt(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
