import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { Uid } from '../../src/events/ids.ts'
import { decodeReceived, decodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'

/** One file of `test/vectors/protocol`: what goes in, and what every implementation must make of it. */
export interface Vector {
  readonly about: string
  readonly contract: string
  /** Ed25519 seeds, hexadecimal: signing and recovery key of each party, so that every signature can be made anew. */
  readonly seeds: Readonly<Record<string, { readonly signing: string; readonly recovery: string }>>
  /** Lines as they travel, causes before effects: all are valid. */
  readonly statements: readonly string[]
  /** Lines offered after these, each alone: what becomes of it. */
  readonly hostile: readonly { readonly about: string; readonly line: string; readonly result: string }[]
  readonly expect: Expectation
}

export interface Expectation {
  /** Of each statement, in the order given. `head` is what its causal past makes, whatever it says itself. */
  readonly statements: readonly { readonly place: string; readonly hash: string; readonly core: string }[]
  /** The acknowledged entries, as the texts of their leaves. */
  readonly ledger: readonly string[]
  /** Root of the tree over the first n entries, n = 0 … all. */
  readonly roots: readonly string[]
  /** How many of them are settled; what every party has signed for. */
  readonly settled: number
  readonly signed: Readonly<Record<string, number>>
  /** Places of statements whose heads are wrong; the first of each party. */
  readonly diverged: readonly string[]
}

/** What the statements make, taken in from their lines. */
export function expectationOf(contract: string, lines: readonly string[]): Expectation {
  const { state, acknowledged } = receive(emptyAgreement(contract as Uid), lines.map(decodeSigned))
  const { log } = state.ledger
  return {
    statements: lines.map(decodeSigned).map(({ statement, hash, core }) => ({
      place: `${statement.party} ${statement.seq}`,
      hash,
      core,
    })),
    ledger: acknowledged.map(({ text }) => text),
    roots: Array.from({ length: log.size + 1 }, (_, size) => log.rootAt(size)),
    settled: state.settling.settled,
    signed: Object.fromEntries([...state.settling.signed].sort(([one], [other]) => (one < other ? -1 : 1))),
    diverged: state.settling.divergences.map(({ party, seq }) => `${party} ${seq}`),
  }
}

/**
 * `taken`, `waits`, `known`, `equivocation`, `other branch`, or the code with which it is refused; behind it `payload_mismatch`
 * where a payload was dropped.
 */
export function resultOf(state: AgreementState, line: string): string {
  try {
    const { decoded, mismatch } = decodeReceived(line)
    const result = standingOf(state, decoded)
    return mismatch === undefined ? result : `${result}, ${mismatch.code}`
  } catch (error) {
    return (error as { code: string }).code
  }
}

function standingOf(state: AgreementState, decoded: SignedStatement): string {
  const { taken, waiting, refused, unjudged, equivocations, otherBranches } = receive(state, [decoded])
  if (refused[0] !== undefined) return refused[0].error.code
  if (unjudged[0] !== undefined) return unjudged[0].error.code
  if (equivocations.length > 0) return 'equivocation'
  if (otherBranches.length > 0) return 'other branch'
  if (waiting.length > 0) return 'waits'
  return taken.length > 0 ? 'taken' : 'known'
}

/** Of whoever holds these lines. */
export function stateOf(contract: string, lines: readonly string[]): AgreementState {
  return receive(emptyAgreement(contract as Uid), lines.map(decodeSigned)).state
}
