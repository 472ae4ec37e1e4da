import { invitationOf, memberOf } from '../../src/aggregates/contract/state.ts'
import { entriesWanted, lackingIn, missingBehind } from '../../src/agreement/completing.ts'
import { draft, noWishes, statementDue, type Wishes } from '../../src/agreement/draft.ts'
import { frontierOf, newestOf } from '../../src/agreement/feeds.ts'
import { canHold, holdDue } from '../../src/agreement/keys/key-rules.ts'
import { receive, receivePayloads } from '../../src/agreement/receive.ts'
import { receiveEntries } from '../../src/agreement/receive-entries.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { WantedEntries } from '../../src/agreement/values/known-entries.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { PAYLOAD_WAIT_MS } from '../../src/contracts/approvals/value-waits.ts'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import { type Handle, requestKey, type Uid } from '../../src/events/ids.ts'
import { defaultLimits } from '../../src/events/limits.ts'
import { acceptanceBytes } from '../../src/events/parties/acceptance.ts'
import type { SignedRevocation } from '../../src/events/parties/key-change.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { recipientsIn } from '../../src/events/recipients.ts'
import { payloadsInOrder, seal } from '../../src/events/seal.ts'
import type { Frontier } from '../../src/events/statement.ts'
import { bytesToSign, decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { linesFor, newsFor, vectorOf } from '../../src/gossip/exchange.ts'
import {
  byStatement,
  decodeMessage,
  encodeMessage,
  encodePayloads,
  MESSAGE_CHARACTERS_SOFT_MAX,
  type Wanted,
  type Word,
} from '../../src/gossip/message.ts'
import { foundedBy } from '../support/uid.ts'
import { FalseEntries } from './false-entries.ts'
import { refusalsForWant, withOtherValues, withoutPayloads } from './lost-values.ts'
import { type KeyMaterial, keyFrom, type Neighbour, type World } from './machine.ts'
import { falseLines, type Lie, malformedCommands } from './malformed.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What a hostile member does beside what it should. */
export const SINS = [
  'equivocate',
  'withhold',
  'replay',
  'lie in seen',
  'wrong head',
  'impossible head',
  'wrong refusals',
  'late fork',
  'never decide',
  'garbage',
  'false frontier',
  'squat',
  'open unasked',
  'flood ahead',
  'lie once',
] as const
/** What it does with the values of its own requests, in runs in which values get lost. */
export const VALUE_SINS = ['withhold values', 'late values', 'false values'] as const
/** What it says that has not the form of anything, or asks for that comes to nothing. */
export const LIES = ['malformed statements', 'malformed requests'] as const
/** What it gives in place of erased values, in runs in which values are erased. */
export const ENTRY_SINS = ['false entries'] as const
export type Sin =
  | (typeof SINS)[number]
  | (typeof VALUE_SINS)[number]
  | (typeof LIES)[number]
  | (typeof ENTRY_SINS)[number]

/** In one statement, and in all: who has other sins as well leaves the run some room for these. */
const manyLies = { atOnce: 24, most: Number.POSITIVE_INFINITY }
const fewLies = { atOnce: 3, most: 24 }
const MALFORMED_A_MESSAGE = 3

/** After these the contract cannot go on without a continuation: unanimity is not to be had any more. */
export const DEADLY: ReadonlySet<Sin> = new Set<Sin>(['equivocate', 'late fork', 'never decide'])

/**
 * A member that signs what it likes, and sends what it likes. It has the pure code to say what is due, so that it stays in
 * the game, and forges what that makes: each statement as its sins have it.
 */
export class HostileMember implements Neighbour {
  readonly handle: Handle
  readonly address: string
  readonly card: PartyCard
  readonly sins: ReadonlySet<Sin>
  /** When it has come to its senses. */
  isTame = false
  readonly #world: World
  readonly #key: KeyMaterial
  readonly #random: SeededRandom
  readonly #fields: number
  #neighbours: readonly Neighbour[] = []
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
  #requests = 0
  /** Contracts that nobody has asked for, in the order of their founding. */
  #founded = 0
  #hasLied = false
  /** When it first had something to say that waits for values; undefined: nothing does. */
  #lacksSince: number | undefined
  /** What it has asked for that is malformed, by request key, and the names of malformed statements that it has sent. */
  readonly lies = new Map<string, string>()
  readonly falseLines = new Set<string>()
  readonly #malformed: Lie[] = []
  readonly #toBeSent = new Map<Handle, string[]>()
  /** What came that statements name, by group and seal. */
  readonly given = new Set<string>()
  #revocation: SignedRevocation | undefined

  constructor(world: World, handle: string, sins: readonly Sin[], fields: number) {
    this.#world = world
    this.handle = handle as Handle
    this.address = handle
    this.sins = new Set(sins)
    this.#fields = fields
    this.#random = world.sources.of('hostile')
    this.entries = new FalseEntries(world.sources.of('hostile', 'entries'))
    this.#key = keyFrom(this.#random.bytes(32))
    const recovery = keyFrom(this.#random.bytes(32)).publicKey
    const keys = { signing: this.#key.publicKey, recovery }
    this.card = { handle: this.handle, did: `did:web:${handle}.example`, name: handle, keys }
    world.network.attach(handle, async (from, body) => this.#answer(from, body))
  }

  knows(neighbours: readonly Neighbour[]): void {
    this.#neighbours = neighbours
  }

  /** Says something, to somebody. */
  act(): void {
    const random = this.#random
    const { network } = this.#world
    const state = this.#state
    if (state === undefined || this.#contract === undefined) return
    this.#speak()
    for (const peer of this.#neighbours) {
      if (!random.chance(this.isTame ? 1 : 0.5)) continue
      if (this.#sins('garbage') && random.chance(0.2)) {
        network.call(this.address, peer.address, this.#garbage()).catch(() => {})
        continue
      }
      if (this.#sins('replay') && random.chance(0.3) && this.#sent.length > 0) {
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

  #sins(sin: Sin): boolean {
    return !this.isTame && this.sins.has(sin)
  }

  async #answer(from: string, body: string): Promise<string> {
    const peer = this.#neighbours.find(({ address }) => address === from)
    if (peer === undefined) return new Promise<never>(() => {})
    this.#take(peer, body)
    this.#speak()
    if (this.#sins('withhold') && this.#random.chance(0.5)) return new Promise<never>(() => {})
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
      if (!this.isTame || now - this.#lacksSince < PAYLOAD_WAIT_MS) return
      honest = this.#honestly(state, { ...wishes, refusals: refusalsForWant(state, this.handle) })
      if (receive(state, [honest]).waiting.length > 0) return
    }
    this.#lacksSince = undefined
    const main = this.#forged(honest)
    if (this.#sins('malformed statements') && main === honest) this.#falsify(honest)
    if (this.#sins('equivocate') && random.chance(0.1)) this.#fork(honest)
    const taken = receive(state, [main])
    // What it forged may be invalid even to itself: then it goes out all the same, and the feed goes on without it.
    if (taken.taken.length > 0) this.#state = taken.state
    else this.#mislead(main)
  }

  #honestly(state: AgreementState, wishes: Wishes): VerifiedStatement {
    const made = draft(state, this.handle, wishes, '2026-01-01T00:00:00.000Z')
    return made.sign(sign(this.#key.privateKey, made.bytesToSign)).held
  }

  #wishes(state: AgreementState): Wishes {
    const random = this.#random
    // It says what it holds of a feed whose key is revoked: who does not holds everything up.
    const told = this.#revocation
    const hold = holdDue(state, this.handle) ?? (told && canHold(state, this.handle, told) ? told : undefined)
    if (hold !== undefined) return { ...noWishes, key: { hold } }
    const erases = this.#erasure(state)
    if (erases !== undefined) return { ...noWishes, requests: [erases] }
    if (this.#sins('malformed requests') && memberOf(state.ledger.document, this.handle) !== undefined)
      return this.#malformedWishes(state)
    if (this.isTame || memberOf(state.ledger.document, this.handle) === undefined || !random.chance(0.2))
      return noWishes
    const { payload, seal: sealed } = seal(`${this.handle} ${this.#requests}`, random.bytes(16))
    const confided = this.#confided(state)
    const { field, ...audience } = confided ?? { field: `0.${random.below(this.#fields)}` }
    const request = {
      id: `${this.handle} ${this.#requests++}`,
      commands: [{ type: 'ProposeValue', field, seal: sealed, basis: [], ...audience }],
      ...(this.#sins('never decide') ? { tentative: true as const } : {}),
    }
    return { ...noWishes, requests: [request], payloads: { [sealed]: payload } }
  }

  /** Who lies about what is erased has it erased. */
  #erasure({ ledger: { document } }: AgreementState): Wishes['requests'][number] | undefined {
    if (!this.sins.has('false entries') || memberOf(document, this.handle) === undefined) return undefined
    const open = document.erasures.open.find(({ votes }) => !votes.includes(this.handle))
    if (open === undefined || !this.#world.sources.of('hostile', 'entries').chance(0.5)) return undefined
    const command = { seals: open.seals, type: 'EraseValues' }
    return { commands: [command], id: `${this.handle} ${this.#requests++}` }
  }

  /** One after the other. */
  #malformedWishes({ feeds }: AgreementState): Wishes {
    const random = this.#world.sources.of('hostile', 'lies')
    const isLiarAlone = [...this.sins].every((sin) => [...LIES, ...ENTRY_SINS].some((lie) => lie === sin))
    const { atOnce, most } = isLiarAlone ? manyLies : fewLies
    if (this.lies.size >= most || random.chance(0.3)) return noWishes
    const seq = feeds.get(this.handle)?.size ?? 0
    const lies = Array.from({ length: atOnce }, () => {
      if (this.#malformed.length === 0) {
        const all = [...malformedCommands()]
        const from = random.below(all.length)
        this.#malformed.push(...all.slice(from), ...all.slice(0, from))
      }
      return this.#malformed.pop() as Lie
    })
    const requests = lies.map(({ commands, name }, index) => {
      this.lies.set(requestKey({ handle: this.handle, index, seq }), name)
      return { commands, id: `${this.handle} ${this.#requests++}` }
    })
    return {
      ...noWishes,
      payloads: payloadsInOrder(lies.flatMap(({ payloads }) => Object.entries(payloads))),
      requests,
    }
  }

  /** For everybody, before the statement itself. */
  #falsify(honest: VerifiedStatement): void {
    const random = this.#world.sources.of('hostile', 'lies')
    const lines = [...falseLines(honest, (bytes) => sign(this.#key.privateKey, bytes))]
    for (const { handle } of this.#neighbours) {
      const { line, name } = random.pick(lines)
      this.falseLines.add(name)
      this.#toBeSent.set(handle, [...(this.#toBeSent.get(handle) ?? []), line])
    }
  }

  /** Now and then it confides, and sends it to everybody all the same. */
  #confided({ ledger: { document } }: AgreementState): { field: string; audience: Handle[] } | undefined {
    const [set] = document.audiences
    if (set === undefined || !this.#world.sources.of('hostile', 'confides').chance(0.5)) return undefined
    return { field: `${set.element}.0`, audience: [...set.parties] }
  }

  #forged(honest: VerifiedStatement): SignedStatement {
    const random = this.#random
    const { head, seen } = honest.statement
    if (this.#sins('wrong head') && random.chance(0.3)) {
      return this.#resigned(honest, { head: { ...head, root: head.record, record: head.root } })
    }
    if (this.#sins('lie once') && !this.#hasLied && head.size > 0) {
      this.#hasLied = true
      return this.#resigned(honest, { head: { ...head, record: head.root } })
    }
    if (this.#sins('impossible head') && random.chance(0.3)) {
      return this.#resigned(honest, { head: { ...head, size: head.size + 1 + random.below(1000) } })
    }
    const [named] = Object.entries(seen)
    if (this.#sins('lie in seen') && random.chance(0.1) && named !== undefined) {
      const [handle, place] = named
      const changed = random.chance(0.5) ? { ...place, hash: head.record } : { ...place, seq: place.seq + 7 }
      return this.#resigned(honest, { seen: { ...seen, [handle]: changed } })
    }
    return this.#wronglyRefusing(honest)
  }

  #wronglyRefusing(honest: VerifiedStatement): SignedStatement {
    const random = this.#random
    if (!this.#sins('wrong refusals') || !random.chance(0.2)) return honest
    const [founder] = this.#neighbours
    const request = { handle: founder?.handle ?? this.handle, seq: random.below(5), index: 0 }
    return this.#resigned(honest, { refusals: [{ request, code: 'person' }] })
  }

  /** Another statement for the same place; some get the one, some the other. */
  #fork(honest: VerifiedStatement): void {
    const other = this.#resigned(honest, { time: '2026-01-01T00:00:00.001Z' })
    this.#mislead(other)
  }

  #mislead(other: SignedStatement): void {
    for (const { handle } of this.#neighbours) {
      if (!this.#random.chance(0.5)) continue
      this.#others.set(handle, [...(this.#others.get(handle) ?? []), other])
    }
  }

  #resigned(from: VerifiedStatement, change: object): SignedStatement {
    const text = canonicalJson({ ...from.statement, ...change })
    return decodeSigned(encodeSigned(text, sign(this.#key.privateKey, bytesToSign(text)), from.payloads))
  }

  #message(peer: Neighbour): string {
    const random = this.#random
    const state = this.#state as AgreementState
    const contract = this.#contract as Uid
    const past = vectorOf(this.#frontiers.get(peer.handle) ?? {})
    let { lines } = linesFor(newsFor(state, peer.handle, past), past, MESSAGE_CHARACTERS_SOFT_MAX)
    if (this.#sins('withhold')) lines = lines.filter(() => random.chance(0.7))
    lines = lines.map((line) => this.#withValues(line))
    const lacked = this.#lacked.get(peer.handle)
    if (this.sins.has('false entries')) lines.push(...this.entries.linesFor(contract, lacked))
    if (!this.#sins('withhold values')) lines.push(...this.#asked(peer, state))
    const misleading = this.#others.get(peer.handle) ?? []
    const forks = misleading.map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
    if (this.#sins('late fork') && random.chance(0.05)) forks.push(...this.#lateFork(state))
    if (this.#sins('squat') && random.chance(0.3)) lines = [this.#genesis(contract), ...lines]
    if (this.#sins('flood ahead')) lines = [...this.#ahead(state), ...lines]
    const malformed = this.#toBeSent.get(peer.handle)?.splice(0, MALFORMED_A_MESSAGE) ?? []
    if (!this.isTame && malformed.length > 0)
      lines = random.chance(0.5) ? [...lines, ...malformed] : [...malformed, ...lines]
    if (this.#sins('open unasked') && random.chance(0.3)) {
      lines = [this.#genesis(foundedBy(this.card, this.#founded++)), ...lines]
    }
    const frontier = frontierOf(state.feeds)
    const told = this.#sins('false frontier') && random.chance(0.3) ? this.#falseFrontier(frontier) : frontier
    const words: Word[] = this.#acceptance(state)
    const open = lackingIn(state).map(({ lacks, statement: { party, seq } }) => ({ party, seals: lacks, seq }))
    const lacking = [
      ...open,
      ...missingBehind(state).filter((one) => !open.some((of) => of.party === one.party && of.seq === one.seq)),
    ]
    const places = new Set(lacking.map(({ party, seq }) => `${party}.${seq}`))
    const secrets = this.isTame
      ? []
      : this.#othersSecrets(state).filter(({ party, seq }) => !places.has(`${party}.${seq}`))
    const wants = [...lacking, ...secrets].sort(byStatement)
    const entries = entriesWanted(state)
    const asides = {
      lacks: new Map(entries === undefined ? [] : [[contract, entries]]),
      wants: new Map(wants.length === 0 ? [] : [[contract, wants]]),
      waits: new Map(),
    }
    return encodeMessage(new Map([[contract, told]]), [...forks, ...lines], words, asides)
  }

  #asked(peer: Neighbour, { contract, feeds }: AgreementState): string[] {
    return (this.#wanted.get(peer.handle) ?? []).flatMap(({ party, seq, seals }) => {
      const payloads = feeds.get(party)?.get(seq)?.payloads ?? {}
      const held = seals.filter((of) => payloads[of] !== undefined)
      const texts = new Map(held.map((of) => [of, canonicalJson(payloads[of])]))
      return texts.size === 0 ? [] : [encodePayloads({ contract, party, seq }, texts)]
    })
  }

  /** Those of its own requests: it has the only copy. */
  #withValues(line: string): string {
    const random = this.#random
    const isOwn = line.startsWith('{"payloads":{"') && line.includes(`,"party":"${this.handle}"`)
    if (!isOwn) return line
    if (this.#sins('withhold values')) return withoutPayloads(line)
    if (this.#sins('late values') && random.chance(0.5)) return withoutPayloads(line)
    return this.#sins('false values') && random.chance(0.5) ? withOtherValues(line) : line
  }

  /** A second version of an old statement of its own. */
  #lateFork(state: AgreementState): string[] {
    const old = state.feeds.get(this.handle)?.get(0)
    if (old === undefined) return []
    const { text, signature, payloads } = this.#resigned(old, { time: '2025-12-31T00:00:00.000Z' })
    return [encodeSigned(text, signature, payloads)]
  }

  /** The first statement of a contract of its own, under a UID that may be another's. */
  #genesis(contract: Uid): string {
    const opening = {
      type: 'OpenContract',
      title: 'simulated',
      engine: 1,
      charter: defaultCharter,
      limits: defaultLimits,
      founder: this.card,
    }
    const request = { id: `${this.handle} founds ${contract}`, commands: [opening] }
    const wishes = { ...noWishes, requests: [request] }
    const made = draft(emptyAgreement(contract), this.handle, wishes, '2026-01-01T00:00:00.000Z')
    const { text, signature } = made.sign(sign(this.#key.privateKey, made.bytesToSign)).held
    return encodeSigned(text, signature, {})
  }

  /** Statements of its own for places that it never comes to, some well signed, and some of others, which are not. */
  #ahead(state: AgreementState): string[] {
    const random = this.#random
    const own = newestOf(state.feeds, this.handle)
    const others = this.#neighbours.flatMap(({ handle }) => newestOf(state.feeds, handle) ?? [])
    const from = random.chance(0.5) ? own : random.pick([...others, own])
    if (from === undefined) return []
    const { seq, clock } = from.statement
    return Array.from({ length: 20 }, () => {
      const ahead = 1_000 + random.below(1_000_000)
      const text = canonicalJson({ ...from.statement, seq: seq + ahead, clock: clock + ahead, prev: from.hash })
      return encodeSigned(text, sign(this.#key.privateKey, bytesToSign(text)), from.payloads)
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

  /** What is for others: it asks for all of it. */
  #othersSecrets({ feeds }: AgreementState): Wanted[] {
    const wanted: Wanted[] = []
    for (const feed of feeds.values()) {
      for (const { statement } of feed) {
        const seals = [...recipientsIn(statement).keys()]
        if (seals.length > 0) wanted.push({ party: statement.party, seals, seq: statement.seq })
      }
    }
    return wanted.slice(-100)
  }

  #acceptance(state: AgreementState): Word[] {
    const invitation = invitationOf(state.settling.agreed, this.handle)
    if (invitation === undefined) return []
    const head = settledHead(state)
    const { contract, settling } = state
    const { charter } = settling.agreed
    const lastIndex = head.size + 1000
    const keys = this.card.keys
    const acceptance = { contract, invitation: invitation.index, handle: this.handle, keys, charter, head, lastIndex }
    return [{ acceptance, signature: sign(this.#key.privateKey, acceptanceBytes(acceptance)) }]
  }

  #garbage(): string {
    const random = this.#random
    const pieces = ['', '{}', '{"contracts":{},"v":1}', '\n\n', '{"contracts":{"x":{}},"v":1}', this.#sent[0] ?? '']
    const text = random.pick(pieces) + random.pick(pieces)
    const at = random.below(text.length + 1)
    return `${text.slice(0, at)}${String.fromCharCode(random.below(256))}${text.slice(at + random.below(3))}`
  }
}
