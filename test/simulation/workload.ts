import { find, initialState, invitationOf, memberOf } from '../../src/aggregates/contract/state.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { piecesOf } from '../../src/merkle/content-tree.ts'
import { both } from '../support/engine-2.ts'
import { attachmentFields, attachmentWork } from './attachment-work.ts'
import { audienceWork, type Kept } from './audience-work.ts'
import { erasureWork } from './erasure-work.ts'
import type { Faults } from './faults.ts'
import type { Machine } from './machine.ts'
import { Violation } from './oracle.ts'
import { changeSetWork, type Places, ruleWork } from './rule-work.ts'
import type { Run } from './run.ts'
import { type Command, SAID, Submissions, type SubmitOptions } from './submissions.ts'
import { type Begun, modelBlock, templateWork } from './template-work.ts'

/** Begins the names of fields that change sets add. */
export const ENDORSED = 'endorsed'

/** Of the list that all contracts have. */
const ENTRIES_MAX = 6

/** What people and operators do. */
export class Workload {
  readonly #run: Run
  readonly #faults: Faults
  readonly #submissions: Submissions
  readonly #locks = new Map<Machine, number>()
  readonly #confided: Kept = new Map()
  readonly #begun: Begun = new Map()
  /** Those that were invited when something had been imported already, and are not members yet. */
  readonly #askedBehindImport = new Set<Machine>()

  constructor(run: Run, faults: Faults) {
    this.#run = run
    this.#faults = faults
    this.#submissions = new Submissions(run)
  }

  /** The first machine opens the contract, and invites the others. */
  async begin(): Promise<void> {
    const run = this.#run
    const [founder] = run.machines as [Machine, ...Machine[]]
    const opening = founder.contracts?.openContract('simulated')
    await run.pass(2_000)
    const opened = await opening
    if (opened === undefined) throw new Violation('no contract was opened')
    run.contract = opened.contract.contract
    await opened.opened
    for (let n = 0; n < run.options.fields; n++) {
      await this.submit(founder, { type: 'AddField', parent: '0', name: `field ${n}`, field: { type: 'text' } })
    }
    const list = `0.${run.options.fields}`
    const key = { name: 'Key', field: { type: 'text' } }
    await this.submit(founder, {
      type: 'AddList',
      parent: '0',
      name: 'list',
      entry: 'block',
      entriesMax: ENTRIES_MAX,
      key,
    })
    await this.submit(founder, { type: 'AddField', parent: `${list}.0`, name: 'field', field: { type: 'text' } })
    if (run.options.rules > 0) {
      await this.submit(founder, { type: 'AddField', parent: '0', name: 'computed', field: { type: 'text' } })
    }
    if (run.options.audiences > 0) {
      await this.submit(founder, { type: 'AddBlock', parent: '0', name: 'confidential', owner: founder.handle })
      await this.submit(founder, { type: 'AddField', parent: this.#block, name: 'secret', field: { type: 'text' } })
    }
    if (run.options.attachments > 0) {
      const [last, inBlock] = attachmentFields(run)
      const file = { type: 'AddField', name: 'file', field: { type: 'attachment' } }
      if (inBlock !== undefined) await this.submit(founder, { ...file, parent: this.#block })
      if (last !== undefined) await this.submit(founder, { ...file, parent: '0' })
    }
    if (run.options.templates > 0) {
      const model = modelBlock(run)
      await this.submit(founder, { type: 'AddBlock', parent: '0', name: 'model', owner: null })
      await this.submit(founder, { type: 'AddField', parent: model, name: 'sum', field: { type: 'text' } })
    }
    for (const card of run.strangersTo(founder)) {
      if (this.#randomOf(founder).chance(0.7)) await this.submit(founder, { type: 'InviteParty', party: card })
    }
  }

  /** One round at one machine that is up. */
  async use(machine: Machine): Promise<void> {
    const { options, contract } = this.#run
    const { contracts } = machine
    const random = this.#randomOf(machine)
    if (contracts === undefined) return
    // Where nobody looks at it a contract comes to rest.
    if (options.passive && contracts.find(contract) === undefined && random.chance(0.6)) return
    const live = await machine.live(contract)
    if (live === undefined) return
    if (memberOf(live.state.ledger.document, machine.handle) === undefined) {
      if ([undefined, 'overtaken'].includes(contracts.replyTo(contract))) {
        if (live.state.ledger.document.templates.uses.length > 0) this.#askedBehindImport.add(machine)
        const reply = random.chance(0.05) ? contracts.decline(contract) : contracts.accept(contract)
        reply.then(
          () => machine.gossip?.carry(contract),
          () => {},
        )
      }
      return
    }
    await this.#useContract(machine, live)
  }

  async #useContract(machine: Machine, live: LiveContract): Promise<void> {
    const run = this.#run
    const { options } = run
    const random = this.#randomOf(machine)
    const field = `0.${random.below(options.fields)}`
    if (options.upgrades && run.sources.of('versions').chance(0.4)) await this.#upgrade(machine, live)
    if (random.chance(options.writes)) await this.write(machine, field)
    if (random.chance(options.entries)) await this.#changeList(machine)
    if (options.rules > 0 && run.sources.of('rules', machine.address).chance(options.rules)) {
      await this.#useRules(machine, live)
    }
    if (options.audiences > 0 && run.sources.of('audiences', machine.address).chance(options.audiences)) {
      await this.#confide(machine, live)
    }
    if (options.erasures > 0 && run.sources.of('erasures', machine.address).chance(options.erasures)) {
      await this.#erase(machine, live, field as ElementId)
    }
    if (options.attachments > 0 && run.sources.of('attachments', machine.address).chance(options.attachments)) {
      await this.#attach(machine, live)
    }
    if (options.templates > 0 && run.sources.of('templates', machine.address).chance(options.templates)) {
      await this.#useTemplates(machine, live)
    }
    if (random.chance(0.04))
      await this.submit(machine, { type: 'RenameElement', element: field, name: `n ${run.requests}` })
    if (random.chance(0.03)) await this.submit(machine, { type: 'GrantElement', element: field, to: null })
    if (random.chance(0.03)) {
      await this.submit(machine, { type: 'WithdrawProposal', field, proposal: `${machine.handle}.1.0.0` })
    }
    if (random.chance(options.invitations)) await this.#invite(machine, live)
    if (random.chance(options.locks)) await this.#lock(machine, live)
    if (random.chance(options.withdrawals)) this.#takeBack(machine, live)
    if (random.chance(options.rotations)) {
      run.count('rotations')
      await machine.rotate(run.contract)
    }
    if (random.chance(options.revocations) && run.twin === undefined) {
      run.count('revocations')
      await machine.revoke(run.contract)
    }
    if (machine !== run.machines[0] && random.chance(options.resignations))
      await this.submit(machine, { type: 'Resign' })
  }

  /** After everything has healed locks are let go of, and whose feed cannot go on under its key goes on under another. */
  async tidyUp(machine: Machine, step: number): Promise<void> {
    const run = this.#run
    const { lock: standing } = run.held(machine)?.state.settling.agreed ?? {}
    // Nothing stands in the way of what is at rest.
    if (run.options.passive && step % 15 !== 0 && standing === null) return
    const live = await machine.author(run.contract)
    if (live === undefined) return
    if (run.options.upgrades && step === 20) await this.#upgrade(machine, live)
    const { lock } = live.state.settling.agreed
    if (lock?.holder === machine.handle && this.#locks.get(machine) !== lock.index) {
      this.#locks.set(machine, lock.index)
      await this.submit(machine, { type: 'ReleaseLock' })
    }
    if (step === 15 && live.obstacle === 'nobody_to_ask') live.goOnRegardless()
    // Without a guard it may be that of two statements the others hold the second only: the first is lost for good.
    const isLost = live.obstacle === 'statement_lost'
    if (
      step === 15 &&
      (live.obstacle === 'store_set_back' || isLost) &&
      invitationOf(live.state.ledger.document, machine.handle) === undefined
    ) {
      run.count('revoked to go on')
      await machine.revoke(run.contract)
    }
  }

  /** Votes for engine 2, if it has that, and it does not judge yet. */
  async #upgrade(machine: Machine, { state }: LiveContract): Promise<void> {
    if (machine.engines !== both || state.ledger.document.engine === 2) return
    await this.submit(machine, { type: 'UpgradeEngine', to: 2 })
  }

  /** Entries come and go, values in them, and what all of them have: whatever of it is not there is void. */
  async #useRules(machine: Machine, { state }: LiveContract): Promise<void> {
    const { fields } = this.#run.options
    const places = { first: '0.0', second: '0.1', entry: `0.${fields}.0.1`, computed: `0.${fields + 1}` }
    const random = this.#run.sources.of('rules', machine.address)
    const command = ruleWork(state.settling.agreed, machine.handle, places as Places, random)
    if (command !== undefined) {
      this.#run.count(`rules: ${command.type}`)
      await this.submit(machine, command)
    }
    await this.#useChangeSets(machine, state)
  }

  /** Endorsements wait, are voted on, and are taken back, as long as rules ask for votes and when they do not any more. */
  async #useChangeSets(machine: Machine, { settling: { agreed } }: LiveContract['state']): Promise<void> {
    const run = this.#run
    const random = run.sources.of('rules', machine.address)
    const word = changeSetWork(agreed, machine.handle, random)
    if (word !== undefined) {
      run.count(`change sets: ${word.type}`)
      await this.submit(machine, word)
    } else if (random.chance(agreed.phase === 'live' ? 0.4 : 0.03)) await this.endorse(machine, '0.1', random)
  }

  /** A change set: a new field with a value, and a value for one that stands. */
  async endorse(machine: Machine, field: string, random = this.#randomOf(machine)): Promise<void> {
    const run = this.#run
    const agreed = find(
      (await machine.live(run.contract))?.state.settling.agreed ?? initialState(run.contract),
      field as ElementId,
    )
    const basis = agreed?.kind === 'field' ? standingAt(agreed).map(({ id }) => id) : []
    const [first, second] = [0, 1].map((n) => seal(`${machine.handle} ${run.requests} ${n}`, random.bytes(16)))
    if (first === undefined || second === undefined) return
    run.count('change sets: proposed')
    const name = `${ENDORSED} ${machine.handle} ${run.requests}`
    await this.submit(
      machine,
      { type: 'AddField', parent: '0', name, field: { type: 'text' } },
      {
        asOneWith: [
          { type: 'ProposeValue', field: '#0', seal: first.seal, basis: [] },
          { type: 'ProposeValue', field, seal: second.seal, basis },
        ],
        payloads: { [first.seal]: first.payload, [second.seal]: second.payload },
      },
    )
  }

  /** Of the confidential block, which the founder adds behind the others. */
  get #block(): ElementId {
    const { fields, rules } = this.#run.options
    return `0.${fields + 1 + Number(rules > 0)}` as ElementId
  }

  async #confide(machine: Machine, { state }: LiveContract): Promise<void> {
    const random = this.#run.sources.of('audiences', machine.address)
    const work = audienceWork(state.settling.agreed, machine.handle, this.#block, random, this.#confided)
    if (work === undefined) return
    const { command, payloads } = work
    const isConfidential = 'audience' in command
    this.#run.count(`audiences: ${command.type}${isConfidential ? ' for some' : ''}`)
    await this.submit(machine, command, { payloads, ...(random.chance(0.5) ? { tentative: true } : {}) })
  }

  /** Now and then a member names a file that it does not have. */
  async #attach(machine: Machine, { contents, state }: LiveContract): Promise<void> {
    const run = this.#run
    const random = run.sources.of('attachments', machine.address)
    const place = random.pick(attachmentFields(run))
    const isHonest = (handle: Handle) => run.machines.some((one) => one.handle === handle && run.isHonest(one))
    const work = attachmentWork(state.settling.agreed, machine.handle, place, random, isHonest)
    const isLeftOut = random.chance(0.15)
    if (work === undefined) return
    const { bytes, command, content, isJudged, payloads } = work
    const isBrought = !(isLeftOut && isJudged)
    run.count(isBrought ? 'files put' : 'files named and not brought')
    const asks = () => this.submit(machine, command, { payloads })
    if (!isBrought) {
      run.filesNotBrought.add(content.name)
      return asks()
    }
    // The machine may go down, or its disk, while the file comes: then nobody asks for anything.
    contents.keep(content, piecesOf(bytes)).then(asks, () => {})
  }

  /** Now and then it writes into what was imported, or votes that it is erased there. */
  async #useTemplates(machine: Machine, { state }: LiveContract): Promise<void> {
    const run = this.#run
    const random = run.sources.of('templates', machine.address)
    if (this.#askedBehindImport.delete(machine)) run.count('members that came behind an import')
    const use = state.ledger.document.templates.uses.at(-1)
    if (use !== undefined && random.chance(0.25)) {
      const field = `${use.element}.0` as ElementId
      const erased = run.options.erasures > 0 && random.chance(0.5)
      const command = erased ? erasureWork(state.settling.agreed, machine.handle, field, random) : undefined
      if (command !== undefined) await this.submit(machine, command)
      else await this.write(machine, field)
      return
    }
    const command = templateWork(state, machine.handle, modelBlock(run), random, this.#begun)
    if (command === undefined) return
    run.count(`templates: ${command.type}`)
    await this.submit(machine, command)
  }

  async #erase(machine: Machine, { state }: LiveContract, field: ElementId): Promise<void> {
    const random = this.#run.sources.of('erasures', machine.address)
    const command = erasureWork(state.settling.agreed, machine.handle, field, random)
    if (command !== undefined) await this.submit(machine, command)
  }

  async #changeList(machine: Machine): Promise<void> {
    const random = this.#run.sources.of('entries', machine.address)
    const list = `0.${this.#run.options.fields}`
    const entry = `${list}.${1 + random.below(ENTRIES_MAX)}`
    const draw = random.below(10)
    if (draw < 4) await this.submit(machine, { type: 'AddEntry', list })
    else if (draw < 5) await this.submit(machine, { type: 'RemoveElement', element: entry })
    else if (draw < 6) {
      const field = { type: 'AddField', parent: `${list}.0`, name: `f ${this.#run.requests}`, field: { type: 'text' } }
      await this.submit(machine, field)
    } else if (draw < 7) {
      const constraint = { lengthMax: 1 + random.below(4) }
      await this.submit(machine, { type: 'DefineType', name: 'short', base: 'text', constraint })
    } else await this.write(machine, `${entry}.${random.below(3)}`)
  }

  /** A value, now and then tentative, exclusive, or with a time of its own. */
  async write(machine: Machine, field: string): Promise<void> {
    const random = this.#randomOf(machine)
    const { payload, seal: sealed } = seal(`${machine.handle} ${this.#run.requests}`, random.bytes(16))
    const exclusive = random.chance(0.5) ? { exclusive: true } : {}
    const command = { type: 'ProposeValue', field, seal: sealed, basis: [], ...exclusive }
    const kind = random.below(3)
    const timeout = kind === 0 ? { timeoutMs: 50 + random.below(1_500) } : {}
    await this.submit(machine, command, {
      payloads: { [sealed]: payload },
      ...(kind < 2 ? { tentative: true } : {}),
      ...timeout,
    })
  }

  async #invite(machine: Machine, { state }: LiveContract): Promise<void> {
    const { document } = state.ledger
    const [invited] = document.parties.invitations
    if (invited?.by === machine.handle && this.#randomOf(machine).chance(0.1)) {
      await this.submit(machine, { type: 'WithdrawInvitation', party: invited.party.handle })
    }
    const strangers = this.#run.strangersTo(machine)
    const [stranger] = strangers.filter(({ handle }) => state.ledger.cards.get(handle) === undefined)
    if (stranger !== undefined) await this.submit(machine, { type: 'InviteParty', party: stranger })
  }

  async #lock(machine: Machine, { state }: LiveContract): Promise<void> {
    const { lock } = state.settling.agreed
    if (lock === null) {
      const isPatient = this.#randomOf(machine).chance(0.5)
      await this.submit(machine, { type: 'LockRecord', purpose: 'review' }, isPatient ? { retry: true } : {})
    } else if (lock.holder === machine.handle) await this.submit(machine, { type: 'ReleaseLock' })
    else await this.submit(machine, { type: 'BreakLock', lock: lock.index })
  }

  #takeBack(machine: Machine, live: LiveContract): void {
    const random = this.#randomOf(machine)
    const words = this.#run.sources.of('words', machine.address)
    for (const [key, handle] of live.state.undecided) {
      if (handle !== machine.handle || !random.chance(0.5)) continue
      const [, seq, index] = key.split('.')
      this.#run.count('taken back')
      const about = words.chance(0.5) ? { text: `${SAID} changed my mind` } : undefined
      live.withdraw({ handle, seq: Number(seq), index: Number(index) }, about).catch(() => {})
      this.#faults.crashSoon(machine)
    }
  }

  submit(machine: Machine, command: Command, options: SubmitOptions = {}): Promise<void> {
    return this.#submissions.submit(machine, command, options)
  }

  #randomOf(machine: Machine) {
    return this.#run.sources.of('workload', machine.address)
  }
}
