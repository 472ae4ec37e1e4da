import { unreachable } from '../runtime/assert.ts'
import { ConcordataError } from '../runtime/errors.ts'

/** Where in a store something is off. */
export type AuditPlace =
  | { readonly kind: 'feed'; readonly party: string; readonly seq: number }
  | { readonly kind: 'ledger'; readonly index: number }
  | { readonly kind: 'evidence'; readonly revision: number }

/** Damage: the store is not what its signatures, links and rules make of it. Evidence: the first place, and the reason. */
export class AuditFailed extends ConcordataError {
  readonly place: AuditPlace
  readonly reason: string

  constructor(
    place: AuditPlace,
    reason: string,
    evidence: Record<string, unknown> = {},
    options?: { cause?: unknown },
  ) {
    super('audit_failed', `${whereIs(place)}: ${reason}`, { ...place, reason, ...evidence }, options)
    this.place = place
    this.reason = reason
  }
}

function whereIs(place: AuditPlace): string {
  switch (place.kind) {
    case 'feed':
      return `feed of ${place.party}, statement ${place.seq}`
    case 'ledger':
      return `ledger, entry ${place.index}`
    case 'evidence':
      return `evidence, event ${place.revision}`
    default:
      return unreachable(place)
  }
}
