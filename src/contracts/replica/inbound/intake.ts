import { type Completion, entriesWanted, missingAhead } from '../../../agreement/completing.ts'
import { feedOf } from '../../../agreement/feeds.ts'
import { groupedByStatement, receiving, receivingPayloads } from '../../../agreement/receive.ts'
import { receivingEntries } from '../../../agreement/receive-entries.ts'
import { joined, nothingReceived, type Reception } from '../../../agreement/reception.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import type { KnownEntry } from '../../../agreement/values/known-entries.ts'
import { type Hash, sha256 } from '../../../crypto/hash.ts'
import type { Handle } from '../../../events/ids.ts'
import { encodeEntry } from '../../../events/ledger-entry.ts'
import { sealsNamedBy } from '../../../events/seal.ts'
import { type SignedStatement, type StatementRefused, sortPayloads } from '../../../events/statement-codec.ts'
import { ConcordataError } from '../../../runtime/errors.ts'
import { inTurns, type Turns } from '../../../runtime/turns.ts'
import type { ContractView } from '../../contract-view.ts'
import type { DoubleSignProtection } from '../../signing/double-sign-protection.ts'
import type { Delivery, Refused } from '../mailbox.ts'
import { batchesOf } from './batches.ts'
import { oursIn } from './foreign-payloads.ts'
import type { LateValues } from './late-values.ts'
import type { ReorderBuffer } from './reorder-buffer.ts'
import { runningAhead } from './running-ahead.ts'

/** How many contradicted entries are remembered. */
const CONTRADICTED_MAX = 1024

/** Evidence: `contract`, and of the head that contradicts `party` and `seq`. */
export class EntriesContradicted extends ConcordataError {}

/** What one turn takes in. */
export interface TakenIn {
  readonly reception: Reception
  readonly refused: Refused
}

/** Verifies what comes from outside, a piece at a time, as long as who has brought it has credit. */
export class Intake {
  readonly #view: ContractView
  readonly #protection: DoubleSignProtection
  readonly #late: LateValues
  readonly #reorderBuffer: ReorderBuffer
  readonly #turns: Turns | undefined
  /** Hashes of entries that the heads of members have contradicted. */
  readonly #contradicted = new Set<Hash>()

  constructor(
    view: ContractView,
    protection: DoubleSignProtection,
    late: LateValues,
    reorderBuffer: ReorderBuffer,
    turns: Turns | undefined,
  ) {
    this.#view = view
    this.#protection = protection
    this.#late = late
    this.#reorderBuffer = reorderBuffer
    this.#turns = turns
  }

  /** Statements that run ahead of what is held. */
  get waiting(): readonly SignedStatement[] {
    return this.#reorderBuffer.waitingIn(this.#view.contract)
  }

  /** From now on these wait. */
  keepAhead(waiting: readonly SignedStatement[], arrived: readonly Delivery[]): void {
    if (waiting === this.waiting) return
    const { contract, self } = this.#view
    const broughtBy = new Map<SignedStatement, Handle>()
    for (const { statements, credit } of arrived)
      if (credit !== undefined) for (const decoded of statements) broughtBy.set(decoded, credit.peer)
    this.#reorderBuffer.keep(contract, waiting, (decoded) =>
      decoded.statement.party === self ? self : (broughtBy.get(decoded) ?? self),
    )
  }

  /** What the store has of it waits as well. */
  keepStored(ahead: readonly SignedStatement[]): void {
    const known = new Set(this.waiting.map(({ hash }) => hash))
    const news = ahead.filter(({ hash }) => !known.has(hash))
    if (news.length === 0) return
    const byClock = [...this.waiting, ...news].sort((one, other) => one.statement.clock - other.statement.clock)
    this.keepAhead(byClock, [])
  }

  /** Nothing waits any more. */
  leave(): void {
    this.#reorderBuffer.leave(this.#view.contract)
  }

  async take(before: AgreementState, arrived: readonly Delivery[]): Promise<TakenIn> {
    // What waits may have its past by now, also where nothing comes: other processes of this party write, too.
    return this.takeMore(await this.#takeIn(nothingReceived(before, this.waiting), []), arrived)
  }

  /** On top of what was taken in and is not durable yet. */
  async takeMore(before: Reception, arrived: readonly Delivery[]): Promise<TakenIn> {
    const refused = new Map<Delivery, readonly StatementRefused[]>()
    let reception = before
    for (const delivery of arrived) {
      const refusedBefore = reception.refused.length
      reception = await this.#takeStatements(reception, delivery)
      const errors = [...(delivery.foreign ?? []), ...reception.refused.slice(refusedBefore).map(({ error }) => error)]
      if (delivery.payloads.length > 0) {
        const grouped = groupedByStatement(delivery.payloads)
        const unnamed = await inTurns(unnamedAmong(grouped, reception.state), this.#turns)
        delivery.credit?.spend(unnamed.length)
        for (const error of unnamed) errors.push(error)
        const { state } = reception
        const isLate = this.#lateIn(state)
        const parted = grouped.map((one) => oursIn(one, state, this.#view.self, isLate))
        for (const { foreign } of parted) {
          if (foreign === undefined) continue
          delivery.credit?.spend(1)
          errors.push(foreign)
        }
        const ours = parted.map((one) => one.ours)
        const convicted = this.#convicted(reception)
        reception = await inTurns(receivingPayloads(reception, ours, this.#view.self, convicted), this.#turns)
        reception = withLate(reception, parted)
      }
      if (delivery.entries.length > 0) {
        const convicted = this.#convicted(reception)
        const wanted = entriesWanted(reception.state)?.from
        const isGood = ({ entry }: KnownEntry) => !this.#contradicted.has(sha256(encodeEntry(entry)))
        const offered = delivery.entries.filter(({ entry }) => entry.index === wanted)
        // Nobody says otherwise: then it may have been the head that was false.
        if (offered.length > 0 && !offered.some(isGood)) this.#contradicted.clear()
        const entries = delivery.entries.filter(isGood)
        reception = await inTurns(receivingEntries(reception, entries, this.#view.self, convicted), this.#turns)
      }
      refused.set(delivery, errors)
    }
    return { reception, refused }
  }

  /**
   * What peers have given in place of what cannot be judged any more counts once every member's head has signed for it. Throws
   * EntriesContradicted where one says otherwise: then it is forgotten, and not taken again.
   */
  assertVouchedFor(before: AgreementState, { ledger, settling }: AgreementState): void {
    if (ledger.takenUntil <= settling.settled) return
    const news = settling.divergences.slice(before.settling.divergences.length)
    const [first] = news
    if (first === undefined) return
    for (const { entry } of ledger.known.values()) {
      if (this.#contradicted.size < CONTRADICTED_MAX) this.#contradicted.add(sha256(encodeEntry(entry)))
    }
    const { contract } = this.#view
    const message = 'an entry that was given for a request whose values are erased is not what a member has signed'
    throw new EntriesContradicted('entries_contradicted', message, { contract, party: first.party, seq: first.seq })
  }

  async #takeStatements(before: Reception, { credit, statements }: Delivery): Promise<Reception> {
    const turns = this.#turns
    let reception = before
    for (const batch of batchesOf(statements)) {
      if (credit?.isSpent === true) break
      if (turns?.isOver === true) await turns.next()
      const refusedBefore = reception.refused.length
      reception = await this.#takeIn(reception, batch)
      credit?.spend(reception.refused.length - refusedBefore)
    }
    const { self } = this.#view
    // Only now: the key that signs one of them may be brought in by a statement of a later piece.
    const { kept, unsigned, givenUp } = runningAhead(reception.waiting, before.waiting, self, (decoded) =>
      this.#protection.isSignedOrLost(reception.state, decoded),
    )
    credit?.spend(unsigned)
    this.#reorderBuffer.gaveUp(credit?.peer ?? self, givenUp)
    return { ...reception, waiting: kept }
  }

  async #takeIn(before: Reception, arrived: readonly SignedStatement[]): Promise<Reception> {
    const { state, waiting } = before
    if (waiting.length + arrived.length === 0) return before
    const convicted = this.#convicted(before)
    const steps = receiving(state, [...waiting, ...arrived], this.#view.self, convicted)
    return joined(before, await inTurns(steps, this.#turns))
  }

  /** What the store is to have although no statement that is held asks for it: of what stands there, and waits for that, too. */
  #lateIn(state: AgreementState): LateValues['isWanted'] {
    const ahead = this.#view.isCutShort ? missingAhead(state) : undefined
    return (party, seq, seal) =>
      this.#late.isWanted(party, seq, seal) ||
      (ahead?.party === party && ahead.seq === seq && ahead.seals.includes(seal))
  }

  /** Of whom a proof is held. Of its own feed a node looks at every fork: after one it signs nothing any more. */
  #convicted({ equivocations }: Reception): ReadonlySet<Handle> {
    const { evidence, self } = this.#view
    const convicted = new Set([...evidence, ...equivocations].map(({ party }) => party))
    convicted.delete(self)
    return convicted
  }
}

/** What nothing waits for goes to the store alone. */
function withLate(reception: Reception, parted: readonly ReturnType<typeof oursIn>[]): Reception {
  const brought = parted.flatMap(({ late, ours: { party, seq } }) =>
    Object.keys(late).length === 0 ? [] : [{ party, seq, payloads: late }],
  )
  return brought.length === 0 ? reception : { ...reception, completions: [...reception.completions, ...brought] }
}

/** What came by itself as payloads of statements that are in memory and do not name them. */
function* unnamedAmong(
  grouped: readonly Completion[],
  { contract, feeds }: AgreementState,
): Generator<void, StatementRefused[]> {
  const refused: StatementRefused[] = []
  for (const { party, seq, payloads } of grouped) {
    const feed = feedOf(feeds, party)
    const statement = seq < feed.base ? undefined : feed.get(seq)?.statement
    if (statement === undefined) continue
    yield
    const named = sealsNamedBy(statement)
    const { mismatch } = sortPayloads({ contract, party, seq }, payloads, (seal) => named.has(seal))
    if (mismatch !== undefined) refused.push(mismatch)
  }
  return refused
}
