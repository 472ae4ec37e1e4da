import { isErased } from '../../../aggregates/contract/erased-values.ts'
import type { Acknowledged } from '../../../agreement/ledger.ts'
import { type KnownEntry, WANTED_COMPUTED_MAX } from '../../../agreement/values/known-entries.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { LedgerIndex } from '../../../events/ids.ts'
import { computedSealsIn } from '../../../events/ledger-entry.ts'
import type { Payload } from '../../../events/statement.ts'
import { computedGroup } from '../../../store/payload-group.ts'
import type { PayloadStore } from '../../../store/port.ts'
import type { ContractView } from '../../contract-view.ts'

/** Seals of computed values that are missing, by the ledger index of their entry. None is empty. */
export type LacksComputed = ReadonlyMap<LedgerIndex, ReadonlySet<Hash>>

/**
 * What rules have computed in entries that others have given, as far as it did not come with them. It cannot be computed here, and whoever
 * gave the entry may have kept it back: all are asked, until it comes or is erased. Nothing waits for it but a rule that reads it.
 */
export class LateComputed {
  readonly #view: ContractView
  readonly #payloads: PayloadStore
  /** More is missing, or less. */
  readonly #changed: () => void
  #missing: Map<LedgerIndex, ReadonlySet<Hash>>
  /** What is asked for begins behind that ledger index: what never comes keeps nothing else from being asked for. */
  #after: LedgerIndex = -1
  /** What was erased when the missing ones were last looked through. */
  #erased: readonly Hash[] | undefined

  constructor(view: ContractView, payloads: PayloadStore, missing: LacksComputed, changed: () => void) {
    this.#view = view
    this.#payloads = payloads
    this.#missing = new Map(missing)
    this.#changed = changed
  }

  /** The store has been read again. */
  reset(missing: LacksComputed): void {
    this.#missing = new Map(missing)
    this.#erased = undefined
  }

  /** Entries that are durable now. */
  took(acknowledged: readonly Acknowledged[]): void {
    for (const { computed, entry } of acknowledged) {
      const missing = computedSealsIn(entry).filter((seal) => !computed.has(seal))
      // Another one that was given for that place may have been false.
      this.#leave(entry.index, new Set(missing))
      if (missing.length > 0) this.#erased = undefined
    }
  }

  /** Entries from that ledger index on were false: nobody has what they say that was computed. */
  forgetFrom(from: LedgerIndex): void {
    for (const index of [...this.#missing.keys()]) if (index >= from) this.#missing.delete(index)
  }

  /** The entries to be asked for next, in ascending order. */
  get wanted(): readonly LedgerIndex[] {
    this.#dropErased()
    if (this.#missing.size === 0) return []
    const all = [...this.#missing.keys()].sort((one, other) => one - other)
    const behind = all.filter((index) => index > this.#after)
    return (behind.length > 0 ? behind : all).slice(0, WANTED_COMPUTED_MAX)
  }

  /** They have been asked for, and have not come. */
  askNext(): void {
    this.#after = this.wanted.at(-1) ?? -1
  }

  /** Another process of the party may have got some of what is asked for. Rejects with what the store rejects with. */
  async look(): Promise<void> {
    const refs = this.wanted.flatMap((index) =>
      [...this.#missingOf(index)].map((seal) => ({ index, group: computedGroup(index), seal })),
    )
    if (refs.length === 0) return
    const held = await this.#payloads.get(this.#view.contract, refs)
    const found = refs.filter(({ seal }) => held.has(seal))
    for (const { index, seal } of found) this.#leave(index, this.#missingOf(index).difference(new Set([seal])))
    if (found.length > 0) this.#changed()
  }

  /** What is missing of it goes to the store. Requires that payloads hash to their seals. Rejects with what the store rejects with. */
  async arrived(entries: readonly KnownEntry[]): Promise<void> {
    this.#dropErased()
    for (const { computed, entry } of entries) {
      const missing = this.#missing.get(entry.index)
      if (missing === undefined) continue
      const brought = [...computed].filter(([seal]) => missing.has(seal))
      if (brought.length > 0) await this.#keep(entry.index, missing, brought)
    }
  }

  async #keep(
    index: LedgerIndex,
    missing: ReadonlySet<Hash>,
    brought: readonly (readonly [Hash, Payload])[],
  ): Promise<void> {
    const { contract } = this.#view
    const group = computedGroup(index)
    const entries = brought.map(([seal, payload]) => ({ seal, text: canonicalJson(payload) }))
    const news = new Set(brought.map(([seal]) => seal))
    // Else it would be stored twice.
    this.#leave(index, missing.difference(news))
    try {
      await this.#payloads.put(contract, group, entries)
    } catch (error) {
      // Others of the same entry may have come meanwhile.
      this.#leave(index, this.#missingOf(index).union(news))
      throw error
    }
    // It may have been erased meanwhile.
    const gone = brought.filter(([seal]) => isErased(this.#view.state.ledger.document, seal))
    if (gone.length > 0)
      await this.#payloads.erase(
        contract,
        gone.map(([seal]) => ({ group, seal })),
      )
    this.#changed()
  }

  #dropErased(): void {
    const { document } = this.#view.state.ledger
    const { erased } = document.erasures
    // It is asked for in each turn and each call what is wanted, and whoever keeps back may keep back much.
    if (erased === this.#erased) return
    this.#erased = erased
    for (const [index, seals] of this.#missing) {
      const left = [...seals].filter((seal) => !isErased(document, seal))
      if (left.length < seals.size) this.#leave(index, new Set(left))
    }
  }

  #missingOf(index: LedgerIndex): ReadonlySet<Hash> {
    return this.#missing.get(index) ?? new Set()
  }

  #leave(index: LedgerIndex, missing: ReadonlySet<Hash>): void {
    if (missing.size === 0) this.#missing.delete(index)
    else this.#missing.set(index, missing)
  }
}
