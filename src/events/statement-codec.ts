import { Compile } from 'typebox/compile'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { domains, hashCanonical, type Hash } from '../crypto/hash.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { ceilings, JSON_DEPTH_MAX, SIGNED_CHARACTERS_MAX } from './limits.ts'
import { sealOf, sealsNamedBy } from './seal.ts'
import { type Payloads, SignedSchema, type Statement, type StatementCore } from './statement.ts'

/** The statement, or a part of what came with it, is not what its bytes must be. Nothing of it is kept. */
export class StatementRefused extends ConcordataError {}

/** A statement that has been taken apart, with all that follows from its bytes alone. Its signature is not verified yet. */
export interface Decoded {
  readonly statement: Statement
  /** The canonical JSON of the statement: with the domain line before it, the bytes that are signed and hashed. */
  readonly text: string
  readonly hash: Hash
  readonly core: Hash
  /** base64url, 64 bytes. */
  readonly signature: string
  readonly payloads: Payloads
}

const signedForm = Compile(SignedSchema)

/** The hash by which ledger entries name a statement: of its JCS without `head` and `note`. */
export function coreHash(statement: StatementCore): Hash {
  const { head: _head, note: _note, ...core } = statement as Statement
  return hashCanonical('core', canonicalJson(core))
}

export function statementHash(text: string): Hash {
  return hashCanonical('statement', text)
}

/** What the signature of a statement is made over. */
export function bytesToSign(text: string): Uint8Array {
  return Buffer.from(domains.statement + text)
}

/** The one line of canonical JSON in which a statement travels and is stored. */
export function encodeSigned(text: string, signature: string, payloads: Payloads): string {
  return `{"payloads":${canonicalJson(payloads)},"signature":"${signature}","statement":${text}}`
}

/**
 * Takes a line from the network or a store apart and checks all that can be checked from the bytes alone: form,
 * canonical spelling, the ceilings of version 1, seals against payloads. Attacker-controlled: `line`, whole.
 * Throws StatementRefused: `statement_too_large`, `statement_malformed`, `statement_not_canonical`, `payload_mismatch`.
 */
export function decodeSigned(line: string): Decoded {
  if (line.length > SIGNED_CHARACTERS_MAX) {
    throw new StatementRefused('statement_too_large', `a line has at most ${SIGNED_CHARACTERS_MAX} characters`)
  }
  const parsed = parse(line)
  if (!signedForm.Check(parsed)) {
    const first = signedForm.Errors(parsed)[0]
    throw new StatementRefused('statement_malformed', `${first?.instancePath ?? ''} ${first?.message ?? 'is malformed'}`)
  }
  const { signature } = parsed
  const statement = parsed.statement as Statement
  const payloads = parsed.payloads as Payloads
  assertDepth(statement.requests, JSON_DEPTH_MAX)
  assertDepth(payloads, JSON_DEPTH_MAX)
  const text = canonical(statement)
  if (encodeSigned(text, signature, payloads) !== line) {
    throw new StatementRefused('statement_not_canonical', 'the bytes are not the canonical JSON of what they say')
  }
  if (Buffer.byteLength(text) > ceilings.statementBytes) {
    throw new StatementRefused('statement_too_large', `a statement has at most ${ceilings.statementBytes} bytes`)
  }
  verifySeals(statement, payloads)
  return { statement, text, hash: statementHash(text), core: coreHash(statement), signature, payloads }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new StatementRefused('statement_malformed', 'the line is not JSON', {}, { cause })
  }
}

function canonical(value: unknown): string {
  try {
    return canonicalJson(value)
  } catch (cause) {
    throw new StatementRefused('statement_not_canonical', 'a text has a lone surrogate', {}, { cause })
  }
}

/** The depth is limited by count, not by the stack, so that every machine refuses the same bytes. */
function assertDepth(value: unknown, depthLeft: number): void {
  if (value === null || typeof value !== 'object') return
  if (depthLeft === 0) {
    throw new StatementRefused('statement_too_large', `JSON is nested more than ${JSON_DEPTH_MAX} deep`)
  }
  for (const inner of Object.values(value)) assertDepth(inner, depthLeft - 1)
}

function verifySeals(statement: Statement, payloads: Payloads): void {
  const named = sealsNamedBy(statement.requests)
  for (const [seal, payload] of Object.entries(payloads)) {
    if (!named.has(seal as Hash)) {
      throw new StatementRefused('payload_mismatch', 'a payload came that no command names', { seal })
    }
    const expected = sealOf(payload)
    if (expected !== seal) {
      throw new StatementRefused('payload_mismatch', 'a payload does not hash to its seal', { seal, expected })
    }
  }
}
