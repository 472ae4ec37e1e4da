import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isKeyOf } from '../../agreement/keys/key-rules.ts'
import type { HeldState } from '../../agreement/state.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { type Handle, PublicKeySchema, type Uid, UidSchema } from '../../events/ids.ts'
import { type SignedRevocation, SignedRevocationSchema } from '../../events/parties/key-change.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { NewEvent } from '../../store/port.ts'
import { jsonIn } from './untrusted-json.ts'

/** The revocation is not signed with the recovery key of this party, or is not of a key that it is to take the place of. */
export class RevocationUnfit extends ConcordataError {}

const closed = { additionalProperties: false }
const reservedForm = Compile(
  Type.Object({ signing: PublicKeySchema, contracts: Type.Array(UidSchema, { maxItems: 1_000_000 }) }, closed),
)
const revokedForm = Compile(SignedRevocationSchema)

/** Of one event: well below what a store takes in one append. */
const RESERVED_AT_ONCE_MAX = 10_000

/** In these contracts the key comes by a revocation: the one that it follows must not bring it in. */
export function keyReserved(signing: string, contracts: readonly Uid[]): NewEvent[] {
  const events: NewEvent[] = []
  for (let from = 0; from < contracts.length; from += RESERVED_AT_ONCE_MAX) {
    const some = contracts.slice(from, from + RESERVED_AT_ONCE_MAX)
    events.push({ type: 'KeyReserved', data: canonicalJson({ signing, contracts: some }) })
  }
  return events
}

/** This party's signed revocation of its own key, sent until it has taken effect. */
export function keyRevoked(signed: SignedRevocation): NewEvent {
  return { type: 'KeyRevoked', data: canonicalJson(signed) }
}

/**
 * How far this party's revocations of its own key have come, by the `invitations` stream, where all stands that it has to
 * say and cannot say in its feed. They go on over restarts, and in all processes of the party.
 */
export class Revocations {
  readonly #reserved = new Map<Uid, string>()
  readonly #signed = new Map<Uid, SignedRevocation>()

  /**
   * An event of the stream. Returns the contract in which a statement is due because of it, null if in none;
   * undefined: it is not of a revocation.
   */
  learn({ type, data }: NewEvent): Uid | null | undefined {
    if (type !== 'KeyReserved' && type !== 'KeyRevoked') return undefined
    const parsed = jsonIn(data)
    if (type === 'KeyReserved' && reservedForm.Check(parsed)) {
      for (const contract of parsed.contracts) this.#reserved.set(contract, parsed.signing)
      return null
    }
    return type === 'KeyRevoked' && revokedForm.Check(parsed) ? this.add(parsed) : undefined
  }

  add(signed: SignedRevocation): Uid {
    this.#signed.set(signed.revocation.contract, signed)
    return signed.revocation.contract
  }

  /** Whether a key is, or was, to come by a revocation there. */
  concern(contract: Uid): boolean {
    return this.#reserved.has(contract)
  }

  /** The key that is to come by a revocation and has not: no rotation may bring it, or another one, in before. */
  reservedIn(state: HeldState, self: Handle): string | undefined {
    const signing = this.#reserved.get(state.contract)
    return signing === undefined || isKeyOf(state, self, signing) ? undefined : signing
  }

  /** The revocation that has been signed and has not taken effect. */
  pendingIn(state: HeldState): SignedRevocation | undefined {
    const signed = this.#signed.get(state.contract)
    if (signed === undefined) return undefined
    const { party, signing } = signed.revocation
    if (!isKeyOf(state, party, signing)) return signed
    this.#signed.delete(state.contract)
    return undefined
  }
}
