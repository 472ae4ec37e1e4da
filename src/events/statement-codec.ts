import { Compile } from 'typebox/compile'
import { BoundedCache } from '../crypto/bounded-cache.ts'
import { utf8, utf8Length } from '../crypto/bytes.ts'
import { canonicalJson, NotCanonicalizable } from '../crypto/canonical-json.ts'
import { domains, type Hash, hashCanonical } from '../crypto/hash.ts'
import { tagged } from '../crypto/tagged.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { type Form, firstErrorText } from '../runtime/first-error.ts'
import { exceededBound } from '../runtime/json-bounds.ts'
import { ceilings, JSON_DEPTH_MAX, JSON_MEMBERS_MAX, SIGNED_CHARACTERS_MAX } from './limits.ts'
import { sealOf, sealsNamedBy } from './seal.ts'
import {
  type Payload,
  type Payloads,
  SignedSchema,
  type Statement,
  type StatementCore,
  StoredSchema,
} from './statement.ts'

/** The statement, or a part of what came with it, is not what its bytes must be. Nothing of it is kept. */
export class StatementRefused extends ConcordataError {}

/** A statement that has been taken apart, with all that follows from its bytes alone. Its signature is not verified yet. */
export interface SignedStatement {
  readonly statement: Statement
  /** The canonical JSON of the statement: with the domain line before it, the bytes that are signed and hashed. */
  readonly text: string
  readonly hash: Hash
  readonly core: Hash
  /** 64 bytes, tagged. */
  readonly signature: string
  readonly payloads: Payloads
}

/** Of a line: what is nested stands in the requests of the statement, or in the values. */
const LINE_BOUNDS = { depthMax: JSON_DEPTH_MAX + 2, membersMax: JSON_MEMBERS_MAX }

/** To take apart a line that is longer takes milliseconds: what cannot be one is not. */
const LONG_LINE = 64 * 1024
const LINE_START = '{"payloads":{'

const signedForm = Compile(SignedSchema)
const storedForm = Compile(StoredSchema)

/** The canonical JSON of a statement without `head` and `note`. */
export function encodeCore(core: StatementCore): string {
  return canonicalJson(core)
}

/** The hash by which ledger entries name a statement: over its canonical JSON without `head` and `note`. */
export function coreHash(coreText: string): Hash {
  return hashCanonical('core', coreText)
}

/**
 * The canonical JSON of the whole statement. `head`, `key` and `note` sort right before `party`; what comes earlier (clock,
 * contract, decided) has no member of these names, and inside strings quotes are escaped: so the first place is it.
 */
export function encodeStatement(
  coreText: string,
  { head, key, note }: Pick<Statement, 'head' | 'key' | 'note'>,
): string {
  const keyText = key === undefined ? '' : `,"key":${canonicalJson(key)}`
  const place = coreText.indexOf(`${keyText},"party":`)
  const noteText = note === undefined ? '' : `,"note":${canonicalJson(note)}`
  const rest = coreText.slice(place + keyText.length)
  return `${coreText.slice(0, place)},"head":${canonicalJson(head)}${keyText}${noteText}${rest}`
}

export function statementHash(text: string): Hash {
  return hashCanonical('statement', text)
}

/** What the signature of a statement is made over. */
export function bytesToSign(text: string): Uint8Array {
  return utf8(domains.statement + text)
}

/** The one line of canonical JSON in which a statement travels. */
export function encodeSigned(text: string, signature: string, payloads: Payloads): string {
  return `{"payloads":${canonicalJson(payloads)},"signature":"${signature}","statement":${text}}`
}

/** Whether that is the line, without making it once more: it may have megabytes. */
function isLineOf(line: string, { text, signature, payloads }: SignedStatement): boolean {
  const values = canonicalJson(payloads)
  const between = `,"signature":"${signature}","statement":`
  const [opening, closing] = ['{"payloads":', '}']
  const textAt = opening.length + values.length + between.length
  if (line.length !== textAt + text.length + closing.length || !line.startsWith(opening)) return false
  if (!line.startsWith(values, opening.length) || !line.startsWith(between, opening.length + values.length))
    return false
  return line.startsWith(text, textAt) && line.endsWith(closing)
}

/** Whether the statement can travel with all of these payloads in one line. */
export function fitsOneLine({ text, signature }: SignedStatement, payloads: Payloads): boolean {
  return isWithinBounds(encodeSigned(text, signature, payloads))
}

function isWithinBounds(line: string): boolean {
  return line.length <= SIGNED_CHARACTERS_MAX && exceededBound(line, LINE_BOUNDS) === undefined
}

/**
 * The line in which a statement is passed on: without its payloads, should there be more than one line takes, since nobody would
 * take it in with them. Who lacks them asks for them.
 */
export function encodeToPassOn(decoded: SignedStatement, payloads = decoded.payloads): string {
  const { text, signature } = decoded
  const line = encodeSigned(text, signature, payloads)
  // Each member takes a character at least.
  return line.length <= JSON_MEMBERS_MAX || isWithinBounds(line) ? line : encodeSigned(text, signature, {})
}

/** The line in which a statement is stored: its values stand elsewhere, so that they can be erased. */
export function encodeStored(text: string, signature: string): string {
  return `{"signature":"${signature}","statement":${text}}`
}

/** A statement that came over the network, without what came beside it and is none of its payloads. */
export interface Received {
  readonly decoded: SignedStatement
  readonly mismatch: StatementRefused | undefined
}

/**
 * Takes a line from the network apart and checks all that can be checked from the bytes alone: form, canonical
 * spelling, the ceilings of version 1. Payloads that are none of the statement are dropped: they say something of whoever
 * sent the line, and nothing of the statement. Attacker-controlled: `line`, whole.
 * Throws StatementRefused: `statement_too_large`, `statement_malformed`, `statement_not_canonical`.
 */
export function decodeReceived(line: string): Received {
  const parsed = parse(line, LINE_START)
  if (!signedForm.Check(parsed)) refuseForm(signedForm, parsed)
  const payloads = parsed.payloads as Payloads
  assertDepth(payloads)
  const { signature } = parsed
  return refusingWhatHasNoCanonicalForm(() => {
    const decoded = decodeParts(parsed.statement as Statement, signature, payloads)
    assertCanonical(isLineOf(line, decoded))
    const { fitting, mismatch } = sortPayloadsOf(decoded)
    return mismatch === undefined ? { decoded, mismatch } : { decoded: { ...decoded, payloads: fitting }, mismatch }
  })
}

/** The same for a line that no other party has sent: nothing is dropped. Throws `payload_mismatch` besides. */
export function decodeSigned(line: string): SignedStatement {
  const { decoded, mismatch } = decodeReceived(line)
  if (mismatch !== undefined) throw mismatch
  return decoded
}

/** Stands for the signature that is still to come. */
const NO_SIGNATURE = tagged(new Uint8Array(64))

/** A statement of this party's own that lacks its signature. */
export type Unsigned = Pick<SignedStatement, 'core' | 'statement' | 'text'>

/**
 * The same for what this party is about to sign. Since it is all here, no line is taken apart: text and core hash are what the
 * statement makes, and its values are JSON (`validate-request.ts`).
 */
export function decodeUnsigned({ core, statement, text }: Unsigned, payloads: Payloads): SignedStatement {
  const parts = { payloads, signature: NO_SIGNATURE, statement }
  if (!signedForm.Check(parts)) refuseForm(signedForm, parts)
  assertDepth(payloads)
  assertDepth(statement.requests)
  const decoded = { ...parts, core, hash: statementHash(text), text }
  assertSize(text)
  if (!fitsOneLine(decoded, payloads)) {
    throw new StatementRefused('statement_too_large', 'a statement and its values are more than one line takes')
  }
  const { mismatch } = sortPayloadsOf(decoded)
  if (mismatch !== undefined) throw mismatch
  return decoded
}

/** A line from a store, without the values that stand beside it. */
export type Bare = Omit<SignedStatement, 'payloads'>

/** How many stored lines are remembered, and how many characters each has at most: what follows from a line is the same every time. */
const KNOWN_LINES_MAX = 512
const KNOWN_LINE_LENGTH_MAX = 8192

/** Lines taken apart last: a contract that is put down comes back with the statements that it had. */
const knownLines = new BoundedCache<Bare>(KNOWN_LINES_MAX)

/** The same for a line from a store. Throws StatementRefused. */
export function decodeBare(line: string): Bare {
  const known = knownLines.get(line)
  if (known !== undefined) return known
  const parsed = parse(line)
  if (!storedForm.Check(parsed)) refuseForm(storedForm, parsed)
  const { signature } = parsed
  const { payloads: _, ...bare } = refusingWhatHasNoCanonicalForm(() => {
    const decoded = decodeParts(parsed.statement as Statement, signature, {})
    assertCanonical(encodeStored(decoded.text, signature) === line)
    return decoded
  })
  if (line.length <= KNOWN_LINE_LENGTH_MAX) knownLines.set(line, bare)
  return bare
}

/** With the payloads that were read beside it; what is no longer there is left out. Throws `payload_mismatch`. */
export function withStoredPayloads(bare: Bare, payloads: Payloads): SignedStatement {
  const decoded = { ...bare, payloads }
  const { mismatch } = refusingWhatHasNoCanonicalForm(() => sortPayloadsOf(decoded))
  if (mismatch !== undefined) throw mismatch
  return decoded
}

/** Both at once. Throws StatementRefused. */
export function decodeStored(line: string, payloadsOf: (statement: Statement) => Payloads): SignedStatement {
  const bare = decodeBare(line)
  return withStoredPayloads(bare, payloadsOf(bare.statement))
}

function decodeParts(statement: Statement, signature: string, payloads: Payloads): SignedStatement {
  assertDepth(statement.requests)
  const { head: _head, note: _note, ...core } = statement
  const coreText = encodeCore(core)
  const text = encodeStatement(coreText, statement)
  assertSize(text)
  return { statement, text, hash: statementHash(text), core: coreHash(coreText), signature, payloads }
}

function assertCanonical(isCanonical: boolean): void {
  if (isCanonical) return
  throw new StatementRefused('statement_not_canonical', 'the bytes are not the canonical JSON of what they say')
}

function refuseForm(form: Form, parsed: unknown): never {
  throw new StatementRefused('statement_malformed', firstErrorText(form, parsed))
}

/** `start`: of every line that is one. */
function parse(line: string, start = ''): unknown {
  if (line.length > SIGNED_CHARACTERS_MAX) {
    throw new StatementRefused('statement_too_large', `a line has at most ${SIGNED_CHARACTERS_MAX} characters`)
  }
  switch (exceededBound(line, LINE_BOUNDS)) {
    case 'depthMax':
      throw new StatementRefused('statement_too_large', `JSON is nested more than ${JSON_DEPTH_MAX} deep`)
    case 'membersMax':
      throw new StatementRefused(
        'statement_too_large',
        `a statement and its values have at most ${JSON_MEMBERS_MAX} members`,
      )
  }
  if (line.length > LONG_LINE && !line.startsWith(start))
    throw new StatementRefused('statement_not_canonical', 'the line does not begin as that of a statement')
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new StatementRefused('statement_malformed', 'the line is not JSON', {}, { cause })
  }
}

function refusingWhatHasNoCanonicalForm<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof NotCanonicalizable)) throw cause
    throw new StatementRefused('statement_not_canonical', 'a text has a lone surrogate', {}, { cause })
  }
}

function assertSize(text: string): void {
  if (utf8Length(text) <= ceilings.statementBytes) return
  throw new StatementRefused('statement_too_large', `a statement has at most ${ceilings.statementBytes} bytes`)
}

function assertDepth(value: unknown): void {
  if (!isTooDeep(value)) return
  throw new StatementRefused('statement_too_large', `JSON is nested more than ${JSON_DEPTH_MAX} deep`)
}

/** The depth is limited by count, not by the stack, so that every machine refuses the same bytes. */
export function isTooDeep(value: unknown, depthLeft: number = JSON_DEPTH_MAX): boolean {
  if (value === null || typeof value !== 'object') return false
  if (depthLeft === 0) return true
  if (Array.isArray(value)) return value.some((inner) => isTooDeep(inner, depthLeft - 1))
  for (const name in value) {
    if (isTooDeep((value as Readonly<Record<string, unknown>>)[name], depthLeft - 1)) return true
  }
  return false
}

type Place = Pick<Statement, 'contract' | 'party' | 'seq'>

/** Of what came as payloads of a statement: those that are, and what is wrong with the others, should there be any. */
export interface Sorted {
  readonly fitting: Payloads
  /** `payload_mismatch`: the first of them, and how many there are. */
  readonly mismatch: StatementRefused | undefined
}

/** `isNamed`: whether the statement names the seal. */
export function sortPayloads(place: Place, payloads: Payloads, isNamed: (seal: Hash) => boolean): Sorted {
  const { contract, party, seq } = place
  const fitting: { [seal: Hash]: Payload } = {}
  let count = 0
  let first: { readonly seal: Hash; readonly isNamed: boolean } | undefined
  for (const [seal, payload] of Object.entries(payloads) as [Hash, Payload][]) {
    if (isNamed(seal) && sealOf(payload) === seal) fitting[seal] = payload
    else {
      count++
      first ??= { seal, isNamed: isNamed(seal) }
    }
  }
  if (first === undefined) return { fitting: payloads, mismatch: undefined }
  const message = first.isNamed
    ? 'a payload does not hash to its seal'
    : 'a payload came that the statement does not name'
  const evidence = { contract, party, seq, seal: first.seal, count }
  return { fitting, mismatch: new StatementRefused('payload_mismatch', message, evidence) }
}

function sortPayloadsOf({ statement, payloads }: SignedStatement): Sorted {
  if (Object.keys(payloads).length === 0) return { fitting: payloads, mismatch: undefined }
  const named = sealsNamedBy(statement)
  return sortPayloads(statement, payloads, (seal) => named.has(seal))
}
