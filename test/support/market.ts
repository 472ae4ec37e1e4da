import { builtIn, type Engines } from '../../src/aggregates/contract/engines.ts'
import { draft, noWishes, statementDue, type Wishes } from '../../src/agreement/draft.ts'
import { nextKeyOf } from '../../src/agreement/keys/key-rules.ts'
import { receive } from '../../src/agreement/receive.ts'
import type { Reception } from '../../src/agreement/reception.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import type { VerifiedStatement } from '../../src/agreement/verified-statement.ts'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { generateKeyPair, type KeyPair, sign } from '../../src/crypto/key-pair.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { defaultLimits } from '../../src/events/limits.ts'
import { type Acceptance, acceptanceBytes, type SignedAcceptance } from '../../src/events/parties/acceptance.ts'
import { revocationBytes, rotationBytes, type SignedRevocation } from '../../src/events/parties/key-change.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payloads, Request } from '../../src/events/statement.ts'
import { bytesToSign, decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { keyFrom } from './keys.ts'
import { foundedBy } from './uid.ts'

export const TIME = '2026-01-01T00:00:00.000Z'

/** What somebody says about something, sealed; the same text always alike. */
export function about(text: string): { about: Hash; payloads: Payloads } {
  const sealed = seal({ text }, new Uint8Array(16))
  return { about: sealed.seal, payloads: { [sealed.seal]: sealed.payload } }
}

export type Command = Request['commands'][number] & { readonly [member: string]: unknown }

interface PlayerKeys {
  readonly signing: KeyPair
  readonly recovery: KeyPair
}

/** Of a party of that name, the same each time. */
export function keysOf(handle: string): PlayerKeys {
  return { signing: keyFrom(`${handle} signing`), recovery: keyFrom(`${handle} recovery`) }
}

function cardOf(handle: string, { signing, recovery }: PlayerKeys): PartyCard {
  const keys = { signing: signing.publicKey, recovery: recovery.publicKey }
  return { handle: handle as Handle, did: `did:web:${handle}.example`, name: handle, keys }
}

/** The n-th contract that a party with the keys of its name founds, and the first that ana does. */
export function contractFoundedBy(handle: string, n = 0): Uid {
  return foundedBy(cardOf(handle, keysOf(handle)), n)
}
export const CONTRACT = contractFoundedBy('ana')

/**
 * One party in pure code: what it holds, and what it says. Nothing is sent unless a test does it. Who founds a contract needs
 * one of its own (`foundedBy`): `CONTRACT` is ana's.
 */
export class Player {
  readonly handle: Handle
  readonly card: PartyCard
  privateKey
  readonly recoveryKey
  readonly keys: PlayerKeys
  readonly contract: Uid
  state: AgreementState
  /** What it claims for its next statements. */
  time = TIME
  #requests = 0

  constructor(handle: string, keys: PlayerKeys = keysOf(handle), contract = CONTRACT, engines: Engines = builtIn) {
    const { signing, recovery } = keys
    this.keys = keys
    this.handle = handle as Handle
    this.contract = contract
    this.state = emptyAgreement(contract, engines)
    this.privateKey = signing.privateKey
    this.recoveryKey = recovery.privateKey
    this.card = cardOf(handle, keys)
  }

  /** Makes, signs and holds its next statement; the answer is what the others get to see. */
  says(wishes: Partial<Wishes> = {}): SignedStatement {
    const drafted = draft(this.state, this.handle, { ...noWishes, ...wishes }, this.time)
    const signed = drafted.sign(sign(this.privateKey, drafted.bytesToSign))
    this.state = signed.state
    return overTheWire(signed.held)
  }

  requests(...commands: Command[]): SignedStatement {
    return this.says({ requests: [this.request(commands)] })
  }

  tentatively(...commands: Command[]): SignedStatement {
    return this.says({ requests: [{ ...this.request(commands), tentative: true }] })
  }

  proposes(field: string, value: unknown, more: object = {}): SignedStatement {
    const { seal: sealed, payload } = seal(value, new Uint8Array(16))
    const command = { type: 'ProposeValue', field, seal: sealed, basis: [], ...more }
    return this.says({ requests: [this.request([command])], payloads: { [sealed]: payload } })
  }

  /** Goes on under a new key from the statement after this one. */
  rotates(next: KeyPair = generateKeyPair()): SignedStatement {
    const seq = this.state.feeds.get(this.handle)?.size ?? 0
    const rotation = { contract: this.contract, party: this.handle, seq, signing: next.publicKey }
    const proof = sign(next.privateKey, rotationBytes(rotation))
    const said = this.says({ key: { rotate: { signing: next.publicKey, proof } } })
    this.privateKey = next.privateKey
    return said
  }

  /** Does not trust its key any more. */
  revocation(next: KeyPair): SignedRevocation {
    const revokes = nextKeyOf(this.state, this.handle) ?? this.card.keys.signing
    const revocation = { contract: this.contract, party: this.handle, revokes, signing: next.publicKey }
    const bytes = revocationBytes(revocation)
    return { revocation, signature: sign(this.recoveryKey, bytes), proof: sign(next.privateKey, bytes) }
  }

  /** Takes its feed over, under the key that the revocation brings in. */
  takesOver(revoke: SignedRevocation, next: KeyPair): SignedStatement {
    this.privateKey = next.privateKey
    return this.says({ key: { revoke } })
  }

  hears(...statements: SignedStatement[]): Reception {
    const reception = receive(this.state, statements, this.handle)
    this.state = reception.state
    return reception
  }

  request(commands: Command[]): Request {
    return { id: `${this.handle} ${this.#requests++}`, commands }
  }

  /** Signs two statements for the next place of its feed, and holds the second one. */
  forks(): readonly [one: SignedStatement, other: SignedStatement] {
    const before = this.state
    const one = this.proposes('0.0', 'one')
    this.state = before
    return [one, this.proposes('0.0', 'other')]
  }

  /** Its own statement with something changed, and signed anew: what a hostile member might send. */
  forges(from: SignedStatement, change: (statement: Record<string, unknown>) => void): string {
    const statement = structuredClone(from.statement) as unknown as Record<string, unknown>
    change(statement)
    const text = canonical(statement)
    return encodeSigned(text, sign(this.privateKey, bytesToSign(text)), from.payloads)
  }

  accepts(invitation: number): SignedAcceptance {
    const acceptance: Acceptance = {
      contract: this.contract,
      invitation,
      handle: this.handle,
      keys: this.card.keys,
      charter: defaultCharter,
      head: settledHead(this.state),
      lastIndex: 1000,
    }
    return { acceptance, signature: sign(this.privateKey, acceptanceBytes(acceptance)) }
  }

  opening(): Command {
    return {
      type: 'OpenContract',
      title: 'test',
      engine: 1,
      charter: defaultCharter,
      limits: defaultLimits,
      founder: this.card,
    }
  }

  /** The place of its next statement. */
  get seq(): number {
    return this.state.feeds.get(this.handle)?.size ?? 0
  }

  get settled(): number {
    return this.state.settling.settled
  }
  get acknowledged(): number {
    return this.state.ledger.log.size
  }
}

function canonical(value: Record<string, unknown>): string {
  const sorted = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(sorted)
    if (typeof inner !== 'object' || inner === null) return inner
    const entries = Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1))
    return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]))
  }
  return JSON.stringify(sorted(value))
}

export function overTheWire({ text, signature, payloads }: VerifiedStatement | SignedStatement): SignedStatement {
  return decodeSigned(encodeSigned(text, signature, payloads))
}

/** Everything that one holds, as it would send it to somebody who has nothing. */
export function allOf({ state }: Player): SignedStatement[] {
  return [...state.feeds.values()].flatMap((feed) => [...feed]).map(overTheWire)
}

/** Lets everybody hear everything and say what is due, until nobody owes anything. */
export function talk(players: readonly Player[], owes: (player: Player) => boolean): void {
  for (let rounds = 0; rounds < 100; rounds++) {
    for (const player of players) for (const other of players) if (other !== player) player.hears(...allOf(other))
    const [next] = players.filter(owes)
    if (next === undefined) return
    next.says()
  }
  throw new Error('they never fall silent')
}

/** Whether a statement of it is due: never before it has been invited, as far as it knows. */
/** Each order is asked for by a player, and settled among all of them. */
export function ordersAmong(players: readonly Player[]): (player: Player, ...commands: Command[]) => void {
  return (player, ...commands) => {
    player.requests(...commands)
    talk(players, owes)
  }
}

export function owes({ state, handle }: Player): boolean {
  return state.ledger.invited.has(handle) && statementDue(state, handle) !== undefined
}

/** A player in place of each. */
export type PlayerEach<All extends readonly unknown[]> = { -readonly [Place in keyof All]: Player }

/** Players who are all members of one contract that has two text fields, `0.0` and `0.1`; nothing is under way. */
export function market<Handles extends string[]>(...handles: Handles): PlayerEach<Handles> {
  return marketOf(handles.map((handle) => new Player(handle))) as PlayerEach<Handles>
}

/** The same with these engines. */
export function marketWith<Handles extends string[]>(engines: Engines, ...handles: Handles): PlayerEach<Handles> {
  const players = handles.map((handle) => new Player(handle, undefined, undefined, engines))
  return marketOf(players) as PlayerEach<Handles>
}

/** The same with these players, who have said nothing yet. */
export function marketOf<const Players extends readonly Player[]>(all: Players): PlayerEach<Players> {
  const [founder, ...others] = all as readonly Player[] as [Player, ...Player[]]
  const players = [founder, ...others]
  founder.requests(founder.opening())
  founder.requests(
    { type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } },
    { type: 'AddField', parent: '0', name: 'B', field: { type: 'text' } },
  )
  for (const other of others) {
    founder.requests({ type: 'InviteParty', party: other.card })
    talk(players, owes)
    const { index } = founder.state.settling.agreed.parties.invitations[0] as { index: number }
    founder.requests({ type: 'AdmitParty', accepted: other.accepts(index) })
    talk(players, owes)
  }
  return players as readonly Player[] as PlayerEach<Players>
}
