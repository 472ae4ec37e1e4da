import { saidToHold } from '../../agreement/feeds.ts'
import { covers } from '../../agreement/version-vector.ts'
import type { Uid } from '../../events/ids.ts'
import type { EventStore, RecordedEvent, Subscription } from '../../store/port.ts'
import { OUTBOX_STREAM, parseStream } from '../../store/streams.ts'
import type { CommandQueue } from '../commands/command-queue.ts'
import { askIn, type CommandResult, errorOf } from '../commands/queued-command.ts'
import type { PassiveContract } from '../passive/passive-contract.ts'
import type { Contracts } from '../registry/contracts.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import { type CommandWorker, doneSoFar } from './command-worker.ts'

export interface StoreSubscriptionPorts {
  readonly events: EventStore
  readonly contracts: Contracts
  /** Of the process that has no key. */
  readonly commandQueue?: CommandQueue
  /** Of the process that makes requests. */
  readonly commandWorker?: CommandWorker
  /** This party has answered an invitation: that is to be carried to the others. */
  replied?(contract: Uid): void
  failed(error: unknown): void
}

/**
 * Where several processes of a party share one store, a subscription is all that they hear of each other by (design §9):
 * whatever one of them has stored, the others take in.
 */
export class StoreSubscription {
  readonly #ports: StoreSubscriptionPorts
  readonly #subscription: Subscription

  private constructor(ports: StoreSubscriptionPorts, after: number | undefined) {
    this.#ports = ports
    this.#subscription = ports.events.subscribe({ ...(after === undefined ? {} : { after }) }, (event) => {
      this.#took(event)
      ports.contracts.cache.heardUpTo(event.position)
    })
  }

  /** `after`: the store's last position before `contracts` was opened, so that nothing in between is missed. */
  static async open(ports: StoreSubscriptionPorts, after: number | undefined): Promise<StoreSubscription> {
    if (ports.commandWorker === undefined && ports.commandQueue === undefined) await takeUpAnswers(ports)
    return new StoreSubscription(ports, after)
  }

  /** Rejects when the subscription ends: then the process must not go on. */
  get closed(): Promise<void> {
    return this.#subscription.closed
  }

  close(): void {
    this.#subscription.close()
  }

  #took(event: RecordedEvent): void {
    const { contracts, commandWorker, replied } = this.#ports
    const stream = parseStream(event.stream)
    switch (stream?.kind) {
      case 'feed':
        this.#tell(
          stream.contract,
          ({ frontier }) => (frontier[stream.handle]?.seq ?? -1) >= event.revision,
          (live) => live.feedHas(stream.handle, event.revision, event.data),
        )
        break
      case 'contract':
        this.#tell(
          stream.contract,
          ({ settled }) => settled > event.revision,
          (live) => live.ledgerHas(event.revision),
        )
        break
      case 'evidence':
        this.#tell(
          stream.contract,
          () => false,
          (live) => live.evidenceHasMore(),
        )
        break
      case 'contents':
        this.#tell(
          stream.contract,
          () => true,
          (live) => live.contents.look(),
        )
        break
      case 'contracts':
        contracts.learnContract(event).catch(this.#ports.failed)
        break
      case 'invitations': {
        const contract = contracts.learnReply(event)
        if (contract !== undefined && contracts.has(contract)) {
          contracts.use(contract, () => replied?.(contract)).catch(this.#ports.failed)
        }
        break
      }
      case 'outbox-asks':
        commandWorker?.took(event)
        this.#asked(event)
        break
      default:
    }
  }

  /** A passive contract is activated for news. One that cannot be loaded has been reported already. */
  #tell(contract: Uid, isKnown: (passive: PassiveContract) => boolean, tell: (live: LiveContract) => void): void {
    const { contracts } = this.#ports
    const live = contracts.find(contract)
    if (live !== undefined) {
      tell(live)
      return
    }
    const passive = contracts.cache.passive(contract)
    if (!contracts.has(contract) || (passive !== undefined && isKnown(passive))) return
    contracts.use(contract, tell).catch(() => {})
  }

  /** What users were promised an answer to, and what a person has answered. */
  #asked(event: RecordedEvent): void {
    const { commandQueue, commandWorker } = this.#ports
    // The command worker has taken it.
    if (commandWorker !== undefined) return
    if (commandQueue === undefined) {
      answer(this.#ports, event)
      return
    }
    const what = askIn(event, this.#ports.failed)
    if (what !== undefined && 'done' in what && !commandQueue.took(what.done)) this.#concluded(what.done)
  }

  #concluded(done: CommandResult): void {
    if (done.contract === null || !('problem' in done)) return
    const { contract, id, problem } = done
    // Whoever waits for it keeps the contract in memory.
    this.#ports.contracts.find(contract)?.requests.queue.reject(id, errorOf(problem))
  }
}

/** After a restart, what a person has answered and this party has not said yet. */
async function takeUpAnswers(ports: StoreSubscriptionPorts): Promise<void> {
  const from = (await doneSoFar(ports.events)) + 1
  for await (const event of ports.events.read(OUTBOX_STREAM, { from })) answer(ports, event)
}

/** Of the process that answers others, but does nothing else that users ask for. */
function answer({ contracts, failed }: StoreSubscriptionPorts, event: RecordedEvent): void {
  const what = askIn(event, failed)
  if (what === undefined || !('queued' in what) || what.queued.ask.kind !== 'answer' || what.queued.contract === null)
    return
  const { request, refusal } = what.queued.ask
  const decide = (live: LiveContract) => {
    if (covers(saidToHold(live.state.feeds, live.self), request.handle, request.seq)) return
    live.approvals.decide(request, refusal ?? undefined)
  }
  contracts.use(what.queued.contract, decide).catch(failed)
}
