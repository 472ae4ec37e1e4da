import type { ContractState } from '../../aggregates/contract/state.ts'
import { isWithin } from '../../aggregates/rules/schema.ts'
import { settledFrom } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { type HeldAbouts, heldAbouts, type Shown, withAbout } from '../../contracts/requests/held-abouts.ts'
import type { AskedVotes } from '../../contracts/requests/submission.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { CandidateEnd, ContractEvent } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex, ProposalId } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import { groupOf, type PayloadRef } from '../../store/payload-group.ts'
import type { Store } from '../../store/port.ts'
import { pathOf } from '../written-rule.ts'
import { candidateAt, missingVotes } from './candidate-at.ts'

/** What has become of a value that was put to the vote, as its author is told. */
export interface CandidateFate {
  /** Path of its field, when the votes began to be waited for. */
  readonly at: string
  readonly proposal: ProposalId
  readonly fate: 'open' | 'agreed' | 'removed' | CandidateEnd
  /** Those who have voted, as far as the vote was waited for. */
  readonly votes: readonly Shown<CastVote>[]
  /** Those without whose YES an open one waits. */
  readonly waitsFor: readonly Handle[]
}

interface CastVote {
  readonly by: Handle
  readonly vote: 'yes' | 'no'
  /** Seal of what is said of it. */
  readonly about?: Hash
}

/** A candidate to be followed. `yes`: who had voted for it before the first entry that is read. */
export interface Awaited extends AskedVotes {
  readonly yes?: readonly Handle[]
}

interface Followed extends AskedVotes {
  readonly at: string
  fate: CandidateFate['fate']
  readonly votes: CastVote[]
  readonly refs: PayloadRef[]
}

/** Follows candidates through the settled ledger until each has come to its end, or nobody waits any longer. */
export class Fates {
  readonly #live: LiveContract
  readonly #store: Store
  readonly #followed: Followed[]
  #next: LedgerIndex
  /** Index of the entry by which the last of them was agreed. */
  #agreedAt: LedgerIndex | undefined

  /** `from`: of the first entry that may say anything of them. Requires that they stand in it, or stood before. */
  constructor(live: LiveContract, store: Store, asked: readonly Awaited[], from: LedgerIndex) {
    this.#live = live
    this.#store = store
    this.#next = from
    const { agreed } = live.state.settling
    this.#followed = asked.map((one) => ({
      ...one,
      at: pathOf(one.field, agreed),
      fate: 'open' as const,
      votes: (one.yes ?? []).map((by) => ({ by, vote: 'yes' as const })),
      refs: [],
    }))
  }

  get agreedAt(): LedgerIndex | undefined {
    return this.#agreedAt
  }

  get open(): readonly AskedVotes[] {
    return this.#followed.filter(({ fate }) => fate === 'open')
  }

  /** Resolves when none is open, or at the time-out. `timeoutMs` undefined: as long as it takes. Throws ContractClosed. */
  async settle(timeoutMs: number | undefined, clock: Clock): Promise<void> {
    let isLate = timeoutMs !== undefined && timeoutMs <= 0
    let news = Promise.withResolvers<void>()
    const wake = () => news.resolve()
    const unlisten = this.#live.listen({
      settled: wake,
      closed: (_contract, error) => {
        news.promise.catch(() => {})
        news.reject(error)
      },
    })
    const cancel =
      timeoutMs === undefined || isLate
        ? () => {}
        : clock.after(timeoutMs, () => {
            isLate = true
            wake()
          })
    try {
      for (;;) {
        await this.#read()
        if (isLate || this.open.length === 0) return
        await news.promise
        news = Promise.withResolvers()
      }
    } finally {
      cancel()
      unlisten()
    }
  }

  async shown(): Promise<CandidateFate[]> {
    const { agreed } = this.#live.state.settling
    const refs = this.#followed.flatMap((one) => one.refs)
    const held = await heldAbouts(this.#store.payloads, this.#live.contract, refs)
    return this.#followed.map((one) => shownFate(one, agreed, held))
  }

  async #read(): Promise<void> {
    for await (const { events, index, request } of settledFrom(this.#store.events, this.#live.contract, this.#next)) {
      this.#next = index + 1
      for (const event of events) {
        for (const one of this.#followed) {
          if (one.fate !== 'open') continue
          one.fate = fateAfter(event, one)
          if (one.fate === 'agreed') this.#agreedAt = index
          if (event.type !== 'VoteCast' || event.proposal !== one.proposal) continue
          const { about, by, vote } = event
          one.votes.push({ by, vote, ...(about && { about }) })
          if (about !== undefined) one.refs.push({ group: groupOf(request), seal: about })
        }
      }
    }
  }
}

function fateAfter(event: ContractEvent, { field, proposal }: Followed): CandidateFate['fate'] {
  switch (event.type) {
    case 'ProposalAgreed':
      return event.proposal === proposal ? 'agreed' : 'open'
    case 'CandidateEnded':
      return event.proposal === proposal ? event.why : 'open'
    case 'ElementRemoved':
      return isWithin(field, event.element) ? 'removed' : 'open'
    default:
      return 'open'
  }
}

function shownFate({ at, fate, field, proposal, votes }: Followed, state: ContractState, held: HeldAbouts) {
  const shown = votes.map((vote): Shown<CastVote> => withAbout(vote, held))
  const candidate = fate === 'open' ? candidateAt(state, { field, proposal }) : undefined
  return { at, proposal, fate, votes: shown, waitsFor: candidate ? missingVotes(candidate) : [] }
}
