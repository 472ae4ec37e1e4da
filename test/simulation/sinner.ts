import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import type { Handle } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { bytesToSign, decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { type KeyMaterial, keyFrom } from './machine.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Sin } from './sins.ts'

/** Who a hostile member is: its card, its key, its sins, and what it draws from. */
export class Sinner {
  readonly card: PartyCard
  readonly sins: ReadonlySet<Sin>
  readonly random: SeededRandom
  /** When it has come to its senses: it commits none of its sins any more. */
  isTame = false
  readonly #key: KeyMaterial
  #requests = 0

  constructor(handle: string, sins: readonly Sin[], random: SeededRandom) {
    this.sins = new Set(sins)
    this.random = random
    this.#key = keyFrom(random.bytes(32))
    const recovery = keyFrom(random.bytes(32)).publicKey
    const keys = { signing: this.#key.publicKey, recovery }
    this.card = { handle: handle as Handle, did: `did:web:${handle}.example`, name: handle, keys }
  }

  get handle(): Handle {
    return this.card.handle
  }

  commits(sin: Sin): boolean {
    return !this.isTame && this.sins.has(sin)
  }

  /** The id of its next request. */
  nextId(): string {
    return `${this.handle} ${this.#requests++}`
  }

  sign(bytes: Uint8Array): string {
    return sign(this.#key.privateKey, bytes)
  }

  /** The statement with something else in it, and a signature that fits. */
  resigned(from: SignedStatement, change: object): SignedStatement {
    const text = canonicalJson({ ...from.statement, ...change })
    return decodeSigned(encodeSigned(text, this.sign(bytesToSign(text)), from.payloads))
  }
}
