import type { Gossip } from '../gossip/gossip.ts'
import type { Participant, Participants } from '../gossip/participant.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Contracts } from './contracts.ts'
import type { LiveContract } from './live-contract.ts'

/** The contracts of a node as gossip sees them. */
export function participantsOf(contracts: Contracts): Participants {
  const seen = new WeakMap<LiveContract, Participant>()
  const participantOf = (live: LiveContract): Participant => {
    const known = seen.get(live)
    if (known !== undefined) return known
    const participant: Participant = {
      contract: live.contract,
      self: live.self,
      get state() {
        return live.state
      },
      get hasUnsettled() {
        return live.outbox.hasUnsettled
      },
      get words() {
        return contracts.wordsOn(live.contract)
      },
      get evidence() {
        return live.evidence
      },
      get unheard() {
        return live.unheard
      },
      waitingOf: (party) => live.waitingOf(party),
      heard: (peer, frontier) => live.heard(peer, frontier),
      deliver: (statements) => live.deliver(statements),
      wake: () => live.wake(),
    }
    seen.set(live, participant)
    return participant
  }
  const ifThere = (live: LiveContract | undefined) => live && participantOf(live)
  return {
    get: (contract) => ifThere(contracts.find(contract)),
    all: () => [...contracts.all()].map(participantOf),
    begin: async (contract, statements, from) => ifThere(await contracts.begin(contract, statements, from)),
    took: (word) => contracts.took(word),
  }
}

/** How long a contract is left alone, after the last entry settled, before this node cosigns it. Milliseconds. */
export const IDLE_MS = 1_000

/**
 * Has what the contracts say carried around, and what has settled cosigned once the contract is idle. The answer ends it.
 */
export function carry(contracts: Contracts, participants: Participants, gossip: Gossip, clock: Clock): () => void {
  const idle = new Map<LiveContract, () => void>()
  const settleDown = (live: LiveContract) => {
    idle.get(live)?.()
    const callback = () => {
      idle.delete(live)
      live.idle()
    }
    idle.set(live, clock.after(IDLE_MS, callback))
  }
  for (const live of contracts.all()) settleDown(live)
  const stop = contracts.listen({
    news(live, { made }) {
      const participant = participants.get(live.contract)
      if (participant !== undefined) gossip.news(participant, made)
    },
    settled(live, entries) {
      const hasOwn = entries.some(({ entry }) => entry.author === live.self)
      if (hasOwn && !live.outbox.hasUnsettled) gossip.carry(live.contract)
      settleDown(live)
    },
    equivocated(live) {
      gossip.carry(live.contract)
    },
  })
  return () => {
    stop()
    for (const cancel of idle.values()) cancel()
  }
}
