import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { Acknowledged } from '../../src/agreement/ledger.ts'
import { carry, participantsOf } from '../../src/contracts/carrying.ts'
import { Contracts } from '../../src/contracts/contracts.ts'
import { memoryGuard } from '../../src/contracts/guard.ts'
import type { LiveContract } from '../../src/contracts/live-contract.ts'
import type { Signer } from '../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/party-card.ts'
import { defaultTiming, Gossip } from '../../src/gossip/gossip.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/port.ts'
import { faultyStore } from './faulty-store.ts'
import type { SimulatedNetwork } from './network.ts'
import type { SeededRandom } from './seeded-random.ts'

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

function keyFrom(seed: Uint8Array): { signer: Signer; publicKey: string } {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x as string
  const signer: Signer = {
    publicKey,
    sign: async (bytes) => sign(null, bytes, privateKey).toString('base64url'),
  }
  return { signer, publicKey }
}

/** What the machines of one simulation share. */
export interface World {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly network: SimulatedNetwork
  /** Hears of everything that a machine holds to be settled, at the moment when it does. */
  settled(machine: Machine, contract: LiveContract, entries: readonly Acknowledged[]): void
}

/** One party's computer: it loses everything but its disk when it crashes. It runs the node's own code. */
export class Machine {
  readonly handle: Handle
  readonly card: PartyCard
  readonly address: string
  contracts: Contracts | undefined
  gossip: Gossip | undefined
  readonly #world: World
  readonly #signer: Signer
  readonly #durable: Store
  readonly #guard = memoryGuard()
  #peers: readonly Machine[] = []
  #incarnation = 0
  #requests = 0

  constructor(world: World, handle: string, options: { keySeed?: Uint8Array; address?: string; disk?: Store } = {}) {
    this.#world = world
    this.handle = handle as Handle
    this.address = options.address ?? handle
    this.#durable = options.disk ?? openMemoryStore()
    const { signer, publicKey } = keyFrom(options.keySeed ?? world.random.bytes(32))
    const recovery = keyFrom(world.random.bytes(32)).publicKey
    this.#signer = signer
    this.card = {
      handle: this.handle,
      did: `did:web:${handle}.example`,
      name: handle,
      keys: { signing: publicKey, recovery },
    }
  }

  get isUp(): boolean {
    return this.contracts !== undefined
  }

  knows(peers: readonly Machine[]): void {
    this.#peers = peers
  }

  async start(): Promise<void> {
    const { clock, random, network } = this.#world
    const incarnation = ++this.#incarnation
    const isUp = () => this.#incarnation === incarnation
    const ownClock: Clock = {
      now: () => clock.now(),
      after: (delayMs, callback) => clock.after(delayMs, () => isUp() && callback()),
    }
    const contracts = await Contracts.open({
      store: faultyStore(this.#durable, ownClock, random, isUp),
      signer: this.#signer,
      clock: ownClock,
      random,
      guard: this.#guard,
      card: this.card,
      uidOf: (number) => String(number).padStart(26, '0') as Uid,
      newRequestId: () => `${this.handle}-${incarnation}-${this.#requests++}`,
      canSend: (contract) => gossip.canSend(contract),
    })
    const participants = participantsOf(contracts)
    const gossip: Gossip = new Gossip({
      participants,
      clock: ownClock,
      random,
      timing: { ...defaultTiming, antiEntropyMs: 3_000 },
      report: { unreachable() {}, refused() {} },
    })
    carry(contracts, participants, gossip, ownClock)
    contracts.listen({
      settled: (contract, entries) => {
        if (isUp()) this.#world.settled(this, contract, entries)
      },
    })
    this.contracts = contracts
    this.gossip = gossip
    network.attach(this.address, async (from, body) => {
      const peer = this.#peers.find(({ address }) => address === from)
      if (!isUp() || peer === undefined) return new Promise<never>(() => {})
      const answer = await gossip.answer(this.#peerOf(peer), body)
      return isUp() ? answer : new Promise<never>(() => {})
    })
    for (const peer of this.#peers) gossip.setPeer(this.#peerOf(peer))
    gossip.start()
  }

  /** At any step: what is under way is lost, and nobody hears of it. */
  crash(): void {
    this.#incarnation++
    this.gossip?.close()
    this.contracts = undefined
    this.gossip = undefined
  }

  #peerOf(peer: Machine) {
    return {
      handle: peer.handle,
      signingKey: peer.card.keys.signing,
      exchange: (body: string) => this.#world.network.call(this.address, peer.address, body),
    }
  }
}
