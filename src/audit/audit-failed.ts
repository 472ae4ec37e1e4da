import { ConcordataError } from '../runtime/errors.ts'

/** Where in a store something is off. */
export type AuditPlace =
  | { readonly kind: 'feed'; readonly party: string; readonly seq: number }
  | { readonly kind: 'ledger'; readonly index: number }

/** The store is not what its signatures, links and rules make of it. Evidence: the first place, and the reason. */
export class AuditFailed extends ConcordataError {
  readonly place: AuditPlace
  readonly reason: string

  constructor(
    place: AuditPlace,
    reason: string,
    evidence: Record<string, unknown> = {},
    options?: { cause?: unknown },
  ) {
    const where =
      place.kind === 'feed' ? `feed of ${place.party}, statement ${place.seq}` : `ledger, entry ${place.index}`
    super('audit_failed', `${where}: ${reason}`, { ...place, reason, ...evidence }, options)
    this.place = place
    this.reason = reason
  }
}
