import { createPrivateKey, type KeyObject } from 'node:crypto'
import { builtIn, type Engines, EngineUnknown } from '../../src/aggregates/contract/engines.ts'
import { nextKeyOf } from '../../src/agreement/keys/key-rules.ts'
import type { Acknowledged } from '../../src/agreement/ledger.ts'
import type { Equivocation } from '../../src/agreement/reception.ts'
import type { Divergence } from '../../src/agreement/settlement.ts'
import type { Policy } from '../../src/contracts/approvals/policy.ts'
import type { Role } from '../../src/contracts/duties.ts'
import { openPartyProcess } from '../../src/contracts/processes/party-process.ts'
import type { Contracts } from '../../src/contracts/registry/contracts.ts'
import { ReorderBuffer } from '../../src/contracts/replica/inbound/reorder-buffer.ts'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import { publicKeyOf, sign } from '../../src/crypto/key-pair.ts'
import { keySigner, type Signer } from '../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { revocationBytes, type SignedRevocation } from '../../src/events/parties/key-change.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { defaultTiming, type Gossip, type GossipTiming } from '../../src/gossip/gossip.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { foundedBy } from '../support/uid.ts'
import { Disk } from './disk.ts'
import type { SimulatedNetwork } from './network.ts'
import type { RandomSources } from './random-sources.ts'
import type { SeededRandom } from './seeded-random.ts'

/** So little that a flood fills it. */
const AHEAD_BYTES = 256 * 1024

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface KeyMaterial {
  readonly privateKey: KeyObject
  readonly publicKey: string
}

export function keyFrom(seed: Uint8Array): KeyMaterial {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}

/** What the machines of one simulation share. */
export interface World {
  readonly clock: Clock
  readonly sources: RandomSources
  readonly network: SimulatedNetwork
  /** Hears of everything that a machine holds to be settled, at the moment when it does. */
  settled(machine: Machine, contract: LiveContract, entries: readonly Acknowledged[]): void
  /** It asks the others for values that it lacks. */
  wanting(machine: Machine): void
  accused(machine: Machine, accused: readonly (Equivocation | Divergence)[]): void
  failed(machine: Machine, error: unknown): void
  /** The same promise, for which time passes where it needs some. */
  comesOf<Result>(under: Promise<Result>): Promise<Result>
}

/** Whom a machine calls. */
export interface Neighbour {
  readonly handle: Handle
  readonly address: string
  readonly card: PartyCard
}

export interface MachineOptions {
  readonly keySeed?: Uint8Array
  readonly address?: string
  readonly policy?: Policy
  readonly payloadWaitMs?: number
  readonly entriesAtOnceMax?: number
  /** Its store has no transactions. */
  readonly isPiecewise?: boolean
  /** The processes on this machine. Left out: one that does everything. */
  readonly roles?: readonly Role[]
  /** Contracts are put down as soon as they can be, and taken up again when somebody asks for them. */
  readonly rests?: boolean
  /** Left out: others are called often enough that what got lost is found within seconds. */
  readonly timing?: GossipTiming
}

interface Process {
  readonly role: Role
  readonly place: number
  readonly contracts: Contracts
  readonly gossip: Gossip
  readonly alive: { is: boolean }
}

/** One party's computer: it loses everything but its disk when it crashes. It runs the node's own code. */
export class Machine implements Neighbour {
  readonly handle: Handle
  readonly card: PartyCard
  readonly address: string
  readonly disk: Disk
  contracts: Contracts | undefined
  gossip: Gossip | undefined
  /** Those of the software that its next processes run. */
  engines: Engines = builtIn
  /** How far its clock is off, milliseconds. */
  skew = 0
  /** Not to be started before that time. */
  asleepUntil = 0
  readonly #world: World
  readonly #policy: Policy
  readonly #payloadWaitMs: number | undefined
  readonly #entriesAtOnceMax: number | undefined
  #roles: readonly Role[]
  readonly #rests: boolean
  readonly #timing: GossipTiming
  /** How often a contract was put down here. */
  passivated = 0
  readonly #signers = new Map<string, Signer>()
  readonly #privateKeys = new Map<string, KeyObject>()
  /** Outlives crashes, as `concordata key revoke` puts it into the store before anybody hears of it. */
  readonly #revoked = new Map<Uid, SignedRevocation>()
  readonly #recovery: KeyMaterial
  readonly #keySource: SeededRandom
  #newest: string
  #neighbours: readonly Neighbour[] = []
  #incarnation = 0
  #processes: Process[] = []
  #requests = 0

  constructor(world: World, handle: string, options: MachineOptions = {}) {
    this.#world = world
    this.handle = handle as Handle
    this.address = options.address ?? handle
    this.#policy = options.policy ?? []
    this.#payloadWaitMs = options.payloadWaitMs
    this.#entriesAtOnceMax = options.entriesAtOnceMax
    this.#roles = options.roles ?? ['node']
    this.#rests = options.rests ?? false
    this.#timing = options.timing ?? { ...defaultTiming, antiEntropyMs: 3_000 }
    this.#keySource = world.sources.of('keys', this.address)
    this.disk = new Disk(world.sources.of('disks', this.address), options.isPiecewise ?? false)
    this.#newest = this.#makeKey(options.keySeed ?? this.#keySource.bytes(32))
    this.#recovery = keyFrom(this.#keySource.bytes(32))
    const keys = { signing: this.#newest, recovery: this.#recovery.publicKey }
    this.card = { handle: this.handle, did: `did:web:${handle}.example`, name: handle, keys }
  }

  get isUp(): boolean {
    return this.contracts !== undefined
  }

  /** From its next start on. */
  runsAs(roles: readonly Role[]): void {
    this.#roles = roles
  }

  knows(neighbours: readonly Neighbour[]): void {
    this.#neighbours = neighbours
  }

  async start(): Promise<void> {
    this.#incarnation++
    for (const [place, role] of this.#roles.entries()) await this.#startProcess(role, place)
  }

  async #startProcess(role: Role, place: number): Promise<void> {
    const { clock, sources, network } = this.#world
    const incarnation = this.#incarnation
    const name = `${this.handle}-${incarnation}-${this.#processes.length}`
    const alive = { is: true }
    const isUp = () => this.#incarnation === incarnation && alive.is
    const ownClock: Clock = {
      now: () => clock.now() + this.skew,
      after: (delayMs, callback) => clock.after(delayMs, () => isUp() && callback()),
    }
    const { store, guard } = this.disk.mount(ownClock, isUp)
    const hasKey = role !== 'serve'
    const { contracts, gossip } = await openPartyProcess({
      role,
      store,
      ...(hasKey
        ? {
            guard,
            signer: this.#signers.get(this.card.keys.signing) as Signer,
            signerOf: (publicKey: string) => this.#signers.get(publicKey),
          }
        : {}),
      clock: ownClock,
      random: sources.of('code', this.address),
      policy: this.#policy,
      engines: this.engines,
      ...(this.#payloadWaitMs === undefined ? {} : { payloadWaitMs: this.#payloadWaitMs }),
      ...(this.#entriesAtOnceMax === undefined ? {} : { entriesAtOnceMax: this.#entriesAtOnceMax }),
      card: this.card,
      uidOf: (number) => foundedBy(this.card, number),
      newRequestId: () => `${role === 'node' ? `${this.handle}-${incarnation}` : name}-${this.#requests++}`,
      reorderBuffer: new ReorderBuffer(AHEAD_BYTES),
      timing: this.#timing,
      report: {
        unreachable() {},
        refused() {},
        failed: (_, error) => isUp() && this.#world.failed(this, error),
      },
      failed: (error) => isUp() && this.#world.failed(this, error),
      ...(this.#rests ? { activeMax: 0, snapshots: this.disk.snapshotsOf(place, isUp) } : {}),
    })
    if (!isUp()) return
    for (const signed of this.#revoked.values()) contracts.revocations.add(signed)
    const tellsUsers = role === 'node' || role === 'serve'
    contracts.listen({
      passivated: () => this.passivated++,
      wanting: () => isUp() && this.#world.wanting(this),
      settled: (contract, entries) => isUp() && tellsUsers && this.#world.settled(this, contract, entries),
      equivocated: (_, equivocations) => isUp() && this.#world.accused(this, equivocations),
      diverged: (_, divergences) => isUp() && this.#world.accused(this, divergences),
      failed: (_, error) => isUp() && this.#world.failed(this, error),
    })
    this.#processes.push({ role, place, contracts, gossip, alive })
    if (tellsUsers) this.contracts = contracts
    if (role === 'node' || role === 'receive') {
      network.attach(this.address, async (from, body) => {
        const peer = this.#neighbours.find(({ address }) => address === from)
        if (!isUp() || peer === undefined) return new Promise<never>(() => {})
        const answer = await gossip.answer(this.#peerOf(peer), body)
        return isUp() ? answer : new Promise<never>(() => {})
      })
    }
    if (role === 'node' || role === 'transmit') {
      this.gossip = gossip
      for (const peer of this.#neighbours) gossip.setPeer(this.#peerOf(peer))
      gossip.start()
    }
  }

  /** The contract in a process that signs. */
  author(contract: Uid): Promise<LiveContract | undefined> {
    const found = this.#processes.find(({ role, alive }) => alive.is && (role === 'node' || role === 'transmit'))
    return this.#world.comesOf(taken(found?.contracts, contract))
  }

  /** The contract in the process that talks to users. */
  live(contract: Uid): Promise<LiveContract | undefined> {
    return this.#world.comesOf(taken(this.contracts, contract))
  }

  /** At any step: what is under way is lost, and nobody hears of it. */
  crash(): void {
    this.disk.crashed(this.handle)
    this.#incarnation++
    for (const { gossip } of this.#processes) gossip.close()
    this.#processes = []
    this.contracts = undefined
    this.gossip = undefined
  }

  /** Of several processes one dies, and comes back after that time. */
  crashOne(after: number): boolean {
    const signing = this.#processes.filter(({ role, alive }) => alive.is && role !== 'node' && role !== 'serve')
    if (signing.length === 0) return false
    const { place } = this.#world.sources.of('machines', this.address).pick(signing)
    this.crashProcess(place, after)
    return true
  }

  /** The process at that place of its roles dies, and comes back after that time. */
  crashProcess(place: number, after: number): void {
    const process = this.#processes.find((one) => one.place === place && one.alive.is)
    if (process === undefined) throw new Error(`no process of ${this.handle} is up at place ${place}`)
    const { role, gossip, alive } = process
    const incarnation = this.#incarnation
    alive.is = false
    gossip.close()
    this.#processes = this.#processes.filter((process) => process.alive !== alive)
    this.#world.clock.after(after, () => {
      if (this.#incarnation !== incarnation) return
      this.#startProcess(role, place).catch((error: unknown) => this.#world.failed(this, error))
    })
  }

  /** Those of the process at that place of its roles, if it is up. */
  contractsAt(place: number): Contracts | undefined {
    return this.#processes.find((one) => one.place === place && one.alive.is)?.contracts
  }

  /** Its feed goes on under another key. */
  async rotate(contract: Uid): Promise<void> {
    const live = await this.author(contract)
    if (live === undefined || nextKeyOf(live.state, this.handle) !== this.#newest) return
    this.#newest = this.#makeKey(this.#keySource.bytes(32))
    live.rotate(this.#newest)
  }

  /** It does not trust its key any more, or cannot go on with it. */
  async revoke(contract: Uid): Promise<void> {
    const live = await this.author(contract)
    const revokes = live && nextKeyOf(live.state, this.handle)
    if (revokes === undefined) return
    this.#newest = this.#makeKey(this.#keySource.bytes(32))
    const revocation = { contract, party: this.handle, revokes, signing: this.#newest }
    const bytes = revocationBytes(revocation)
    const next = this.#privateKeys.get(this.#newest) as KeyObject
    const signed = { revocation, signature: sign(this.#recovery.privateKey, bytes), proof: sign(next, bytes) }
    this.#revoked.set(contract, signed)
    for (const { contracts } of this.#processes)
      if (contracts.has(contract)) await this.#world.comesOf(contracts.revoke(signed))
    this.gossip?.carry(contract)
  }

  #makeKey(seed: Uint8Array): string {
    const { privateKey, publicKey } = keyFrom(seed)
    this.#privateKeys.set(publicKey, privateKey)
    this.#signers.set(publicKey, keySigner(privateKey))
    return publicKey
  }

  #peerOf(peer: Neighbour) {
    return {
      handle: peer.handle,
      signingKey: peer.card.keys.signing,
      exchange: (body: string) => this.#world.network.call(this.address, peer.address, body),
    }
  }
}

/** From where it rests, if it does; undefined if it is not held, or goes on in an engine that is not here. */
async function taken(contracts: Contracts | undefined, contract: Uid): Promise<LiveContract | undefined> {
  if (!contracts?.has(contract)) return undefined
  return contracts
    .use(contract, (live) => live)
    .catch((error: unknown) => {
      if (error instanceof EngineUnknown) return undefined
      throw error
    })
}
