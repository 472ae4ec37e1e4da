import { invitationOf, memberOf } from '../../src/aggregates/contract/state.ts'
import { entriesWanted, lackingIn, missingBehind } from '../../src/agreement/completing.ts'
import { draft, noWishes, statementDue, type Wishes } from '../../src/agreement/draft.ts'
import { frontierOf } from '../../src/agreement/feeds.ts'
import { canHold, holdDue } from '../../src/agreement/keys/key-rules.ts'
import { receive, receivePayloads } from '../../src/agreement/receive.ts'
import { receiveEntries } from '../../src/agreement/receive-entries.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { WantedEntries } from '../../src/agreement/values/known-entries.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { PAYLOAD_WAIT_MS } from '../../src/contracts/approvals/value-waits.ts'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { acceptanceBytes } from '../../src/events/parties/acceptance.ts'
import type { SignedRevocation } from '../../src/events/parties/key-change.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { seal } from '../../src/events/seal.ts'
import type { Frontier } from '../../src/events/statement.ts'
import { encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { linesFor, newsFor, vectorOf } from '../../src/gossip/exchange.ts'
import {
  type Announcement,
  byStatement,
  decodeMessage,
  encodeMessage,
  encodePayloads,
  MESSAGE_CHARACTERS_SOFT_MAX,
  type Wanted,
} from '../../src/gossip/message.ts'
import { FalseEntries } from './false-entries.ts'
import { ForgedStatements } from './forged-statements.ts'
import { othersSecrets, withItsValues } from './hostile-values.ts'
import { refusalsForWant } from './lost-values.ts'
import type { Neighbour, World } from './machine.ts'
import type { SeededRandom } from './seeded-random.ts'
import { Sinner } from './sinner.ts'
import type { Sin } from './sins.ts'
import { ToldLies } from './told-lies.ts'

/**
 * A member that signs what it likes, and sends what it likes. It has the pure code to say what is due, so that it stays in
 * the game, and forges what that makes: each statement as its sins have it.
 */
export class HostileMember implements Neighbour {
  readonly handle: Handle
  readonly address: string
  readonly card: PartyCard
  readonly sins: ReadonlySet<Sin>
  readonly #self: Sinner
  readonly #world: World
  readonly #random: SeededRandom
  readonly #fields: number
  readonly #forged: ForgedStatements
  #neighbours: readonly Neighbour[] = []
  #handles: readonly Handle[] = []
  #contract: Uid | undefined
  #state: AgreementState | undefined
  #waiting: readonly SignedStatement[] = []
  /** Second statements, for those who are misled: by the handle of the neighbour. */
  readonly #others = new Map<Handle, SignedStatement[]>()
  readonly #sent: string[] = []
  readonly #frontiers = new Map<Handle, Frontier>()
  readonly #wanted = new Map<Handle, readonly Wanted[]>()
  readonly #lacked = new Map<Handle, WantedEntries>()
  readonly entries: FalseEntries
  readonly lies: ToldLies
  /** When it first had something to say that waits for values; undefined: nothing does. */
  #lacksSince: number | undefined
  /** What came that statements name, by group and seal. */
  readonly given = new Set<string>()
  #revocation: SignedRevocation | undefined

  constructor(world: World, handle: string, sins: readonly Sin[], fields: number) {
    this.#world = world
    this.#fields = fields
    this.#random = world.sources.of('hostile')
    this.#self = new Sinner(handle, sins, this.#random)
    this.handle = this.#self.handle
    this.address = handle
    this.card = this.#self.card
    this.sins = this.#self.sins
    this.#forged = new ForgedStatements(this.#self)
    this.entries = new FalseEntries(world.sources.of('hostile', 'entries'))
    this.lies = new ToldLies(this.#self, world.sources.of('hostile', 'lies'))
    world.network.attach(handle, async (from, body) => this.#answer(from, body))
  }

  /** From now on it does what it should. */
  comesToItsSenses(): void {
    this.#self.isTame = true
  }

  knows(neighbours: readonly Neighbour[]): void {
    this.#neighbours = neighbours
    this.#handles = neighbours.map((neighbour) => neighbour.handle)
  }

  /** Says something, to somebody. */
  act(): void {
    const random = this.#random
    const { network } = this.#world
    const state = this.#state
    if (state === undefined || this.#contract === undefined) return
    this.#speak()
    for (const peer of this.#neighbours) {
      if (!random.chance(this.#self.isTame ? 1 : 0.5)) continue
      if (this.#self.commits('garbage') && random.chance(0.2)) {
        network.call(this.address, peer.address, this.#garbage()).catch(() => {})
        continue
      }
      if (this.#self.commits('replay') && random.chance(0.3) && this.#sent.length > 0) {
        network.call(this.address, peer.address, random.pick(this.#sent)).catch(() => {})
        continue
      }
      const body = this.#message(peer)
      if (this.#sent.length < 50) this.#sent.push(body)
      network.call(this.address, peer.address, body).then(
        (answer) => this.#take(peer, answer),
        () => {},
      )
    }
  }

  async #answer(from: string, body: string): Promise<string> {
    const peer = this.#neighbours.find(({ address }) => address === from)
    if (peer === undefined) return new Promise<never>(() => {})
    this.#take(peer, body)
    this.#speak()
    if (this.#self.commits('withhold') && this.#random.chance(0.5)) return new Promise<never>(() => {})
    if (this.#state === undefined) return encodeMessage(new Map(), [], [])
    return this.#message(peer)
  }

  #take(peer: Neighbour, body: string): void {
    let message: ReturnType<typeof decodeMessage>
    try {
      message = decodeMessage(body)
    } catch {
      return
    }
    const first = message.statements.find(({ statement }) => statement.seq === 0 && statement.clock === 1)
    if (this.#contract === undefined && first !== undefined) {
      this.#contract = first.statement.contract
      this.#state = emptyAgreement(this.#contract)
    }
    if (this.#state === undefined || this.#contract === undefined) return
    for (const { statement, payloads } of message.statements) this.#given(statement, payloads)
    for (const line of message.payloads) this.#given(line, line.payloads)
    const heard = receive(this.#state, [...this.#waiting, ...message.statements])
    const whole = receivePayloads(heard, message.payloads)
    // What is erased it is given in no other way, and else it would never answer anything again.
    const reception = receiveEntries(
      whole,
      message.entries.map(({ known }) => known),
    )
    this.#state = reception.state
    this.#waiting = reception.waiting
    this.entries.keep(reception.settled)
    for (const word of message.words) if ('revocation' in word) this.#revocation = word
    this.#frontiers.set(peer.handle, message.frontiers.get(this.#contract) ?? {})
    this.#wanted.set(peer.handle, message.wants.get(this.#contract) ?? [])
    const lacked = message.lacks.get(this.#contract)
    if (lacked === undefined) this.#lacked.delete(peer.handle)
    else this.#lacked.set(peer.handle, lacked)
  }

  /** What is due, and now and then a request; as its sins have it. */
  #speak(): void {
    const state = this.#state
    if (state === undefined || invitationOf(state.ledger.document, this.handle) === undefined) {
      if (state === undefined || memberOf(state.ledger.document, this.handle) === undefined) return
    }
    const random = this.#random
    const wishes = this.#wishes(state)
    if (statementDue(state, this.handle) === undefined && wishes.requests.length === 0 && wishes.key === undefined)
      return
    let honest = this.#honestly(state, wishes)
    // It lacks values that it acknowledges: what it says waits for them, at itself too.
    if (receive(state, [honest]).waiting.length > 0) {
      const now = this.#world.clock.now()
      this.#lacksSince ??= now
      if (!this.#self.isTame || now - this.#lacksSince < PAYLOAD_WAIT_MS) return
      honest = this.#honestly(state, { ...wishes, refusals: refusalsForWant(state, this.handle) })
      if (receive(state, [honest]).waiting.length > 0) return
    }
    this.#lacksSince = undefined
    const main = this.#forged.inPlaceOf(honest, this.#handles[0] ?? this.handle)
    if (this.#self.commits('malformed statements') && main === honest) this.lies.falsify(honest, this.#handles)
    if (this.#self.commits('equivocate') && random.chance(0.1)) this.#mislead(this.#forged.forkOf(honest))
    const taken = receive(state, [main])
    // What it forged may be invalid even to itself: then it goes out all the same, and the feed goes on without it.
    if (taken.taken.length > 0) this.#state = taken.state
    else this.#mislead(main)
  }

  #honestly(state: AgreementState, wishes: Wishes): VerifiedStatement {
    const made = draft(state, this.handle, wishes, '2026-01-01T00:00:00.000Z')
    return made.sign(this.#self.sign(made.bytesToSign)).held
  }

  #wishes(state: AgreementState): Wishes {
    const random = this.#random
    // It says what it holds of a feed whose key is revoked: who does not holds everything up.
    const told = this.#revocation
    const hold = holdDue(state, this.handle) ?? (told && canHold(state, this.handle, told) ? told : undefined)
    if (hold !== undefined) return { ...noWishes, key: { hold } }
    const erases = this.#erasure(state)
    if (erases !== undefined) return { ...noWishes, requests: [erases] }
    if (this.#self.commits('malformed requests') && memberOf(state.ledger.document, this.handle) !== undefined)
      return this.lies.wishes(state)
    if (this.#self.isTame || memberOf(state.ledger.document, this.handle) === undefined || !random.chance(0.2))
      return noWishes
    const id = this.#self.nextId()
    const { payload, seal: sealed } = seal(id, random.bytes(16))
    const confided = this.#confided(state)
    const { field, ...audience } = confided ?? { field: `0.${random.below(this.#fields)}` }
    const request = {
      id,
      commands: [{ type: 'ProposeValue', field, seal: sealed, basis: [], ...audience }],
      ...(this.#self.commits('never decide') ? { tentative: true as const } : {}),
    }
    return { ...noWishes, requests: [request], payloads: { [sealed]: payload } }
  }

  /** Who lies about what is erased has it erased, and asks for that once: in a contract that has stopped it is never judged. */
  #erasure({ ledger: { document, open: unsettled } }: AgreementState): Wishes['requests'][number] | undefined {
    if (!this.sins.has('false entries') || memberOf(document, this.handle) === undefined) return undefined
    const open = document.erasures.open.find(({ votes }) => !votes.includes(this.handle))
    if (open === undefined || !this.#world.sources.of('hostile', 'entries').chance(0.5)) return undefined
    const command = { seals: open.seals, type: 'EraseValues' }
    const isAsked = unsettled.some(({ statement }) => {
      return statement.party === this.handle && JSON.stringify(statement.requests).includes(canonicalJson(command))
    })
    if (isAsked) return undefined
    return { commands: [command], id: this.#self.nextId() }
  }

  /** Now and then it confides, and sends it to everybody all the same. */
  #confided({ ledger: { document } }: AgreementState): { field: string; audience: Handle[] } | undefined {
    const [set] = document.audiences
    if (set === undefined || !this.#world.sources.of('hostile', 'confides').chance(0.5)) return undefined
    return { field: `${set.element}.0`, audience: [...set.parties] }
  }

  /** Some get this one, and some the other of the same place. */
  #mislead(other: SignedStatement): void {
    for (const { handle } of this.#neighbours) {
      if (!this.#random.chance(0.5)) continue
      this.#others.set(handle, [...(this.#others.get(handle) ?? []), other])
    }
  }

  #message(peer: Neighbour): string {
    const state = this.#state as AgreementState
    const contract = this.#contract as Uid
    const lines = this.#linesTo(peer, state)
    const frontier = frontierOf(state.feeds)
    const isFalse = this.#self.commits('false frontier') && this.#random.chance(0.3)
    const told = isFalse ? this.#falseFrontier(frontier) : frontier
    const entries = entriesWanted(state)
    const wants = this.#wants(state)
    const asides = {
      lacks: new Map(entries === undefined ? [] : [[contract, entries]]),
      wants: new Map(wants.length === 0 ? [] : [[contract, wants]]),
      waits: new Map(),
    }
    return encodeMessage(new Map([[contract, told]]), lines, this.#acceptance(state), asides)
  }

  /** What this one has not, and what it is misled with. */
  #linesTo(peer: Neighbour, state: AgreementState): string[] {
    const random = this.#random
    const past = vectorOf(this.#frontiers.get(peer.handle) ?? {})
    let { lines } = linesFor(newsFor(state, peer.handle, past), past, MESSAGE_CHARACTERS_SOFT_MAX)
    if (this.#self.commits('withhold')) lines = lines.filter(() => random.chance(0.7))
    lines = lines.map((line) => withItsValues(this.#self, line))
    const lacked = this.#lacked.get(peer.handle)
    if (this.sins.has('false entries')) lines.push(...this.entries.linesFor(state.contract, lacked))
    if (!this.#self.commits('withhold values')) lines.push(...this.#asked(peer, state))
    const misleading = this.#others.get(peer.handle) ?? []
    const forks = misleading.map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
    if (this.#self.commits('late fork') && random.chance(0.05)) forks.push(...this.#forged.lateFork(state))
    if (this.#self.commits('squat') && random.chance(0.3)) lines = [this.#forged.genesis(state.contract), ...lines]
    if (this.#self.commits('flood ahead')) lines = [...this.#forged.ahead(state, this.#handles), ...lines]
    const malformed = this.lies.takeLines(peer.handle)
    if (!this.#self.isTame && malformed.length > 0)
      lines = random.chance(0.5) ? [...lines, ...malformed] : [...malformed, ...lines]
    if (this.#self.commits('open unasked') && random.chance(0.3)) lines = [this.#forged.unasked(), ...lines]
    return [...forks, ...lines]
  }

  /** What it lacks, and what it should not have. */
  #wants(state: AgreementState): Wanted[] {
    const open = lackingIn(state).map(({ lacks, statement: { party, seq } }) => ({ party, seals: lacks, seq }))
    const lacking = [
      ...open,
      ...missingBehind(state).filter((one) => !open.some((of) => of.party === one.party && of.seq === one.seq)),
    ]
    if (this.#self.isTame) return lacking.sort(byStatement)
    const places = new Set(lacking.map(({ party, seq }) => `${party}.${seq}`))
    const secrets = othersSecrets(state).filter(({ party, seq }) => !places.has(`${party}.${seq}`))
    return [...lacking, ...secrets].sort(byStatement)
  }

  #asked(peer: Neighbour, { contract, feeds }: AgreementState): string[] {
    return (this.#wanted.get(peer.handle) ?? []).flatMap(({ party, seq, seals }) => {
      const payloads = feeds.get(party)?.get(seq)?.payloads ?? {}
      const held = seals.filter((of) => payloads[of] !== undefined)
      const texts = new Map(held.map((of) => [of, canonicalJson(payloads[of])]))
      return texts.size === 0 ? [] : [encodePayloads({ contract, party, seq }, texts)]
    })
  }

  #falseFrontier(frontier: Frontier): Frontier {
    const shifted = Object.entries(frontier).map(([handle, place]) => {
      const seq = Math.max(0, place.seq + this.#random.below(7) - 3)
      return [handle, { ...place, seq }]
    })
    return Object.fromEntries(shifted)
  }

  #given({ party, seq }: { readonly party: Handle; readonly seq: number }, payloads: object): void {
    for (const seal of Object.keys(payloads)) this.given.add(`${party}.${seq} ${seal}`)
  }

  #acceptance(state: AgreementState): Announcement[] {
    const invitation = invitationOf(state.settling.agreed, this.handle)
    if (invitation === undefined) return []
    const head = settledHead(state)
    const { contract, settling } = state
    const { charter } = settling.agreed
    const lastIndex = head.size + 1000
    const keys = this.card.keys
    const acceptance = { contract, invitation: invitation.index, handle: this.handle, keys, charter, head, lastIndex }
    return [{ acceptance, signature: this.#self.sign(acceptanceBytes(acceptance)) }]
  }

  #garbage(): string {
    const random = this.#random
    const pieces = ['', '{}', '{"contracts":{},"v":1}', '\n\n', '{"contracts":{"x":{}},"v":1}', this.#sent[0] ?? '']
    const text = random.pick(pieces) + random.pick(pieces)
    const at = random.below(text.length + 1)
    return `${text.slice(0, at)}${String.fromCharCode(random.below(256))}${text.slice(at + random.below(3))}`
  }
}
