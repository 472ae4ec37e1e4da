import { lookBack, needsHistory } from '../../agreement/history/looking-back.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { Gossip } from '../../gossip/gossip.ts'
import type { AtRest, ReplicaPort, ReplicasPort } from '../../gossip/replica-port.ts'
import type { LedgerProgress } from '../../gossip/schedule.ts'
import type { Clock } from '../../runtime/clock.ts'
import { isEvenWith, isPartyAtRest, type PassiveContract } from '../passive/passive-contract.ts'
import type { Contracts } from '../registry/contracts.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import { tierReached } from '../signing/cosigned-notes.ts'

/** The contracts of a node as gossip sees them. */
export function replicasOf(contracts: Contracts): ReplicasPort {
  const seen = new WeakMap<LiveContract, ReplicaPort>()
  const participantOf = (live: LiveContract): ReplicaPort => {
    const known = seen.get(live)
    if (known !== undefined) return known
    const replica: ReplicaPort = {
      contract: live.contract,
      self: live.self,
      get state() {
        return live.state
      },
      get settled() {
        return live.state.settling.settled
      },
      get tier() {
        return tierOf(live.state)
      },
      get hasUnsettled() {
        return live.requests.queue.hasUnsettled
      },
      get words() {
        return contracts.wordsOn(live.contract)
      },
      get evidence() {
        return live.evidence
      },
      get awaited() {
        return live.awaited
      },
      get wants() {
        return live.wants
      },
      get wantsEntries() {
        return live.wantsEntries
      },
      get holdUp() {
        return live.holdUpOf(live.self)
      },
      holdsUp: (peer, why) => live.holdsUp(peer, why),
      payloadLines: (peer, wanted, room) => live.payloadLines(peer, wanted, room),
      entryLines: (peer, wanted, room) => live.entryLines(peer, wanted, room),
      contents: {
        lacksPiecesOf: (peer) => live.contents.fetching.lacksPiecesOf(peer),
        take: (peer, room) => live.contents.fetching.take(peer, room),
        answered: (peer) => live.contents.fetching.answered(peer),
        arrived: (pieces, credit) => live.contents.fetching.arrived(pieces, credit),
        lines: (peer, wanted, room) => live.pieceLines(peer, wanted, room),
      },
      waitingOf: (party) => live.waitingOf(party),
      heard: (peer, frontier) => live.heard(peer, frontier),
      deliver: (statements, credit, payloads, entries) => live.deliver(statements, credit, payloads, entries),
      wake: () => live.wake(),
      recall: () => live.recall(),
    }
    seen.set(live, replica)
    return replica
  }
  return {
    self: contracts.self,
    has: (contract) => contracts.has(contract),
    find(contract) {
      const live = contracts.find(contract)
      return live && participantOf(live)
    },
    active: () => [...contracts.cache.active()].map(participantOf),
    passive(contract) {
      const passive = contracts.cache.passive(contract)
      return passive && atRest(passive)
    },
    passiveWith: (party, after, limit) => contracts.cache.passiveWith(party, after, limit),
    async use(contract, work) {
      if (!contracts.has(contract)) return undefined
      return contracts.use(contract, (live) => work(participantOf(live)))
    },
    begin: (contract, statements, from) => contracts.begin(contract, statements, from),
    took: (word) => contracts.took(word),
  }
}

function atRest(passive: PassiveContract): AtRest {
  return {
    frontier: passive.frontier,
    settled: passive.settled,
    tier: passive.summary?.tier ?? 1,
    isPartyTo: (peer) => isPartyAtRest(passive, peer),
    lacksValues: passive.lacksValues,
    isEvenWith: (party, theirs) => isEvenWith(passive, party, theirs),
  }
}

/** Where it takes the history to tell, all has settled, but who has cosigned what is not known. */
function tierOf(held: HeldState): LedgerProgress['tier'] {
  const tier = lookBack(held, tierReached)
  return tier === needsHistory ? 3 : tier
}

/** How long a contract is left alone, after the last entry settled, before this node cosigns it. Milliseconds. */
export const IDLE_MS = 1_000

/**
 * Starts gossip and idle cosigning for all contracts. Returns a function that stops both.
 */
export function carry(contracts: Contracts, replicas: ReplicasPort, gossip: Gossip, clock: Clock): () => void {
  const idle = new Map<LiveContract, () => void>()
  const settleDown = (live: LiveContract) => {
    idle.get(live)?.()
    const callback = () => {
      idle.delete(live)
      live.idle()
    }
    idle.set(live, clock.after(IDLE_MS, callback))
  }
  for (const live of contracts.cache.active()) settleDown(live)
  const stop = contracts.listen({
    activated(live, hasNews) {
      const replica = replicas.find(live.contract)
      if (replica !== undefined) gossip.activated(replica)
      if (hasNews) gossip.carry(live.contract)
      if (live.hasToNote) settleDown(live)
    },
    passivated: (contract) => gossip.passivated(contract),
    news(live, news) {
      const replica = replicas.find(live.contract)
      if (replica !== undefined) gossip.news(replica, news)
    },
    settled(live, entries) {
      const replica = replicas.find(live.contract)
      if (replica !== undefined) gossip.settled(replica, new Set(entries.map(({ entry }) => entry.author)))
      settleDown(live)
    },
    equivocated(live) {
      gossip.carry(live.contract)
    },
    wanting(live) {
      gossip.carry(live.contract)
    },
    lacksPieces(live) {
      gossip.askForPieces(live.contract)
    },
  })
  return () => {
    stop()
    for (const cancel of idle.values()) cancel()
  }
}
