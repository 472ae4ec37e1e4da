import { builtIn, EngineUnknown } from '../../src/aggregates/contract/engines.ts'
import { invitationOf, memberOf } from '../../src/aggregates/contract/state.ts'
import { lackingIn } from '../../src/agreement/completing.ts'
import { feedOf, firstCovering } from '../../src/agreement/feeds.ts'
import { lacksValueOf } from '../../src/agreement/lacked-values.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import type { Policy } from '../../src/contracts/approvals/policy.ts'
import type { Role } from '../../src/contracts/replica/duties.ts'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import type { Verdict } from '../../src/contracts/requests/submission.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { type Handle, requestKey, type Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { type Payload, placesOf } from '../../src/events/statement.ts'
import { both } from '../support/engine-2.ts'
import { DEADLY, HostileMember, SINS, type Sin, VALUE_SINS } from './hostile.ts'
import { losingValues } from './lost-values.ts'
import { Machine, type Neighbour, type World } from './machine.ts'
import { SimulatedNetwork } from './network.ts'
import { Oracle, Violation } from './oracle.ts'
import { SeededRandom } from './seeded-random.ts'
import { settleMicrotasks, VirtualClock } from './virtual-clock.ts'

export interface Report {
  readonly seed: number
  readonly parties: number
  /** What the hostile member does; empty: there is none. */
  readonly sins: readonly string[]
  readonly entries: number
  readonly statements: number
  readonly calls: number
  /** What happened, and what users were told, by name. */
  readonly counts: Readonly<Record<string, number>>
}

export interface SimulationOptions {
  /** Some parties run a process for each role, on one store, and now and then two that sign. */
  readonly split?: boolean
  /** Contracts are in memory only while somebody asks for them. */
  readonly resting?: boolean
  /** Values get lost, or are false, on the way from whoever passes statements on. */
  readonly losesValues?: boolean
  /** The members vote for another engine in mid-run; now and then one starts with software that does not have it. All are honest. */
  readonly upgrades?: boolean
}

const HANDLES = ['ana', 'ben', 'cleo', 'dov']
const FIELDS = 4

/** The processes of a machine, where not one does everything. */
const ROLES: readonly (readonly Role[])[] = [
  ['node'],
  ['serve', 'transmit', 'receive'],
  ['receive', 'transmit', 'serve', 'transmit'],
]

/** Begins everything that people, and policies, have to say: nothing that is signed may have it anywhere. */
const SAID = '(said by a person)'

/** What the others answer: now and then no, now and then after somebody was asked. */
const POLICIES: readonly Policy[] = [
  [],
  [{ commands: ['RenameElement'], answer: 'refuse', reason: `${SAID} names are fine` }],
  [
    {
      commands: ['GrantElement'],
      answer: 'ask',
      forSeconds: 1,
      otherwise: 'acknowledge',
      reason: `${SAID} nobody was there`,
    },
  ],
  [
    {
      commands: ['WithdrawProposal'],
      answer: 'ask',
      forSeconds: 1,
      otherwise: 'refuse',
      reason: `${SAID} nobody was there`,
    },
  ],
]

/**
 * One run: parties open a contract, let each other in and write to it, lock it, change their keys and leave, while the
 * network loses, delays, doubles, reorders and withholds, links are cut, machines crash at any step and are set back, clocks
 * jump, and, in some runs, one member does what it likes. Then everything heals. Throws Violation as soon as something
 * happens that never may. `trace` hears of what is done to whom.
 */
export async function simulate(
  seed: number,
  trace: (line: string) => void = () => {},
  options: SimulationOptions = {},
): Promise<Report> {
  const simulation = new Simulation(seed, trace, options)
  try {
    await simulation.begin()
    await simulation.disturb()
    await simulation.heal()
  } catch (violation) {
    await simulation.describe()
    throw violation
  }
  return simulation.report()
}

class Simulation {
  readonly #seed: number
  readonly #isSplit: boolean
  readonly #rests: boolean
  readonly #trace: (line: string) => void
  readonly #random: SeededRandom
  /** Of what people say, so that it changes nothing else. */
  readonly #words: SeededRandom
  /** Of what becomes of values on the way. */
  readonly #losses: SeededRandom | undefined
  /** Of which software a machine starts with. */
  readonly #versions: SeededRandom | undefined
  readonly #clock = new VirtualClock()
  readonly #network: SimulatedNetwork
  readonly #oracle = new Oracle()
  readonly #machines: Machine[]
  /** A second machine with the key of one member: whatever the one signs, the other knows nothing of. */
  readonly #twin: Machine | undefined
  readonly #hostile: HostileMember | undefined
  readonly #violations: unknown[] = []
  readonly #backups = new Map<Machine, number>()
  readonly #locks = new Map<Machine, number>()
  #contract!: Uid
  #requests = 0
  #wasSetBack = false
  readonly #counts: Record<string, number> = {}

  constructor(seed: number, trace: (line: string) => void, options: SimulationOptions) {
    const { split = false, resting = false, losesValues = false, upgrades = false } = options
    this.#seed = seed
    this.#isSplit = split
    this.#rests = resting
    this.#random = new SeededRandom(seed)
    this.#words = new SeededRandom(seed ^ 0x5a1d)
    this.#trace = (line) => trace(`${((this.#clock.now() - Date.UTC(2026, 0, 1)) / 1000).toFixed(3)} ${line}`)
    const random = this.#random
    const faults = {
      loss: random.fraction() * 0.2,
      duplication: random.fraction() * 0.2,
      delayMs: 1 + random.fraction() * 60,
    }
    this.#network = new SimulatedNetwork(this.#clock, random, faults)
    this.#losses = losesValues ? new SeededRandom(seed ^ 0x1057) : undefined
    if (this.#losses !== undefined) {
      const often = { loss: this.#losses.fraction() * 0.6, forgery: this.#losses.fraction() * 0.1 }
      this.#network.mangle = losingValues(this.#losses, often)
    }
    this.#versions = upgrades ? new SeededRandom(seed ^ 0xe261) : undefined
    const world = this.#world()
    const parties = 2 + random.below(3)
    const kind = parties > 2 && !upgrades ? random.fraction() : 1
    const handles = HANDLES.slice(0, parties)
    this.#hostile = kind < 0.35 ? new HostileMember(world, 'ben', this.#drawSins(), FIELDS) : undefined
    const keySeed = random.bytes(32)
    const honest = this.#hostile === undefined ? handles : handles.filter((handle) => handle !== 'ben')
    this.#machines = honest.map((handle) => {
      const policy = random.pick(POLICIES)
      const rests = this.#rests
      const roles = split ? random.pick(ROLES) : (['node'] as const)
      const wait = this.#losses === undefined ? {} : { payloadWaitMs: 200 + this.#losses.below(3_000) }
      const options = { policy, roles, rests, ...wait }
      return new Machine(world, handle, handle === 'ben' ? { keySeed, ...options } : options)
    })
    const isTwinned = this.#hostile === undefined && kind < 0.45
    this.#twin = isTwinned
      ? new Machine(world, 'ben', { keySeed, address: 'ben again', rests: this.#rests })
      : undefined
    this.#introduce()
  }

  #world(): World {
    return {
      clock: this.#clock,
      random: this.#random,
      network: this.#network,
      settled: (machine, contract, entries) => {
        // Others that a hostile member has founded are its own affair.
        if (this.#contract !== undefined && contract.contract !== this.#contract) return
        this.#trace(`${machine.address} settled ${entries.map(({ entry }) => entry.index).join(' ')}`)
        if (this.#isHonest(machine)) this.#guard(() => this.#oracle.settled(machine, contract.state, entries))
      },
      wanting: () => this.#count('asked for values'),
      accused: (machine, accused) => {
        for (const { party } of accused) {
          this.#count('accused')
          this.#trace(`${machine.address} accuses ${party}`)
          const isGuilty = party === 'ben' && (this.#hostile !== undefined || this.#twin !== undefined)
          if (this.#isHonest(machine)) this.#guard(() => this.#oracle.accused(machine, party, isGuilty))
        }
      },
      failed: (machine, error) => {
        if (error instanceof EngineUnknown && machine.engines !== both)
          return this.#count('could not go on without the engine')
        if (this.#isHonest(machine)) this.#violations.push(error)
      },
    }
  }

  #drawSins(): Sin[] {
    const sins = new Set([this.#random.pick(SINS)])
    while (this.#random.chance(0.4)) sins.add(this.#random.pick(SINS))
    if (this.#losses === undefined) return [...sins]
    // Beside a deadly one nothing would have to come to its end.
    const others = this.#losses.chance(0.5) ? [] : [...sins]
    return [this.#losses.pick(VALUE_SINS), ...others]
  }

  /** Who calls whom: of a twinned member some see the one machine and some the other. */
  #introduce(): void {
    const everyone: Neighbour[] = [...this.#machines, ...(this.#hostile === undefined ? [] : [this.#hostile])]
    const [founder] = this.#machines
    const twin = this.#twin
    for (const machine of this.#machines) {
      const others = everyone.filter((other) => other !== machine)
      const misled = twin !== undefined && machine !== founder && machine.handle !== 'ben'
      machine.knows(others.map((other) => (misled && other.handle === 'ben' ? twin : other)))
    }
    this.#hostile?.knows(this.#machines)
    twin?.knows(this.#machines.filter(({ handle }) => handle !== 'ben'))
  }

  async begin(): Promise<void> {
    const [founder] = this.#machines as [Machine, ...Machine[]]
    for (const machine of this.#everyone()) {
      this.#drawVersion(machine, 0.95)
      await machine.start()
    }
    const opening = founder.contracts?.openContract('simulated')
    await this.#pass(2_000)
    const opened = await opening
    if (opened === undefined) throw new Violation('no contract was opened')
    this.#contract = opened.contract.contract
    await opened.opened
    for (let n = 0; n < FIELDS; n++) {
      await this.#submit(founder, { type: 'AddField', parent: '0', name: `field ${n}`, field: { type: 'text' } })
    }
    for (const card of this.#strangers(founder)) {
      if (this.#random.chance(0.7)) await this.#submit(founder, { type: 'InviteParty', party: card })
    }
  }

  async disturb(): Promise<void> {
    const rounds = 10 + this.#random.below(25)
    for (let round = 0; round < rounds; round++) {
      for (const machine of this.#everyone()) await this.#disturbOne(machine)
      this.#hostile?.act()
      this.#disturbNetwork()
      await this.#pass(this.#random.fraction() * 300)
      this.#check()
    }
  }

  #disturbNetwork(): void {
    const random = this.#random
    const addresses = [...this.#everyone().map(({ address }) => address), ...(this.#hostile ? ['ben'] : [])]
    const [from, to] = [random.pick(addresses), random.pick(addresses)]
    if (random.chance(0.1)) {
      this.#network.cut(from, to)
      if (random.chance(0.5)) this.#network.cut(to, from)
    }
    if (random.chance(0.05)) this.#network.clog(from, to, random.fraction() * 5_000)
    if (random.chance(0.1)) this.#network.heal()
  }

  async #disturbOne(machine: Machine): Promise<void> {
    const random = this.#random
    const { contracts } = machine
    if (contracts === undefined) {
      if (this.#clock.now() >= machine.asleepUntil && random.chance(0.3)) {
        this.#drawVersion(machine, 0.5)
        await this.#restart(machine)
      }
      return
    }
    if (random.chance(0.03)) {
      const state = (await machine.live(this.#contract))?.state
      this.#crash(machine)
      if (random.chance(0.15)) machine.asleepUntil = this.#clock.now() + random.fraction() * 8_000
      // What one has agreed with nobody but itself is on that one's disk only.
      const others = state?.settling.signed.delete(machine.handle).valueSeq() ?? []
      const isAlone = state === undefined || Math.max(0, ...others) < state.settling.settled
      if (random.chance(0.25) && !isAlone) await this.#setBack(machine)
      return
    }
    if (this.#isSplit && random.chance(0.04) && machine.crashOne(random.fraction() * 2_000)) {
      this.#count('processes crashed')
      this.#trace(`${machine.address} loses a process`)
    }
    if (random.chance(0.05)) machine.skew += (random.fraction() - 0.5) * 100_000
    if (random.chance(0.1)) this.#backups.set(machine, machine.disk.mark)
    // Where nobody looks at it a contract comes to rest.
    if (this.#rests && contracts.find(this.#contract) === undefined && random.chance(0.6)) return
    const live = await machine.live(this.#contract)
    if (live === undefined) return
    if (memberOf(live.state.ledger.document, machine.handle) === undefined) {
      if (contracts.replyTo(this.#contract) === undefined) {
        const reply = random.chance(0.05) ? contracts.decline(this.#contract) : contracts.accept(this.#contract)
        reply.then(
          () => machine.gossip?.carry(this.#contract),
          () => {},
        )
      }
      return
    }
    await this.#useContract(machine, live)
  }

  #drawVersion(machine: Machine, share: number): void {
    if (this.#versions !== undefined) machine.engines = this.#versions.chance(share) ? both : builtIn
  }

  /** Votes for engine 2, if it has that, and it does not judge yet. */
  async #upgrade(machine: Machine, { state }: LiveContract): Promise<void> {
    if (machine.engines !== both || state.ledger.document.engine === 2) return
    await this.#submit(machine, { type: 'UpgradeEngine', to: 2 })
  }

  #crash(machine: Machine): void {
    if (!machine.isUp) return
    this.#count('crashes')
    this.#trace(`${machine.address} crashes`)
    machine.crash()
  }

  /** What its people and its operators do. */
  async #useContract(machine: Machine, live: LiveContract): Promise<void> {
    const random = this.#random
    const field = `0.${random.below(FIELDS)}`
    if (this.#versions?.chance(0.4)) await this.#upgrade(machine, live)
    if (random.chance(0.35)) await this.#write(machine, field)
    if (random.chance(0.04))
      await this.#submit(machine, { type: 'RenameElement', element: field, name: `n ${this.#requests}` })
    if (random.chance(0.03)) await this.#submit(machine, { type: 'GrantElement', element: field, to: null })
    if (random.chance(0.03)) {
      await this.#submit(machine, { type: 'WithdrawProposal', field, proposal: `${machine.handle}.1.0.0` })
    }
    if (random.chance(0.05)) await this.#invite(machine, live)
    if (random.chance(0.03)) await this.#lock(machine, live)
    if (random.chance(0.08)) this.#takeBack(machine, live)
    if (random.chance(0.01)) {
      this.#count('rotations')
      await machine.rotate(this.#contract)
    }
    if (random.chance(0.004) && this.#twin === undefined) {
      this.#count('revocations')
      await machine.revoke(this.#contract)
    }
    if (machine !== this.#machines[0] && random.chance(0.004)) await this.#submit(machine, { type: 'Resign' })
  }

  async #write(machine: Machine, field: string): Promise<void> {
    const random = this.#random
    const { payload, seal: sealed } = seal(`${machine.handle} ${this.#requests}`, random.bytes(16))
    const exclusive = random.chance(0.5) ? { exclusive: true } : {}
    const command = { type: 'ProposeValue', field, seal: sealed, basis: [], ...exclusive }
    const kind = random.below(3)
    const timeout = kind === 0 ? { timeoutMs: 50 + random.below(1_500) } : {}
    await this.#submit(machine, command, {
      payloads: { [sealed]: payload },
      ...(kind < 2 ? { tentative: true } : {}),
      ...timeout,
    })
  }

  async #invite(machine: Machine, { state }: LiveContract): Promise<void> {
    const { document } = state.ledger
    const [invited] = document.parties.invitations
    if (invited?.by === machine.handle && this.#random.chance(0.1)) {
      await this.#submit(machine, { type: 'WithdrawInvitation', party: invited.party.handle })
    }
    const [stranger] = this.#strangers(machine).filter(({ handle }) => state.ledger.cards.get(handle) === undefined)
    if (stranger !== undefined) await this.#submit(machine, { type: 'InviteParty', party: stranger })
  }

  async #lock(machine: Machine, { state }: LiveContract): Promise<void> {
    const { lock } = state.settling.agreed
    if (lock === null) {
      const isPatient = this.#random.chance(0.5)
      await this.#submit(machine, { type: 'LockRecord', purpose: 'review' }, isPatient ? { retry: true } : {})
    } else if (lock.holder === machine.handle) await this.#submit(machine, { type: 'ReleaseLock' })
    else await this.#submit(machine, { type: 'BreakLock', lock: lock.index })
  }

  #takeBack(machine: Machine, live: LiveContract): void {
    for (const [key, handle] of live.state.undecided) {
      if (handle !== machine.handle || !this.#random.chance(0.5)) continue
      const [, seq, index] = key.split('.')
      this.#count('taken back')
      const about = this.#words.chance(0.5) ? { text: `${SAID} changed my mind` } : undefined
      live.withdraw({ handle, seq: Number(seq), index: Number(index) }, about).catch(() => {})
      // The worst moment: its user may have been told, and nothing may be durable.
      if (this.#random.chance(0.5)) this.#clock.after(this.#random.fraction() * 4, () => this.#crash(machine))
    }
  }

  async #submit(
    machine: Machine,
    command: { type: string; [key: string]: unknown },
    options: { payloads?: object; tentative?: boolean; timeoutMs?: number; retry?: true } = {},
  ): Promise<void> {
    const live = await machine.live(this.#contract)
    if (live === undefined || memberOf(live.state.ledger.document, machine.handle) === undefined) return
    this.#requests++
    const { payloads, tentative, ...rest } = options
    const said = this.#saying(command)
    const request = {
      id: `${machine.handle} ${this.#requests}`,
      commands: [said.command],
      ...(tentative ? { tentative: true as const } : {}),
      ...said.seals,
    }
    this.#trace(`${machine.address} submits ${request.id}: ${command.type}${tentative ? ', tentative' : ''}`)
    const submission = live.submit({ request, payloads: { ...payloads, ...said.payloads }, ...rest })
    const told = (verdict: Verdict) => {
      this.#count(verdict.kind === 'settled' ? verdict.outcome.kind : verdict.kind)
      if (verdict.kind === 'settled' && verdict.outcome.kind === 'refused') {
        if (verdict.outcome.by.some(({ code }) => code === 'payload_missing'))
          this.#count('refused for want of a value')
      }
      this.#trace(`${machine.address} is told of ${request.id}: ${JSON.stringify(verdict)}`)
      if (this.#isHonest(machine)) {
        this.#oracle.promised(machine, 'request' in verdict ? verdict.request : undefined, verdict)
      }
    }
    submission.verdict.then(told, () => this.#count('not told'))
    submission.verdict.then(
      (verdict) => {
        if (verdict.kind === 'timed out' && verdict.request === undefined) this.#oracle.neverSigned(machine, request.id)
      },
      () => {},
    )
  }

  /** Now and then somebody has something to say about it, which may not come along; who asked stays at home. */
  #saying(command: { type: string; [key: string]: unknown }) {
    const random = this.#words
    const payloads: { [seal: Hash]: Payload } = {}
    const sealed = (value: unknown, comesAlong: boolean) => {
      const { seal: hash, payload } = seal(value, random.bytes(16))
      if (comesAlong) payloads[hash] = payload
      return hash
    }
    const about = (share: number) =>
      random.chance(share)
        ? { about: sealed({ text: `${SAID} ${command.type} ${this.#requests}` }, random.chance(0.8)) }
        : {}
    const mayExplain = command.type === 'LockRecord' || command.type === 'Resign'
    const user = random.chance(0.1) ? { user: sealed(`${SAID} I am`, random.chance(0.2)) } : {}
    return { command: { ...command, ...(mayExplain ? about(0.5) : {}) }, seals: { ...about(0.1), ...user }, payloads }
  }

  /** What people say is under seals only, so it can be erased everywhere. */
  async #checkUnsaid(): Promise<void> {
    for (const machine of this.#everyone()) {
      for await (const text of machine.disk.kept(this.#contract)) {
        if (text.includes(SAID)) throw new Violation(`${machine.handle} keeps for good what a person says:\n${text}`)
      }
    }
  }

  /** The machine's disk dies, and an old backup takes its place; once a run, since two copies lost at once are one too many. */
  async #setBack(machine: Machine): Promise<void> {
    const mark = this.#backups.get(machine)
    if (this.#wasSetBack || mark === undefined || machine.handle === 'ben') return
    this.#wasSetBack = true
    // Who has no guard depends on the others' word for what they hold; a hostile one may have the only copy, and keep it.
    const isSafe = this.#hostile === undefined && this.#twin === undefined
    const withoutGuard = isSafe && this.#random.chance(0.5)
    this.#count(withoutGuard ? 'set back without a guard' : 'set back')
    this.#trace(`${machine.address} is set back to ${mark} of ${machine.disk.mark}${withoutGuard ? ', no guard' : ''}`)
    await machine.disk.setBack(mark, withoutGuard)
    // Without a guard nothing but the others' word says what was signed: what they are still to get must have come, or be lost.
    if (withoutGuard) this.#network.hangUp(machine.address)
    this.#oracle.setBack(machine)
  }

  /** Everything comes back: all that is under way settles, and then nobody says anything any more. */
  async heal(): Promise<void> {
    this.#trace('everything heals')
    this.#network.heal(true)
    this.#network.mangle = (text) => text
    if (this.#hostile !== undefined) this.#hostile.isTame = true
    if (this.#versions !== undefined) this.#installEverywhere()
    for (let step = 0; step < 60; step++) {
      // A crash may have been on its way still.
      for (const machine of this.#everyone()) if (!machine.isUp) await this.#restart(machine)
      for (const machine of this.#everyone()) await this.#tidyUp(machine, step)
      this.#hostile?.act()
      await this.#pass(1_000)
      this.#check()
    }
    await this.#checkUnsaid()
    this.#oracle.checkPromises()
    const isDead = this.#twin !== undefined || SINS.some((sin) => DEADLY.has(sin) && this.#hostile?.sins.has(sin))
    if (isDead) return
    const statements = this.#statements()
    await this.#pass(30_000)
    this.#check()
    if (this.#statements() !== statements) throw new Violation('an idle contract does not fall silent')
    await this.#checkAllEqual()
    await this.#audit()
    this.#oracle.checkPromises()
    for (const machine of this.#machines) {
      const live = await machine.live(this.#contract)
      if (live === undefined || !this.#isHonest(machine)) continue
      await live.recall()
      this.#oracle.checkSignedOnce(machine, live.state)
    }
  }

  /** Whoever lacks the engine gets software that has it. */
  #installEverywhere(): void {
    for (const machine of this.#machines) {
      if (machine.engines === both) continue
      machine.engines = both
      this.#crash(machine)
    }
  }

  /** Locks are let go of, and whose feed cannot go on under its key goes on under another. */
  async #tidyUp(machine: Machine, step: number): Promise<void> {
    const { lock: standing } = machine.contracts?.find(this.#contract)?.state.settling.agreed ?? {}
    // Nothing stands in the way of what is at rest.
    if (this.#rests && step % 15 !== 0 && standing === null) return
    const live = await machine.author(this.#contract)
    if (live === undefined) return
    if (this.#versions !== undefined && step === 20) await this.#upgrade(machine, live)
    const { lock } = live.state.settling.agreed
    if (lock?.holder === machine.handle && this.#locks.get(machine) !== lock.index) {
      this.#locks.set(machine, lock.index)
      await this.#submit(machine, { type: 'ReleaseLock' })
    }
    if (step === 15 && live.obstacle === 'nobody_to_ask') live.goOnRegardless()
    // Without a guard it may be that of two statements the others hold the second only: the first is lost for good.
    const isLost = live.obstacle === 'statement_lost'
    if (
      step === 15 &&
      (live.obstacle === 'store_set_back' || isLost) &&
      invitationOf(live.state.ledger.document, machine.handle) === undefined
    ) {
      this.#count('revoked to go on')
      await machine.revoke(this.#contract)
    }
  }

  async #checkAllEqual(): Promise<void> {
    for (const machine of this.#machines) {
      const state = (await machine.live(this.#contract))?.state
      if (state === undefined || memberOf(state.settling.agreed, machine.handle) === undefined) continue
      if (state.settling.settled !== this.#oracle.size || state.ledger.open.length > 0) {
        const { settled } = state.settling
        throw new Violation(`${machine.handle} settled ${settled} of ${this.#oracle.size} after everything had healed`)
      }
    }
  }

  /** Whoever audits an honest member finds its store whole, and of misconduct only what the hostile one has signed. */
  async #audit(): Promise<void> {
    const [founder] = this.#machines as [Machine, ...Machine[]]
    for (const machine of this.#machines) {
      if (!machine.contracts?.has(this.#contract)) continue
      const { misconduct } = await verifyContract(machine.disk.auditSource(this.#contract, founder.handle), both)
      for (const { what, party } of misconduct) {
        this.#count(`audited: ${what}`)
        if (party.handle !== this.#hostile?.handle) throw new Violation(`an audit accuses ${party.handle} of ${what}`)
      }
    }
  }

  #check(): void {
    if (this.#violations.length > 0) throw this.#violations[0]
    const honest: [Machine, LiveContract['state']][] = []
    for (const machine of this.#machines) {
      const state = machine.contracts?.find(this.#contract)?.state
      if (state === undefined || !this.#isHonest(machine)) continue
      this.#oracle.checkMachine(machine, state)
      this.#checkValues(machine, state)
      honest.push([machine, state])
    }
    if (this.#twin !== undefined || this.#hostile !== undefined) return
    for (const one of honest) for (const other of honest) if (one !== other) this.#oracle.checkPair(one, other)
  }

  /** Of what a member has acknowledged it holds the values, unless its disk was set back. Other processes may have got them. */
  #checkValues(machine: Machine, state: LiveContract['state']): void {
    if (this.#isSplit || this.#wasSetBack) return
    for (const held of lackingIn(state)) {
      const { party, seq, requests } = held.statement
      const answer = firstCovering(feedOf(state.feeds, machine.handle), party, seq)
      if (party === machine.handle || answer === undefined) continue
      const refused = new Set(answer.statement.refusals.map(({ request }) => requestKey(request)))
      for (const [index, request] of requests.entries()) {
        const key = requestKey({ handle: party, seq, index })
        if (!lacksValueOf(held, request) || refused.has(key)) continue
        throw new Violation(`${machine.handle} has acknowledged ${key}, and has not its values`)
      }
    }
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (violation) {
      this.#violations.push(violation)
    }
  }

  async #restart(machine: Machine): Promise<void> {
    const isUpgraded = this.#machines.some(
      ({ contracts }) => contracts?.find(this.#contract)?.state.settling.agreed.engine === 2,
    )
    if (isUpgraded && machine.engines !== both) this.#count('started without the engine')
    this.#trace(`${machine.address} starts`)
    const started = machine.start()
    started.catch((error) => this.#violations.push(error))
    await settleMicrotasks()
    await this.#pass(10)
    await started.catch(() => {})
    const ledger = await machine.disk.ledgerOf(this.#contract)
    if (this.#isHonest(machine)) this.#guard(() => this.#oracle.loaded(machine, ledger))
  }

  async #pass(ms: number): Promise<void> {
    await this.#clock.runUntil(this.#clock.now() + ms)
    await settleMicrotasks()
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1
  }

  #strangers(machine: Machine) {
    const cards = this.#machines.map(({ card }) => card)
    if (this.#hostile !== undefined) cards.push(this.#hostile.card)
    return cards.filter(({ handle }) => handle !== machine.handle)
  }

  #everyone(): Machine[] {
    return this.#twin === undefined ? this.#machines : [...this.#machines, this.#twin]
  }

  /** The machines of a twinned member are not asked for anything: it may believe what it likes. */
  #isHonest(machine: Machine): boolean {
    return this.#twin === undefined || machine.handle !== ('ben' as Handle)
  }

  #statements(): number {
    const counts = this.#machines.map((machine) => {
      const feeds = machine.contracts?.find(this.#contract)?.state.feeds
      const frontier = machine.contracts?.resting(this.#contract)?.frontier ?? {}
      if (feeds === undefined) return placesOf(frontier).reduce((sum, [, { seq }]) => sum + seq + 1, 0)
      return feeds.reduce((sum, feed) => sum + feed.size, 0)
    })
    return Math.max(...counts)
  }

  /** How everybody stands, into the trace. */
  async describe(): Promise<void> {
    for (const machine of this.#everyone()) {
      const live = await machine.author(this.#contract).catch(() => undefined)
      if (live === undefined) continue
      const { state, obstacle, unheard } = live
      const frontier = [...state.feeds].map(([handle, feed]) => `${handle} ${feed.size - 1}`).join(', ')
      const { settled, divergences } = state.settling
      this.#trace(
        `${machine.address}: holds ${frontier}; acknowledged ${state.ledger.log.size}, settled ${settled}, open ` +
          `${state.ledger.open.map(({ statement }) => `${statement.party} ${statement.seq}`).join(', ')}; ` +
          `lacking ${lackingIn(state).map(({ statement }) => `${statement.party} ${statement.seq}`)}; ` +
          `obstacle ${obstacle ?? 'none'} ${unheard.join(' ')}; diverges from ${divergences.map(({ party }) => party)}; ` +
          `waiting ${this.#machines.flatMap(({ handle }) => live.waitingOf(handle).map(({ statement: s }) => `${s.party} ${s.seq} sees ${JSON.stringify(Object.entries(s.seen).map(([h, p]) => `${h} ${p.seq}`))}`)).join(', ')}; ` +
          `evidence against ${live.evidence.map(({ party }) => party)}`,
      )
    }
  }

  report(): Report {
    const engines = this.#machines.map(
      (machine) => machine.contracts?.find(this.#contract)?.state.settling.agreed.engine,
    )
    if (engines.includes(2)) this.#count('upgraded')
    return {
      seed: this.#seed,
      parties: this.#machines.length + (this.#hostile === undefined ? 0 : 1),
      sins: this.#twin === undefined ? [...(this.#hostile?.sins ?? [])] : ['twin'],
      entries: this.#oracle.size,
      statements: this.#statements(),
      calls: this.#network.calls,
      counts: {
        ...this.#counts,
        requests: this.#requests,
        rested: this.#machines.reduce((sum, m) => sum + m.rested, 0),
      },
    }
  }
}
