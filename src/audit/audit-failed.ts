import { unreachable } from '../runtime/assert.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { AuditPlace, Damage } from './checklist.ts'
import type { AuditReport } from './report.ts'

/** The store is damaged. Evidence: the first place, and the reason; the report has all of them. */
export class AuditFailed extends ConcordataError {
  readonly place: AuditPlace
  readonly report: AuditReport

  /** Requires a report of damage. */
  constructor(report: AuditReport) {
    const [first, ...others] = report.damage as [Damage, ...Damage[]]
    const { code, place, reason, evidence } = first
    const more = others.length === 0 ? '' : `; ${others.length} more`
    super('audit_failed', `${whereIs(place)}: ${reason} [${code}]${more}`, { ...evidence, ...place, reason, code })
    this.place = place
    this.report = report
  }
}

export function whereIs(place: AuditPlace): string {
  switch (place.kind) {
    case 'feed':
      return `feed of ${place.party}, statement ${place.seq}`
    case 'ledger':
      return `ledger, entry ${place.index}`
    case 'evidence':
      return `evidence, event ${place.revision}`
    case 'payloads':
      return `payloads ${place.group}${place.seal === undefined ? '' : `, seal ${place.seal}`}`
    case 'store':
      return 'store'
    default:
      return unreachable(place)
  }
}
