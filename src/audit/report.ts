import type { Hash } from '../crypto/hash.ts'
import type { Uid } from '../events/ids.ts'
import type { Check, Damage } from './checklist.ts'
import type { Misconduct, PartyNamed } from './misconduct.ts'

/** What an auditor found, all of it recomputed from the feeds: as far as they go, if they are damaged. */
export interface AuditReport {
  readonly contract: Uid
  readonly title: string
  readonly statements: number
  /** Settled entries; what is pending besides. */
  readonly size: number
  readonly pending: number
  readonly root: Hash
  readonly record: Hash
  readonly members: readonly (PartyNamed & { readonly statements: number; readonly signedSize: number })[]
  readonly checks: readonly Check[]
  /** What is wrong with the store: the first thousand. */
  readonly damage: readonly Damage[]
  /** What members did, by their own signatures; it is no damage to the store. */
  readonly misconduct: readonly Misconduct[]
}
