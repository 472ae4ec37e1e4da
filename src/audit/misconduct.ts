import { receive } from '../agreement/receive.ts'
import type { Equivocation } from '../agreement/reception.ts'
import type { AgreementState } from '../agreement/state.ts'
import { canonicalJson, isCanonicalJson } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import { partyFingerprint } from '../events/parties/party-card.ts'
import { decodeSigned } from '../events/statement-codec.ts'
import { assert } from '../runtime/assert.ts'
import { ConcordataError, type ErrorCode } from '../runtime/errors.ts'
import type { Checklist } from './checklist.ts'
import { type AuditSource, isStoreCorrupt } from './source.ts'

const EVIDENCE_TYPES = ['EquivocationProven', 'DivergenceSeen']

/** The party that a finding is about, for a reader who does not know handles. */
export interface PartyNamed {
  readonly handle: Handle
  readonly did: string
  /** Of its card, as people compare it by telephone. */
  readonly fingerprint: Hash
}

/** What a member did, by its own signatures. It is no damage to the store: that holds what came. */
export interface Misconduct {
  readonly kind: 'misconduct'
  /** Two statements for one place, or a head that is not what the statements that it covers make. */
  readonly what: 'equivocation' | 'wrong head'
  readonly party: PartyNamed
  readonly seq: Seq
  readonly evidence: Readonly<Record<string, unknown>>
}

export function partyNamed({ ledger }: AgreementState, handle: Handle): PartyNamed {
  const card = ledger.cards.get(handle)
  assert(card !== undefined, 'who has a feed was invited, with its card')
  return { handle, did: card.did, fingerprint: partyFingerprint(card) }
}

/** Heads are compared with the ledger as the feeds make it, so whoever signed another one is at fault, even if it was corrected. */
export function wrongHeads(state: AgreementState, checklist: Checklist): Misconduct[] {
  const { divergences } = state.settling
  checklist.found('heads', divergences.length)
  return divergences.map(({ party, seq, theirs, ours }) => ({
    kind: 'misconduct',
    what: 'wrong head',
    party: partyNamed(state, party),
    seq,
    evidence: { theirs, ours },
  }))
}

/**
 * The stored proofs of equivocation, one a party. One that proves nothing is damage: it is not what this node has stored. `isWhole`:
 * whether the feeds are; else a proof may be of a place that could not be read.
 */
export async function equivocationsIn(
  source: AuditSource,
  state: AgreementState,
  isWhole: boolean,
  checklist: Checklist,
): Promise<Misconduct[]> {
  const found = new Map<Handle, Misconduct>()
  let next = 0
  const damaged = (code: ErrorCode, revision: number, reason: string) =>
    checklist.damaged('proofs', code, { kind: 'evidence', revision }, reason)
  try {
    for await (const { type, data, revision } of source.evidence()) {
      next = revision + 1
      const parsed = canonicalIn(data)
      if (!EVIDENCE_TYPES.includes(type)) damaged('event_foreign', revision, `evidence holds no ${type}`)
      else if (parsed === undefined) damaged('statement_not_canonical', revision, 'it is not as it was written')
      if (parsed === undefined || type !== 'EquivocationProven') continue
      const proven = provenBy(parsed, state)
      if (proven !== undefined) {
        const { party, seq, held, other } = proven
        const evidence = { one: held.hash, other: other.hash }
        const named = partyNamed(state, party)
        if (!found.has(party))
          found.set(party, { kind: 'misconduct', what: 'equivocation', party: named, seq, evidence })
      } else if (isWhole) damaged('evidence_proves_nothing', revision, 'the stored proof convicts nobody')
      else checklist.notChecked('proofs', 'those against statements that are damaged here')
    }
  } catch (error) {
    if (!isStoreCorrupt(error)) throw error
    damaged(error.code, next, error.message)
  }
  checklist.found('proofs', found.size)
  return [...found.values()]
}

/** Undefined: it is not spelt as Concordata writes it. */
function canonicalIn(data: string): unknown {
  try {
    const parsed: unknown = JSON.parse(data)
    return isCanonicalJson(data, parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function provenBy(parsed: unknown, state: AgreementState): Equivocation | undefined {
  try {
    return receive(state, [decodeSigned(canonicalJson((parsed as { other: unknown }).other))]).equivocations[0]
  } catch (error) {
    if (error instanceof ConcordataError || error instanceof TypeError) return undefined
    throw error
  }
}
