import { frontierOf } from '../../src/agreement/feeds.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { type Frontier, placesOf } from '../../src/events/statement.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { defaultTiming, Gossip } from '../../src/gossip/gossip.ts'
import { decodeMessage, encodeMessage, type PayloadLine, type Wanted } from '../../src/gossip/message.ts'
import type { AtRest, Peer, ReplicaPort } from '../../src/gossip/replica-port.ts'
import { VirtualClock } from '../simulation/virtual-clock.ts'
import { contractFoundedBy, marketOf, Player } from './market.ts'
import { noContents } from './no-contents.ts'

export const [BIG, ONE, TWO] = [0, 1, 2].map((n) => contractFoundedBy('ana', n)) as [Uid, Uid, Uid]

/** Ana's node, with three contracts in memory that she and ben are on; he is in the hands of the test. */
export class GossipingAna {
  readonly clock = new VirtualClock()
  readonly players = new Map<Uid, Player>()
  readonly failures: [Uid, unknown][] = []
  readonly removed: Handle[] = []
  /** Whoever uses a contract waits for this. */
  readonly gates = new Map<Uid, Promise<void>>()
  /** What ben holds. */
  readonly held = new Map<Uid, Frontier>()
  /** Contracts that she does not hold yet. */
  readonly unknown = new Set<Uid>()
  /** Values that she lacks in each contract. */
  wants: readonly Wanted[] = []
  /** Contracts that are not in memory before somebody works with them. */
  readonly passive = new Map<Uid, AtRest>()
  /** Each contract that somebody has worked with, as often as that. */
  readonly used: Uid[] = []
  /** When values were looked up that ben wants. */
  readonly lookedUpAt: number[] = []
  /** What came by itself, and was handed on. */
  readonly payloads: PayloadLine[] = []
  /** Whether one of those begins with what comes of it. */
  begins = false
  /** What is thrown instead. */
  beginning: Error | undefined
  readonly gossip: Gossip
  readonly ben: Omit<Peer, 'exchange'>

  /** `unreachable`: ben is up, so nobody should hear of that. */
  constructor(unreachable: (error: unknown) => void) {
    for (const uid of [BIG, ONE, TWO]) {
      const [ana, ben] = marketOf(['ana', 'ben'].map((handle) => new Player(handle, undefined, uid))) as [
        Player,
        Player,
      ]
      this.players.set(uid, ana)
      this.held.set(uid, frontierOf(ben.state.feeds))
    }
    this.ben = { handle: 'ben' as Handle, signingKey: new Player('ben').card.keys.signing }
    const all = new Map([...this.players].map(([uid, ana]) => [uid, this.participantOf(ana)]))
    this.gossip = new Gossip({
      replicas: {
        self: 'ana' as Handle,
        has: (uid) => !this.unknown.has(uid),
        find: (uid) => (this.unknown.has(uid) || this.passive.has(uid) ? undefined : all.get(uid)),
        active: () => [...all.values()].filter(({ contract }) => !this.unknown.has(contract)),
        passive: (uid) => this.passive.get(uid),
        passiveWith: () => [],
        use: async (uid, work) => {
          this.used.push(uid)
          await this.gates.get(uid)
          this.passive.delete(uid)
          return this.unknown.has(uid) ? undefined : work(all.get(uid) as ReplicaPort)
        },
        begin: async (uid) => {
          if (this.beginning !== undefined) throw this.beginning
          return !this.unknown.has(uid) || (this.begins && this.unknown.delete(uid))
        },
        took: async () => {},
      },
      clock: this.clock,
      random: { bytes: (size) => new Uint8Array(size), fraction: () => 0 },
      timing: defaultTiming,
      report: {
        unreachable: (_, error) => unreachable(error),
        refused() {},
        failed: (uid, error) => this.failures.push([uid, error]),
        removed: (handle) => this.removed.push(handle),
      },
    })
  }

  participantOf(player: Player): ReplicaPort {
    const node = this
    return {
      contract: player.contract,
      self: player.handle,
      get state() {
        return player.state
      },
      settled: 0,
      tier: 3,
      hasUnsettled: false,
      words: [],
      evidence: [],
      awaited: [],
      get wants() {
        return node.wants
      },
      holdUp: undefined,
      wantsEntries: undefined,
      entryLines: async () => [],
      holdsUp() {},
      payloadLines: async (_, wanted) => {
        this.lookedUpAt.push(this.clock.now())
        return { lines: [], lookedUp: wanted.length }
      },
      contents: noContents,
      waitingOf: () => [],
      heard() {},
      deliver: async (statements, _, payloads) => {
        this.payloads.push(...payloads)
        return { refused: player.hears(...statements).refused.map(({ error }) => error) }
      },
      wake() {},
      recall: async () => {},
    }
  }

  says(uid: Uid, value: string): void {
    this.players.get(uid)?.proposes('0.0', value)
  }

  /** As ben: takes in what a message has. The answer says of which contracts that was new. */
  takes(statements: readonly SignedStatement[]): string[] {
    const isNew = ({ statement: { contract, party, seq } }: SignedStatement) =>
      seq > (new Map(placesOf(this.held.get(contract) ?? {})).get(party)?.seq ?? -1)
    const news = statements.filter(isNew)
    for (const { statement, hash } of news) {
      const { contract, party, seq } = statement
      this.held.set(contract, { ...this.held.get(contract), [party]: { seq, hash } })
    }
    return [...new Set(news.map(({ statement }) => String([BIG, ONE, TWO].indexOf(statement.contract) + 1)))]
  }

  /** As ben: asks about all three. */
  async asked() {
    const answer = decodeMessage(await this.gossip.answer(this.peer(), encodeMessage(this.held, [], [])))
    return { told: this.takes(answer.statements), frontiers: answer.frontiers }
  }

  peer(called: (about: string[]) => void = () => {}): Peer {
    return {
      ...this.ben,
      exchange: async (body) => {
        const { frontiers, statements } = decodeMessage(body)
        called(this.takes(statements))
        return encodeMessage(new Map([...frontiers.keys()].map((uid) => [uid, this.held.get(uid) ?? {}])), [], [])
      },
    }
  }
}
