import { type Equivocation, receive } from '../agreement/receive.ts'
import type { AgreementState } from '../agreement/state.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import { partyFingerprint } from '../events/party-card.ts'
import { decodeSigned } from '../events/statement-codec.ts'
import { AuditFailed } from './audit-failed.ts'
import type { AuditSource, StoredLine } from './source.ts'

/** Whom a finding or a line of the report is about, so that somebody who knows no handles knows who it is. */
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
  if (card === undefined) throw new AuditFailed({ kind: 'feed', party: handle, seq: 0 }, 'nobody has invited its party')
  return { handle, did: card.did, fingerprint: partyFingerprint(card) }
}

/** Heads are compared with the ledger as the feeds make it, so whoever signed another one is at fault, even if it was corrected. */
export function wrongHeads(state: AgreementState): Misconduct[] {
  return state.settling.divergences.map(({ party, seq, theirs, ours }) => ({
    kind: 'misconduct',
    what: 'wrong head',
    party: partyNamed(state, party),
    seq,
    evidence: { theirs, ours },
  }))
}

/** The stored proofs of equivocation. Throws AuditFailed for one that proves nothing: it is not what this node has stored. */
export async function equivocationsIn(source: AuditSource, state: AgreementState): Promise<Misconduct[]> {
  const found = new Map<Handle, Misconduct>()
  for await (const line of source.evidence()) {
    if (line.type !== 'EquivocationProven') continue
    const { party, seq, held, other } = provenBy(line, state)
    const evidence = { one: held.hash, other: other.hash }
    const named = partyNamed(state, party)
    if (!found.has(party)) found.set(party, { kind: 'misconduct', what: 'equivocation', party: named, seq, evidence })
  }
  return [...found.values()]
}

function provenBy({ data, revision }: StoredLine, state: AgreementState): Equivocation {
  const fails = (reason: string, cause?: unknown) =>
    new AuditFailed({ kind: 'evidence', revision }, reason, {}, { cause })
  try {
    const { other } = JSON.parse(data) as { other: unknown }
    const [proven] = receive(state, [decodeSigned(canonicalJson(other))]).equivocations
    if (proven !== undefined) return proven
  } catch (cause) {
    throw fails('the stored proof cannot be read', cause)
  }
  throw fails('the stored proof convicts nobody')
}
