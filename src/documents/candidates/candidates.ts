import {
  childrenOf,
  type Element,
  type Field,
  fieldsWithCandidates,
} from '../../aggregates/contract/document/element.ts'
import { isErased } from '../../aggregates/contract/erased-values.ts'
import { type Candidate, isInConflict } from '../../aggregates/contract/values/standing.ts'
import { isWithin } from '../../aggregates/rules/schema.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { heldAbouts, withAbout } from '../../contracts/requests/held-abouts.ts'
import type { About, ShownAbout } from '../../events/about.ts'
import type { Audience } from '../../events/audience.ts'
import type { CandidateEnd } from '../../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex, ProposalId, Uid } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import type { CandidateRecords, PastCandidate, RecordedVote } from '../../projections/queries/candidate-records.ts'
import { recordedAbouts } from '../../projections/queries/recorded-about.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { refOf } from '../../store/payload-group.ts'
import type { Store } from '../../store/port.ts'
import { AgreedView } from '../agreed-view.ts'
import type { Documents, Wait } from '../documents.ts'
import { pathTo } from '../path.ts'
import type { RequestResult } from '../request-result.ts'
import { sealedValue, ValueSealed } from '../sealed-value.ts'
import { pathOf } from '../written-rule.ts'
import { missingVotes } from './candidate-at.ts'

/** No candidate of that name stands, or was asked about, at or below the element. Evidence: `contract`, `path`, `proposal`. */
export class NoSuchProposal extends ConcordataError {}

/** A value that was put up, and is not what is agreed, as people read it. */
export interface ShownCandidate {
  readonly proposal: ProposalId
  /** Path of its field. */
  readonly at: string
  readonly by: Handle
  /** Null: that the field be emptied, or it is not held here; `SealedValue`: it is for others. */
  readonly value: unknown
  readonly isHeld: boolean
  /** Of a confidential one: who gets it. */
  readonly audience?: Audience
  /** `open`: it waits for votes; `conflict`: for a proposal by somebody who has seen it. */
  readonly state: 'open' | 'conflict' | 'agreed' | 'ended'
  readonly why?: CandidateEnd | 'removed'
  /** Ledger index at which it was agreed, or came to its end. */
  readonly endedAt?: LedgerIndex
  /** Those that are asked: none of one in conflict from the beginning. */
  readonly voters: readonly Handle[]
  readonly votes: readonly ShownVote[]
  /** Those without whose YES it waits. */
  readonly waitsFor: readonly Handle[]
}

interface ShownVote {
  readonly by: Handle
  readonly vote: 'yes' | 'no'
  readonly about?: ShownAbout
}

/** What one that is asked has said; null: nothing yet. */
export interface Tick {
  readonly at: string
  readonly proposal: ProposalId
  readonly party: Handle
  readonly vote: 'yes' | 'no' | null
  readonly about?: ShownAbout
}

interface Ports {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Store
  readonly candidateRecords: Pick<CandidateRecords, 'past' | 'votesOn'>
}

interface Standing {
  readonly field: Field
  readonly candidate: Candidate
}

/** The candidates of a node's documents, by path: read, voted on, withdrawn, and chosen from (design §5, §10). */
export class Candidates {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Those that stand at and below an element, in the order of the document. Throws NoSuchContract, NoSuchPath. */
  list(uid: Uid, names: readonly string[]): Promise<ShownCandidate[]> {
    return this.#ports.contracts.use(uid, async (live) => {
      const standing = standingIn(await this.#element(live, names))
      return Promise.all(standing.map((one) => this.#shown(one, live)))
    })
  }

  /** One that stands there, or was asked about there and has come to its end. Throws NoSuchContract, NoSuchPath, NoSuchProposal. */
  get(uid: Uid, names: readonly string[], proposal: ProposalId): Promise<ShownCandidate> {
    return this.#ports.contracts.use(uid, async (live) => {
      const element = await this.#element(live, names)
      const one = standingIn(element).find(({ candidate }) => candidate.id === proposal)
      if (one !== undefined) return this.#shown(one, live)
      const past = this.#ports.candidateRecords.past(uid, proposal)
      if (past === undefined || !isWithin(past.field, element.id)) throw noSuchProposal(uid, names, proposal)
      return this.#shownPast(past, proposal, live)
    })
  }

  /** A row for each that is asked, of one candidate or of all. Throws as `get`. */
  async votes(uid: Uid, names: readonly string[], proposal?: ProposalId): Promise<Tick[]> {
    const candidates = proposal === undefined ? await this.list(uid, names) : [await this.get(uid, names, proposal)]
    return candidates.flatMap(({ at, proposal, voters, votes }) =>
      voters.map((party): Tick => {
        const { about, vote = null } = votes.find(({ by }) => by === party) ?? {}
        return { at, proposal, party, vote, ...(about && { about }) }
      }),
    )
  }

  /** Throws as `get`. */
  async vote(
    uid: Uid,
    names: readonly string[],
    proposal: ProposalId,
    { vote, about }: { readonly vote: 'yes' | 'no'; readonly about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    const { field, audience } = await this.#named(uid, names, proposal)
    const meant = about !== undefined && audience !== undefined ? { audience: [...audience] } : {}
    return this.#ports.documents.command(uid, [{ type: 'CastVote', field, proposal, vote, ...meant }], wait, about)
  }

  /** One of this party's own. Throws as `get`. */
  async withdraw(uid: Uid, names: readonly string[], proposal: ProposalId, wait: Wait): Promise<RequestResult> {
    const { field } = await this.#named(uid, names, proposal)
    return this.#ports.documents.command(uid, [{ type: 'WithdrawProposal', field, proposal }], wait)
  }

  /**
   * Puts its value up in this party's name, in the place of all that stands at its field: the way on from a conflict. Throws as
   * `get`, and ValueSealed where it is not held here.
   */
  async choose(uid: Uid, names: readonly string[], proposal: ProposalId, wait: Wait): Promise<RequestResult> {
    const { at, isHeld, value } = await this.#ports.contracts.use(uid, async (live) => {
      const one = standingIn(await this.#element(live, names)).find(({ candidate }) => candidate.id === proposal)
      if (one === undefined) throw noSuchProposal(uid, names, proposal)
      const at = AgreedView.namesOf(live.state.settling.agreed, one.field.id) as string[]
      return { at, ...(await this.#value(one.candidate, live)) }
    })
    if (!isHeld) {
      throw new ValueSealed('value_sealed', 'the value is not held here, so it cannot be chosen', {
        path: pathTo(at),
        proposal,
      })
    }
    return this.#ports.documents.propose(uid, at, { json: value, adds: true }, wait)
  }

  async #element({ contract, state }: LiveContract, names: readonly string[]): Promise<Element> {
    return new AgreedView(state.settling.agreed, contract, this.#ports.store.payloads).require(names)
  }

  /** Of one that has come to its end the ledger says what is wrong. */
  #named(uid: Uid, names: readonly string[], proposal: ProposalId) {
    return this.#ports.contracts.use(uid, async (live) => {
      const element = await this.#element(live, names)
      const one = standingIn(element).find(({ candidate }) => candidate.id === proposal)
      if (one !== undefined) return { field: one.field.id, audience: one.candidate.audience }
      // The read model may not have it yet.
      const agreed = fieldAgreedOn(proposal, element)
      if (agreed !== undefined) return { field: agreed, audience: undefined }
      const past = this.#ports.candidateRecords.past(uid, proposal)
      if (past === undefined || !isWithin(past.field, element.id)) throw noSuchProposal(uid, names, proposal)
      return { field: past.field, audience: past.audience }
    })
  }

  async #value(
    candidate: Pick<Candidate, 'id' | 'seal' | 'audience' | 'revealedBy' | 'by'>,
    { contract, state }: LiveContract,
  ): Promise<Pick<ShownCandidate, 'value' | 'isHeld'>> {
    const { agreed } = state.settling
    const { seal } = candidate
    if (seal === null) return { value: null, isHeld: true }
    const opened = await this.#ports.store.payloads.get(contract, [refOf({ ...candidate, seal })])
    const text = opened.get(seal)
    if (text !== undefined) return { value: valueUnder(seal, text), isHeld: true }
    return { value: (isErased(agreed, seal) ? undefined : sealedValue({ ...candidate, seal })) ?? null, isHeld: false }
  }

  async #shown({ candidate, field }: Standing, live: LiveContract): Promise<ShownCandidate> {
    const { contract, state } = live
    const { audience, by, id: proposal, yes } = candidate
    const voters = candidate.voters ?? []
    // The read model may not have all votes yet, and has what was said with them.
    const recorded = this.#ports.candidateRecords.votesOn(contract, proposal)
    const votes = yes.map((by) => recorded.find((vote) => vote.by === by && vote.vote === 'yes') ?? bare(by))
    return {
      proposal,
      at: pathOf(field.id, state.settling.agreed),
      by,
      ...(await this.#value(candidate, live)),
      ...(audience && { audience }),
      state: isInConflict(candidate) ? 'conflict' : 'open',
      voters,
      votes: await this.#shownVotes(votes, contract),
      waitsFor: missingVotes(candidate),
    }
  }

  async #shownPast(past: PastCandidate, proposal: ProposalId, live: LiveContract) {
    const { contract, state } = live
    const { audience, by, endedAt, field, revealedIn, seal, state: fate, voters, why } = past
    const meant = { id: proposal, by, seal, ...(audience && { audience }) }
    const value = await this.#value(revealedIn === null ? meant : { ...meant, revealedBy: revealedIn }, live)
    return {
      proposal,
      at: pathOf(field, state.settling.agreed),
      by,
      ...value,
      ...(audience && { audience }),
      state: fate,
      ...(why && { why }),
      endedAt,
      voters,
      votes: await this.#shownVotes(this.#ports.candidateRecords.votesOn(contract, proposal), contract),
      waitsFor: [],
    }
  }

  async #shownVotes(votes: readonly Omit<RecordedVote, 'castAt'>[], contract: Uid): Promise<ShownVote[]> {
    const held = await heldAbouts(this.#ports.store.payloads, contract, recordedAbouts(votes))
    return votes.map(({ about, by, vote }) => withAbout({ by, vote, ...(about !== null && { about }) }, held))
  }
}

function standingIn(element: Element): Standing[] {
  return [...fieldsWithCandidates(element)].flatMap((field) =>
    field.candidates.map((candidate) => ({ candidate, field })),
  )
}

function fieldAgreedOn(proposal: ProposalId, element: Element): ElementId | undefined {
  if (element.kind === 'field') return element.agreed?.id === proposal ? element.id : undefined
  for (const child of childrenOf(element)) {
    const found = fieldAgreedOn(proposal, child)
    if (found !== undefined) return found
  }
  return undefined
}

function bare(by: Handle): Omit<RecordedVote, 'castAt'> {
  return { by, vote: 'yes', about: null, aboutIn: null }
}

function noSuchProposal(contract: Uid, names: readonly string[], proposal: ProposalId): NoSuchProposal {
  const path = pathTo(names)
  const message = `no candidate ${proposal} stands there, or was voted on`
  return new NoSuchProposal('no_such_proposal', message, { contract, path, proposal })
}
