import type { Acknowledged } from '../../src/agreement/ledger.ts'
import type { WantedEntries } from '../../src/agreement/values/known-entries.ts'
import type { LedgerIndex, Uid } from '../../src/events/ids.ts'
import { isJudged, type LedgerEntry } from '../../src/events/ledger-entry.ts'
import { encodeKnownEntry } from '../../src/gossip/known-entry-line.ts'
import type { SeededRandom } from './seeded-random.ts'

const AT_ONCE_MAX = 3
/** In all: most of it is asked for when everything heals, and then it comes to its senses. */
const LIES_MAX = 100

/** What a hostile member can lie about in place of erased values: the entries that it has seen settle. */
export class FalseEntries {
  readonly #settled = new Map<LedgerIndex, LedgerEntry>()
  readonly #random: SeededRandom
  /** How many it has given that are not as it has seen them. */
  given = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  keep(settled: readonly Acknowledged[]): void {
    for (const { entry } of settled) this.#settled.set(entry.index, entry)
  }

  /** Lines for who lacks entries, and now and then for who has not asked: it may come to lack them by what else is said. Some are true. */
  linesFor(contract: Uid, lacked: WantedEntries | undefined): string[] {
    const random = this.#random
    if (this.given >= LIES_MAX || (lacked === undefined && !random.chance(0.5))) return []
    const { computed, from } = lacked ?? { computed: [], from: 0 }
    const wanted = [...this.#settled.values()].filter(
      (entry) => isJudged(entry) && (entry.index >= from || computed.includes(entry.index)),
    )
    const first = lacked === undefined ? random.below(wanted.length + 1) : 0
    return wanted
      .slice(first, first + AT_ONCE_MAX)
      .map((entry) => encodeKnownEntry(contract, this.#falsified(entry), new Map()))
  }

  /** Of the right place, with another outcome, or other events. */
  #falsified(entry: LedgerEntry): LedgerEntry {
    const { events, outcome } = entry
    const lies = [
      entry,
      { ...entry, events: [] },
      { ...entry, events: [...events, ...events.slice(0, 1)] },
      outcome.kind === 'void'
        ? { ...entry, outcome: { kind: 'accepted' as const } }
        : {
            ...entry,
            events: [],
            outcome: { kind: 'void' as const, reason: { code: 'value_taken' as const, command: 0 } },
          },
    ]
    const lie = this.#random.pick(lies)
    if (lie !== entry) this.given++
    return lie
  }
}
