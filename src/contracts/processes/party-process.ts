import type { Uid } from '../../events/ids.ts'
import { Gossip, type GossipTiming } from '../../gossip/gossip.ts'
import type { GossipReport } from '../../gossip/gossip-report.ts'
import type { ReplicasPort } from '../../gossip/replica-port.ts'
import { CommandQueue } from '../commands/command-queue.ts'
import type { KeyChanging } from '../commands/key-changing.ts'
import { Contracts } from '../registry/contracts.ts'
import type { ContractsPorts } from '../registry/ports.ts'
import { CommandWorker } from './command-worker.ts'
import { carry, replicasOf } from './gossip-adapter.ts'
import { KeyRotation, type SigningKeys } from './key-rotation.ts'
import { StoreSubscription } from './store-subscription.ts'

export interface PartyProcessPorts extends Omit<ContractsPorts, 'commandQueue' | 'canSend'> {
  readonly timing: GossipTiming
  readonly report: GossipReport
  /** The private keys, where they are. */
  readonly keys?: SigningKeys
  /** Passes traces between processes of one party, in the command queue; left out: none. */
  readonly tracing?: RequestTracing
  /** A background task of this process has failed; the process continues. */
  failed(error: unknown): void
}

/** The trace of a request: read by the process that queues it, set in the one that carries it out. */
export interface RequestTracing {
  traceOf(id: string): string | undefined
  tracedAs(id: string, traceparent: string): void
}

/** One process of a party, all of it but its edges: the network, the API, the files. */
export interface PartyProcess {
  readonly contracts: Contracts
  readonly replicas: ReplicasPort
  readonly gossip: Gossip
  readonly keys: KeyChanging
  /** False: the signing process does not take the commands that this one queues. */
  readonly isTakenUp: boolean
  /** Rejects when the process cannot go on, because it does not hear any more of what the others store. */
  readonly failed: Promise<void>
  close(): Promise<void>
}

/**
 * Puts together what a role consists of (design §9). `node` is all in one. Of the others `serve` queues what its
 * users ask for, `transmit` carries it out, signs, and calls other parties, `receive` answers their calls; they share
 * a store and the guard, and follow each other by a subscription.
 */
export async function openPartyProcess(ports: PartyProcessPorts): Promise<PartyProcess> {
  const { role = 'node', store, clock, random, timing, report, failed, turns } = ports
  const { events } = store
  const isShared = role !== 'node'
  const after = isShared ? await events.lastPosition() : undefined
  const commandQueue = isShared
    ? new CommandQueue({ events, clock, newId: ports.newRequestId, ...ports.tracing })
    : undefined
  const contracts = await Contracts.open({
    ...ports,
    ...(commandQueue === undefined ? {} : { commandQueue }),
    canSend: (contract) => gossip.canSend(contract),
  })
  const replicas = replicasOf(contracts)
  const gossip: Gossip = new Gossip({ replicas, clock, random, timing, report, turns })
  const stops: (() => unknown)[] = []
  const callsOthers = role === 'node' || role === 'transmit'
  if (callsOthers) stops.push(carry(contracts, replicas, gossip, clock))
  const rotation =
    callsOthers && ports.keys !== undefined
      ? new KeyRotation({ contracts, keys: ports.keys, events, announce: (contract) => gossip.carry(contract), failed })
      : undefined
  if (rotation !== undefined) stops.push(() => rotation.close())
  const keys = rotation ?? (commandQueue as KeyChanging)
  let watch: StoreSubscription | undefined
  if (isShared) {
    const commandWorker =
      role === 'transmit'
        ? await CommandWorker.open(
            { contracts, events, clock, keys, self: ports.newRequestId(), failed, ...ports.tracing },
            after,
          )
        : undefined
    if (commandWorker !== undefined) stops.push(() => commandWorker.close())
    const watchPorts = {
      events,
      contracts,
      replied: (contract: Uid) => gossip.carry(contract),
      failed,
      ...(commandWorker === undefined ? {} : { commandWorker }),
      ...(role === 'serve' && commandQueue !== undefined ? { commandQueue } : {}),
    }
    watch = await StoreSubscription.open(watchPorts, after)
    stops.push(() => watch?.close())
  }
  return {
    contracts,
    replicas,
    gossip,
    keys,
    get isTakenUp() {
      return commandQueue?.isTakenUp ?? true
    },
    failed: watch?.closed ?? new Promise<void>(() => {}),
    async close() {
      for (const stop of stops.reverse()) await stop()
      gossip.close()
      await contracts.close()
    },
  }
}
