import type { Acknowledged } from '../../src/agreement/ledger.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import type { SubmissionResult } from '../../src/contracts/requests/submission.ts'
import { type Handle, type RequestRef, requestKey } from '../../src/events/ids.ts'
import { HistoryPruned } from '../../src/runtime/history-pruned.ts'
import type { Machine } from './machine.ts'

/** Something that must never happen has happened. */
export class Violation extends Error {}

/**
 * Looks on from outside and remembers everything that any machine ever reported, dead ones too. Honest machines only:
 * what a hostile one reports binds nobody.
 */
export class Oracle {
  /** The one ledger, entry by entry, as whoever settled an entry first had it. */
  readonly #ledger: (string | undefined)[] = []
  readonly #reported = new Map<Machine, number>()
  readonly #promised: {
    readonly by: Machine
    readonly request: RequestRef | undefined
    readonly verdict: SubmissionResult
  }[] = []
  readonly #unsigned: { readonly machine: Machine; readonly id: string }[] = []
  /** Machines that lost what they had: they have to find it again, by the end. */
  readonly #setBack = new Set<Machine>()

  get size(): number {
    return this.#ledger.length
  }

  /** A machine reports entries settled: they are the next of the one ledger, and everybody has signed for them. */
  settled(machine: Machine, state: AgreementState, entries: readonly Acknowledged[]): void {
    const { log } = state.ledger
    for (const { entry, text, members } of entries) {
      const expected = this.#ledger[entry.index]
      if (expected !== undefined && expected !== text) {
        throw new Violation(`${machine.handle} settled another entry ${entry.index}:\n${text}\n${expected}`)
      }
      this.#ledger[entry.index] = text
      for (const { card } of members) {
        // The newest heads first: one that is long enough and equal is mostly the last.
        const signed = state.feeds
          .get(card.handle)
          ?.kept.findLast(
            ({ statement: { head } }) =>
              head.size > entry.index && head.size <= log.size && head.root === log.rootAt(head.size),
          )
        if (signed === undefined) {
          throw new Violation(`${machine.handle} settled ${entry.index} without ${card.handle}`)
        }
      }
    }
    const last = entries.at(-1)
    if (last !== undefined) this.#reported.set(machine, last.entry.index + 1)
  }

  /** A machine has started: what had settled before its crash, it may not have come to say. */
  loaded(machine: Machine, ledger: readonly string[]): void {
    for (const [index, text] of ledger.entries()) {
      this.#ledger[index] ??= text
      if (this.#ledger[index] !== text) throw new Violation(`${machine.handle} stored another entry ${index}:\n${text}`)
    }
  }

  /** A local user was told this: it must be what the ledger says in the end. */
  promised(by: Machine, request: RequestRef | undefined, verdict: SubmissionResult): void {
    this.#promised.push({ by, request, verdict })
  }

  /** A local user was told that the time was up before its request was signed. */
  neverSigned(machine: Machine, id: string): void {
    this.#unsigned.push({ machine, id })
  }

  /** No intent is in the feed twice, but for those that a lock made void, and none of which a user was told that it never was. */
  checkSignedOnce(machine: Machine, { feeds }: AgreementState): void {
    const outcomes = new Map<string, { kind: string; reason?: { code?: string } }>()
    for (const text of this.#ledger) {
      if (text === undefined) continue
      const { request, outcome } = JSON.parse(text)
      outcomes.set(requestKey(request), outcome)
    }
    const signed = new Map<string, string>()
    for (const { statement } of feeds.get(machine.handle) ?? []) {
      for (const [index, { id }] of statement.requests.entries()) {
        const before = signed.get(id)
        const outcome = before === undefined ? undefined : outcomes.get(before)
        if (before !== undefined && outcome?.reason?.code !== 'record_locked') {
          throw new Violation(`${machine.handle} signed ${id} twice: ${before} ${JSON.stringify(outcome)}`)
        }
        signed.set(id, requestKey({ handle: machine.handle, seq: statement.seq, index }))
      }
    }
    for (const { id } of this.#unsigned.filter((told) => told.machine === machine)) {
      if (signed.has(id))
        throw new Violation(`${machine.handle} signed ${id}, of which its user was told that it never would`)
    }
  }

  setBack(machine: Machine): void {
    this.#reported.delete(machine)
    this.#setBack.add(machine)
  }

  /** Holds nothing less than it has ever reported, and nothing else. To be called at any time. */
  checkMachine(machine: Machine, state: AgreementState): void {
    const { settled } = state.settling
    const reported = this.#reported.get(machine) ?? 0
    if (settled < reported) {
      throw new Violation(`${machine.handle} reported ${reported} entries settled and now has ${settled}`)
    }
  }

  /** The ledgers of two honest machines, settled or not, are one the beginning of the other. */
  checkPair(one: readonly [Machine, AgreementState], other: readonly [Machine, AgreementState]): void {
    const [first, { ledger: left }] = one
    const [second, { ledger: right }] = other
    const size = Math.min(left.log.size, right.log.size)
    const [ours, theirs] = [rootAt(left, size), rootAt(right, size)]
    if (ours !== undefined && theirs !== undefined && ours !== theirs) {
      throw new Violation(`the ledgers of ${first.handle} and ${second.handle} differ within ${size} entries`)
    }
  }

  /** Only a party that has signed what it must not is ever accused. */
  accused(by: Machine, party: Handle, isGuilty: boolean): void {
    if (!isGuilty) throw new Violation(`${by.handle} accuses ${party}, which is honest`)
  }

  /** In the end: no user was told something else than the ledger says. */
  checkPromises(): void {
    const outcomes = new Map<string, string>()
    for (const text of this.#ledger) {
      // Nobody was told of it: whoever settled it first crashed before it could say so.
      if (text === undefined) continue
      const entry = JSON.parse(text)
      outcomes.set(requestKey(entry.request), entry.outcome.kind)
    }
    for (const { by, request, verdict } of this.#promised) {
      const outcome = request === undefined ? undefined : outcomes.get(requestKey(request))
      if (verdict.kind === 'settled' && outcome !== verdict.outcome.kind) {
        throw new Violation(`told ${verdict.outcome.kind}, but the ledger says ${outcome}`)
      }
      // What a user was told before the disk was lost, with no other copy of it anywhere, cannot be kept.
      if (this.#setBack.has(by)) continue
      const isGone = verdict.kind === 'timed out' || verdict.kind === 'withdrawn'
      if (isGone && outcome !== undefined && outcome !== 'withdrawn') {
        throw new Violation(`told that it was ${verdict.kind}, but the ledger says ${outcome}`)
      }
    }
  }
}

/** A machine that has let go of what is older cannot tell: what it settled was compared when it did. */
function rootAt({ log }: AgreementState['ledger'], size: number): string | undefined {
  try {
    return log.rootAt(size)
  } catch (error) {
    if (error instanceof HistoryPruned) return undefined
    throw error
  }
}
