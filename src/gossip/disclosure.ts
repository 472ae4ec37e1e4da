import { isErased } from '../aggregates/contract/erased-values.ts'
import { find } from '../aggregates/contract/state.ts'
import { confidentialStandingIn } from '../aggregates/contract/values/confidential-standing.ts'
import { audienceAt } from '../aggregates/contract/values/effective-audience.ts'
import type { HeldState } from '../agreement/state.ts'
import type { Hash } from '../crypto/hash.ts'
import { type Handle, type RequestRef, requestOf } from '../events/ids.ts'
import { isFor, recipientsIn } from '../events/recipients.ts'
import { confidentialSealsOf } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import type { SignedStatement } from '../events/statement-codec.ts'

/**
 * What travels with a statement to a peer. Confidential parts: only those that the statement says are for the peer.
 * Values: only those of requests without a place in the ledger, so that the peer can answer (decision 0122); later
 * ones are asked for by `wants`, and given to the audience that the document has then (`mayHave`). Returns the same
 * object where nothing is left out.
 */
export function disclosed(decoded: SignedStatement, peer: Handle, state?: HeldState): Payloads {
  const { statement } = decoded
  const payloads = state === undefined ? decoded.payloads : withoutErased(decoded.payloads, state)
  const recipients = recipientsIn(statement)
  if (recipients.size === 0) return payloads
  const values = confidentialSealsOf(statement.requests)
  const isOpen = state === undefined || state.ledger.open.some(({ statement: open }) => open === statement)
  const shown = Object.entries(payloads).filter(([seal]) => {
    const isLate = !isOpen && recipients.has(seal as Hash) && values.has(seal as Hash)
    return isFor(recipients, seal as Hash, peer) && !isLate
  })
  return Object.fromEntries(shown) as { [seal: Hash]: Payload }
}

/**
 * Whether a peer that asks is given what is under a seal of a statement. Of a confidential value that has its place in the ledger:
 * if it stands, and the document as it is here has the peer in the audience of its field, until the time that the audience says. Who
 * put it up, and whom the field belongs to, get it at any time. `now`: RFC 3339, of this node.
 */
export function mayHave(state: HeldState, decoded: SignedStatement, seal: Hash, peer: Handle, now: string): boolean {
  const { statement } = decoded
  const recipients = recipientsIn(statement)
  if (!recipients.has(seal) || peer === statement.party) return true
  const isOpen = state.ledger.open.some(({ statement: open }) => open === statement)
  if (isOpen || !confidentialSealsOf(statement.requests).has(seal)) return isFor(recipients, seal, peer)
  const { document } = state.ledger
  const isOf = ({ handle, seq }: RequestRef) => handle === statement.party && seq === statement.seq
  for (const { field, standing } of confidentialStandingIn(document).get(seal) ?? []) {
    if (!isOf(requestOf(standing.id))) continue
    const audience = audienceAt(document, field)
    if (audience?.parties.includes(peer) !== true) continue
    const isOver = audience.until !== undefined && now >= audience.until
    if (!isOver || find(document, field)?.owner === peer) return true
  }
  return false
}

/** What all members have given up, and may still be in memory here. The same object where there is nothing of it. */
function withoutErased(payloads: Payloads, { ledger: { document } }: HeldState): Payloads {
  const entries = Object.entries(payloads)
  const left = entries.filter(([seal]) => !isErased(document, seal as Hash))
  return left.length === entries.length ? payloads : Object.fromEntries(left)
}
