import { draft, noWishes, type Wishes } from '../../src/agreement/draft.ts'
import type { Held } from '../../src/agreement/held.ts'
import { type Reception, receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import { settledHead } from '../../src/contracts/cosigning.ts'
import { generateKeyPair, sign } from '../../src/crypto/ed25519.ts'
import { type Acceptance, acceptanceBytes, type SignedAcceptance } from '../../src/events/acceptance.ts'
import { defaultCharter } from '../../src/events/charter.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { defaultLimits } from '../../src/events/limits.ts'
import type { PartyCard } from '../../src/events/party-card.ts'
import { seal } from '../../src/events/seal.ts'
import type { Request } from '../../src/events/statement.ts'
import { bytesToSign, type Decoded, decodeSigned, encodeSigned } from '../../src/events/statement-codec.ts'

export const CONTRACT = '0123456789abcdefghjkmnpqrs' as Uid
const TIME = '2026-01-01T00:00:00.000Z'

type Command = Request['commands'][number] & { readonly [member: string]: unknown }

/** One party in pure code: what it holds, and what it says. Nothing is sent unless a test does it. */
export class Player {
  readonly handle: Handle
  readonly card: PartyCard
  readonly privateKey
  state: AgreementState = emptyAgreement(CONTRACT)
  #requests = 0

  constructor(handle: string) {
    const signing = generateKeyPair()
    this.handle = handle as Handle
    this.privateKey = signing.privateKey
    const keys = { signing: signing.publicKey, recovery: generateKeyPair().publicKey }
    this.card = { handle: this.handle, did: `did:web:${handle}.example`, name: handle, keys }
  }

  /** Makes, signs and holds its next statement; the answer is what the others get to see. */
  says(wishes: Partial<Wishes> = {}): Decoded {
    const drafted = draft(this.state, this.handle, { ...noWishes, ...wishes }, TIME)
    const signed = drafted.sign(sign(this.privateKey, drafted.bytesToSign))
    this.state = signed.state
    return overTheWire(signed.held)
  }

  requests(...commands: Command[]): Decoded {
    return this.says({ requests: [this.request(commands)] })
  }

  tentatively(...commands: Command[]): Decoded {
    return this.says({ requests: [{ ...this.request(commands), tentative: true }] })
  }

  proposes(field: string, value: unknown, more: object = {}): Decoded {
    const { seal: sealed, payload } = seal(value, new Uint8Array(16))
    const command = { type: 'ProposeValue', field, seal: sealed, basis: [], ...more }
    return this.says({ requests: [this.request([command])], payloads: { [sealed]: payload } })
  }

  hears(...statements: Decoded[]): Reception {
    const reception = receive(this.state, statements)
    this.state = reception.state
    return reception
  }

  request(commands: Command[]): Request {
    return { id: `${this.handle} ${this.#requests++}`, commands }
  }

  /** Its own statement with something changed, and signed anew: what a hostile member might send. */
  forges(from: Decoded, change: (statement: Record<string, unknown>) => void): string {
    const statement = structuredClone(from.statement) as unknown as Record<string, unknown>
    change(statement)
    const text = canonical(statement)
    return encodeSigned(text, sign(this.privateKey, bytesToSign(text)), from.payloads)
  }

  accepts(invitation: number): SignedAcceptance {
    const acceptance: Acceptance = {
      contract: CONTRACT,
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

export function overTheWire({ text, signature, payloads }: Held | Decoded): Decoded {
  return decodeSigned(encodeSigned(text, signature, payloads))
}

/** Everything that one holds, as it would send it to somebody who has nothing. */
export function allOf({ state }: Player): Decoded[] {
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
