import { EngineUnknown } from '../aggregates/contract/engines.ts'
import { lackingFor } from '../agreement/completing.ts'
import type { KnownEntry } from '../agreement/values/known-entries.ts'
import type { Handle, Seq, Uid } from '../events/ids.ts'
import { type SignedStatement, StatementRefused } from '../events/statement-codec.ts'
import { eachAtOnce } from '../runtime/at-once.ts'
import type { Turns } from '../runtime/turns.ts'
import { type AnsweredWants, asWanted, piecesFrom } from './answered-wants.ts'
import type { Bulkhead } from './bulkhead.ts'
import type { Credit, Credits } from './credit.ts'
import type { GossipReport } from './gossip-report.ts'
import type { EntryLine } from './known-entry-line.ts'
import { contractOf, type ExchangeMessage, type PayloadLine } from './message.ts'
import { isPartyTo, type PeerKnowledge } from './peer-knowledge.ts'
import type { PieceLine, WantedPieces } from './piece-line.ts'
import type { Peer, ReplicasPort } from './replica-port.ts'

/** Contracts that one message has brought something of, and that are taken into memory at once for it. */
const TAKEN_IN_AT_ONCE = 32
/** Of the credit that a refused statement costs, what a line of payloads does that its contract does not lack (decision 0102). */
const IN_VAIN_COST = 1 / 64

export interface ArrivalsPorts {
  readonly replicas: ReplicasPort
  readonly report: Pick<GossipReport, 'refused'>
  readonly turns?: Turns | undefined
  readonly credits: Credits
  readonly answeredWants: AnsweredWants
  readonly bulkhead: Bulkhead
}

/** What a message of a peer brings: to the contracts that it concerns, as far as the peer has credit. */
export class Arrivals {
  readonly #ports: ArrivalsPorts

  constructor(ports: ArrivalsPorts) {
    this.#ports = ports
  }

  /** What one message brings. Attacker-controlled: `message`. */
  async take(peer: Peer, message: ExchangeMessage, knowledge: PeerKnowledge): Promise<void> {
    const { replicas, report, turns } = this.#ports
    const statements = byContract(message.statements)
    for (const [contract, frontier] of message.frontiers) {
      // Of what is not held anybody could make up any number.
      if (!replicas.has(contract)) continue
      this.#heardOf(contract, peer, message, knowledge)
      const atRest = replicas.passive(contract)
      // That wakes it, and what is known of it is let go of when it rests again.
      const isOdd = atRest === undefined || (atRest.isPartyTo(peer) && !atRest.isEvenWith(peer.handle, frontier))
      const asks = knowledge.hasWants(contract)
      if (isOdd || statements.has(contract) || asks) knowledge.told(contract, frontier, statements.get(contract) ?? [])
    }
    const refused = [...message.refused]
    const credit = this.#ports.credits.of(peer.handle)
    credit.spend(refused.length)
    const payloads = this.#lacking(message.payloads, peer, credit)
    const entries = this.#entriesFrom(message.entries, peer, credit)
    const contracts = new Set([...statements.keys(), ...payloads.keys(), ...entries.keys()])
    await eachAtOnce(contracts, TAKEN_IN_AT_ONCE, (contract) =>
      this.#ports.bulkhead.do(contract, async () => {
        if (credit.isSpent) return
        const delivered = statements.get(contract) ?? []
        const isNew = !replicas.has(contract)
        // Whoever brings them: statements speak for themselves. An invitee may have what a member has lost.
        if (!(await this.#begun(contract, delivered, peer, credit, refused))) return
        const frontier = message.frontiers.get(contract)
        if (isNew && frontier !== undefined) knowledge.told(contract, frontier, delivered)
        const result = await replicas.use(contract, (replica) =>
          replica.deliver(delivered, credit, payloads.get(contract) ?? [], entries.get(contract) ?? []),
        )
        for (const one of result?.refused ?? []) refused.push(one)
      }),
    )
    for (const one of await this.#takePieces(message.pieceLines, peer, credit)) refused.push(one)
    for (const word of message.words) {
      if (turns?.isOver === true) await turns.next()
      const contract = contractOf(word)
      if (!replicas.has(contract)) continue
      if (this.#isStranger(contract, peer)) credit.spend(1)
      else await this.#ports.bulkhead.do(contract, () => replicas.took(word))
    }
    for (const contract of message.frontiers.keys()) {
      const replica = replicas.find(contract)
      if (replica !== undefined) knowledge.compare(replica.state)
    }
    if (refused.length > 0) report.refused(peer, refused)
  }

  /**
   * The payloads that came by themselves and are missing here, by contract; the others cost their bringer. Nobody was asked for
   * what it may not see; of the members that were asked for the same, all but the first bring it in vain.
   */
  #lacking(lines: readonly PayloadLine[], peer: Peer, credit: Credit): Map<Uid, PayloadLine[]> {
    const lacking = new Map<Uid, PayloadLine[]>()
    for (const [contract, some] of Map.groupBy(lines, ({ contract: of }) => of)) {
      if (this.#isStranger(contract, peer)) {
        credit.spend(some.length)
        continue
      }
      const serving = this.#servingIn(contract, some)
      credit.spend((some.length - serving.length) * IN_VAIN_COST)
      if (serving.length > 0) lacking.set(contract, serving)
    }
    return lacking
  }

  /** Entries that are missing here, by contract; the others cost their bringer. */
  #entriesFrom(lines: readonly EntryLine[], peer: Peer, credit: Credit): Map<Uid, KnownEntry[]> {
    const missing = new Map<Uid, KnownEntry[]>()
    for (const [contract, some] of Map.groupBy(lines, ({ contract: of }) => of)) {
      const wanted = this.#isStranger(contract, peer) ? undefined : this.#ports.replicas.find(contract)?.wantsEntries
      if (wanted === undefined) credit.spend(some.length * IN_VAIN_COST)
      else
        missing.set(
          contract,
          some.map(({ known }) => known),
        )
    }
    return missing
  }

  /** Pieces go to who is in memory and lacks them: nobody else has asked for any. What they are refused for. */
  async #takePieces(lines: readonly PieceLine[], peer: Peer, credit: Credit): Promise<readonly StatementRefused[]> {
    const refused: StatementRefused[] = []
    for (const [contract, some] of Map.groupBy(lines, ({ contract: of }) => of)) {
      const replica = this.#isStranger(contract, peer) ? undefined : this.#ports.replicas.find(contract)
      if (replica === undefined) {
        credit.spend(some.length * IN_VAIN_COST)
        continue
      }
      const errors = await this.#ports.bulkhead.do(contract, () => replica.contents.arrived(some, credit))
      for (const error of errors ?? []) refused.push(error)
    }
    return refused
  }

  #servingIn(contract: Uid, lines: readonly PayloadLine[]): PayloadLine[] {
    const replica = this.#ports.replicas.find(contract)
    if (replica === undefined) return this.#ports.replicas.passive(contract)?.lacksValues === true ? [...lines] : []
    const lacking = lackingFor(replica.state, replica.self).map(({ statement }) => statement)
    const places = new Set([...lacking, ...replica.wants].map(placeIn))
    return lines.filter((line) => places.has(placeIn(line)))
  }

  /** Whether the contract is not held, or the peer no party to it. Of one that is just being loaded nobody can tell. */
  #isStranger(contract: Uid, peer: Peer): boolean {
    const { replicas } = this.#ports
    const isLoading = replicas.find(contract) === undefined && replicas.passive(contract) === undefined
    return isLoading ? !replicas.has(contract) : !this.#isParty(contract, peer)
  }

  #isParty(contract: Uid, peer: Peer): boolean {
    const { replicas } = this.#ports
    const replica = replicas.find(contract)
    if (replica !== undefined) return isPartyTo(replica.state, peer)
    return replicas.passive(contract)?.isPartyTo(peer) === true
  }

  /** What a party to the contract says beside what it holds. */
  #heardOf(contract: Uid, peer: Peer, message: ExchangeMessage, knowledge: PeerKnowledge): void {
    if (!this.#isParty(contract, peer)) return
    const { answeredWants } = this.#ports
    const { lacks, pieces, wants, waits } = message
    const lacked = lacks.get(contract)
    const isDue = lacked !== undefined && answeredWants.due(peer.handle, contract, [asWanted(lacked)]).length > 0
    knowledge.lacked(contract, isDue ? lacked : undefined)
    knowledge.wanted(contract, answeredWants.due(peer.handle, contract, wants.get(contract) ?? []))
    const areDue = (one: WantedPieces) => answeredWants.due(peer.handle, contract, [piecesFrom(one)]).length > 0
    knowledge.wantedPieces(contract, (pieces.get(contract) ?? []).filter(areDue))
    this.#ports.replicas.find(contract)?.holdsUp(peer.handle, waits.get(contract))
  }

  /** Whether the contract is held, now if not before; what is refused of its beginning is added. */
  async #begun(
    contract: Uid,
    delivered: readonly SignedStatement[],
    { handle }: Peer,
    credit: Credit,
    refused: StatementRefused[],
  ): Promise<boolean> {
    try {
      return await this.#ports.replicas.begin(contract, delivered, handle)
    } catch (error) {
      // Verifying it has cost as much as any other invalid statement.
      if (error instanceof StatementRefused || error instanceof EngineUnknown) credit.spend(1)
      if (!(error instanceof StatementRefused)) throw error
      refused.push(error)
      return false
    }
  }
}

function placeIn({ party, seq }: { readonly party: Handle; readonly seq: Seq }): string {
  return `${party}.${seq}`
}

function byContract(statements: readonly SignedStatement[]): Map<Uid, SignedStatement[]> {
  return Map.groupBy(statements, ({ statement }) => statement.contract)
}
