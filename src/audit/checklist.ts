import type { ErrorCode } from '../runtime/errors.ts'

/** What an audit looks at, in the order of its report. */
export const checkNames = ['statements', 'payloads', 'ledger', 'root', 'heads', 'proofs', 'notes', 'end'] as const
export type CheckName = (typeof checkNames)[number]

export interface Check {
  readonly name: CheckName
  /** How much was found. */
  readonly findings: number
  /** Why it, or a part of it, was not checked. */
  readonly notChecked?: string
  /** What was seen, and is no finding. */
  readonly remark?: string
}

/** Where in a store something is off. */
export type AuditPlace =
  | { readonly kind: 'feed'; readonly party: string; readonly seq: number }
  | { readonly kind: 'ledger'; readonly index: number }
  | { readonly kind: 'evidence'; readonly revision: number }
  /** `seal`: left out, if it is the group as a whole. */
  | { readonly kind: 'payloads'; readonly group: string; readonly seal?: string }
  | { readonly kind: 'store' }

/** The store is not what its signatures, links, seals and rules make of it. */
export interface Damage {
  readonly kind: 'damage'
  readonly code: ErrorCode
  readonly place: AuditPlace
  readonly reason: string
  readonly evidence: Readonly<Record<string, unknown>>
}

/** The first of them are enough: whoever has damaged a store may have done so a million times. They are counted. */
const DAMAGE_MAX = 1_000

/** Filled in as the audit goes on. */
export class Checklist {
  readonly damage: Damage[] = []
  readonly #findings = new Map<CheckName, number>()
  readonly #notChecked = new Map<CheckName, string>()
  readonly #remarks = new Map<CheckName, string>()

  damaged(
    name: CheckName,
    code: ErrorCode,
    place: AuditPlace,
    reason: string,
    evidence: Readonly<Record<string, unknown>> = {},
  ): void {
    this.found(name, 1)
    if (this.damage.length < DAMAGE_MAX) this.damage.push({ kind: 'damage', code, place, reason, evidence })
  }

  found(name: CheckName, count: number): void {
    this.#findings.set(name, this.findings(name) + count)
  }

  findings(name: CheckName): number {
    return this.#findings.get(name) ?? 0
  }

  notChecked(name: CheckName, why: string): void {
    this.#notChecked.set(name, why)
  }

  remark(name: CheckName, text: string): void {
    const before = this.#remarks.get(name)
    this.#remarks.set(name, before === undefined ? text : `${before}; ${text}`)
  }

  get checks(): Check[] {
    return checkNames.map((name) => {
      const notChecked = this.#notChecked.get(name)
      const remark = this.#remarks.get(name)
      return {
        name,
        findings: this.findings(name),
        ...(notChecked !== undefined && { notChecked }),
        ...(remark !== undefined && { remark }),
      }
    })
  }
}
