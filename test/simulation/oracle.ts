import type { Acknowledged } from '../../src/agreement/ledger.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import type { Verdict } from '../../src/contracts/submission.ts'
import { type RequestRef, requestKey } from '../../src/events/ids.ts'
import type { Machine } from './machine.ts'

/** Something that must never happen has happened. */
export class Violation extends Error {}

/**
 * Looks on from outside and remembers everything that any machine ever reported, dead ones too. Honest machines only:
 * what a hostile one reports binds nobody.
 */
export class Oracle {
  /** The one ledger, entry by entry, as whoever settled an entry first had it. */
  readonly #ledger: string[] = []
  readonly #reported = new Map<Machine, number>()
  readonly #promised: { readonly request: RequestRef | undefined; readonly verdict: Verdict }[] = []

  get size(): number {
    return this.#ledger.length
  }

  /** A machine reports entries settled: they are the next of the one ledger, and everybody has signed for them. */
  settled(machine: Machine, state: AgreementState, entries: readonly Acknowledged[]): void {
    for (const { entry, text, members } of entries) {
      const expected = this.#ledger[entry.index]
      if (expected !== undefined && expected !== text) {
        throw new Violation(`${machine.handle} settled another entry ${entry.index}:\n${text}\n${expected}`)
      }
      this.#ledger[entry.index] = text
      const root = state.ledger.log.rootAt(entry.index + 1)
      for (const { card } of members) {
        const heads = state.feeds.get(card.handle)?.map(({ statement }) => statement.head) ?? []
        const signed = [...heads].some(
          (head) => head.size > entry.index && head.root === state.ledger.log.rootAt(head.size),
        )
        if (!signed) throw new Violation(`${machine.handle} settled ${entry.index} (${root}) without ${card.handle}`)
      }
    }
    const last = entries.at(-1)
    if (last !== undefined) this.#reported.set(machine, last.entry.index + 1)
  }

  /** A local user was told this: it must be what the ledger says in the end. */
  promised(request: RequestRef | undefined, verdict: Verdict): void {
    this.#promised.push({ request, verdict })
  }

  /** Holds nothing less than it has ever reported, and nothing else. To be called at any time. */
  checkMachine(machine: Machine, state: AgreementState, settledTexts: readonly string[]): void {
    settledTexts.forEach((text, index) => {
      const expected = this.#ledger[index]
      if (expected !== undefined && expected !== text)
        throw new Violation(`${machine.handle} holds another entry ${index}`)
    })
    const reported = this.#reported.get(machine) ?? 0
    if (state.settling.settled < reported) {
      throw new Violation(
        `${machine.handle} reported ${reported} entries settled and now has ${state.settling.settled}`,
      )
    }
  }

  /** In the end: no user was told something else than the ledger says. */
  checkPromises(): void {
    const outcomes = new Map<string, string>()
    for (const text of this.#ledger) {
      const entry = JSON.parse(text)
      outcomes.set(requestKey(entry.request), entry.outcome.kind)
    }
    for (const { request, verdict } of this.#promised) {
      const outcome = request === undefined ? undefined : outcomes.get(requestKey(request))
      if (verdict.kind === 'settled' && outcome !== verdict.outcome.kind) {
        throw new Violation(`told ${verdict.outcome.kind}, but the ledger says ${outcome}`)
      }
      if (verdict.kind === 'timed out' && outcome !== undefined && outcome !== 'withdrawn') {
        throw new Violation(`told that it timed out, but the ledger says ${outcome}`)
      }
    }
  }
}
