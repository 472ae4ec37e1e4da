import { feedOf } from '../../agreement/feeds.ts'
import { canHold, holdDue, isBeingRevoked, isKeyOf, nextKeyOf, revocationsDue } from '../../agreement/keys/key-rules.ts'
import type { AgreementState, HeldState } from '../../agreement/state.ts'
import type { Signer } from '../../crypto/signer.ts'
import type { Handle } from '../../events/ids.ts'
import { type KeyChange, rotationBytes, type SignedRevocation } from '../../events/parties/key-change.ts'
import { assert } from '../../runtime/assert.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** This node does not have the private key that it was asked to sign with. */
export class KeyUnknown extends ConcordataError {}

/** The private keys that this process can sign with. */
export interface SigningPorts {
  /** With the key on the party's card. Left out: this process has no key at all. */
  readonly signer?: Signer
  /** Signers of other keys that this party has, or had: for rotations. */
  signerOf?(publicKey: string): Signer | undefined
  /** Has the signer say which keys there are: another process of this party may have had one made. */
  learnKeys?(): Promise<void>
}

/** Under which key this party's feed on one contract goes on, and what its next statement says about keys. */
export class FeedKeys {
  readonly #self: Handle
  readonly #ports: SigningPorts
  /** A key that this party's feed is to go on under. */
  #rotation: string | undefined
  /** The newest revocation of another party's key that came from it directly. */
  #revocation: SignedRevocation | undefined
  /** A key that this feed goes on under, and for which the signer was asked: it need not be asked again. */
  #asked: string | undefined

  constructor(self: Handle, ports: SigningPorts) {
    this.#self = self
    this.#ports = ports
  }

  /** From the statement after its next on, this party is to sign with that key. Throws KeyUnknown. */
  rotate(publicKey: string): void {
    if (this.#keyOf(publicKey) === undefined) {
      throw new KeyUnknown('key_unknown', 'the node does not have the private key to rotate to', { publicKey })
    }
    this.#rotation = publicKey
  }

  /** Whether it waits to say something that is known to this process alone. */
  hasMoreToSay(state: HeldState): boolean {
    const rotates = this.#rotation !== undefined && !isKeyOf(state, this.#self, this.#rotation)
    return rotates || (this.#revocation !== undefined && canHold(state, this.#self, this.#revocation))
  }

  /** Another party revokes its key: this one says what it holds of that feed. Requires one that `canHold`. */
  revoked(signed: SignedRevocation): void {
    this.#revocation = signed
  }

  /** What the next statement, made from `view`, says about keys. `held`: all that is held here. */
  async change(view: AgreementState, held: AgreementState): Promise<KeyChange | undefined> {
    const revoke = this.takeover(view)
    if (revoke !== undefined) return { revoke }
    const hold = this.holdOwed(view)
    // The takeover follows what this statement covers: a statement held beyond it would stand at the takeover's place.
    if (hold !== undefined && coversAllOf(hold.revocation.party, view, held)) return { hold }
    return this.#rotationDue(view)
  }

  /** Another party's revocation of its key on which this party has not said yet what it holds. */
  holdOwed(state: HeldState): SignedRevocation | undefined {
    const told = this.#revocation
    return holdDue(state, this.#self) ?? (told && canHold(state, this.#self, told) ? told : undefined)
  }

  async #rotationDue(state: HeldState): Promise<KeyChange | undefined> {
    const signing = this.#rotation
    if (signing === undefined || isBeingRevoked(state, this.#self)) return undefined
    if (isKeyOf(state, this.#self, signing)) {
      this.#rotation = undefined
      return undefined
    }
    const { contract, feeds } = state
    const rotation = { contract, party: this.#self, seq: feedOf(feeds, this.#self).size, signing }
    const proof = await this.#keyOf(signing)?.sign(rotationBytes(rotation))
    return proof === undefined ? undefined : { rotate: { signing, proof } }
  }

  /** The revocation under which this party's feed goes on with a key that is here, once all have said what they hold. */
  takeover(state: AgreementState): SignedRevocation | undefined {
    return revocationsDue(state, this.#self).find(({ revocation }) => this.#keyOf(revocation.signing) !== undefined)
  }

  /** Who signs this party's next statement; undefined: its key is not here. */
  signer(state: AgreementState): Signer | undefined {
    const key = this.takeover(state)?.revocation.signing ?? nextKeyOf(state, this.#self)
    return key === undefined ? this.#ports.signer : this.#keyOf(key)
  }

  /** Finds out about the key of this party's next statement, should it be none that was here before. */
  async learn(state: HeldState): Promise<void> {
    const key = nextKeyOf(state, this.#self)
    if (key === undefined || key === this.#asked || this.#keyOf(key) !== undefined) return
    await this.#ports.learnKeys?.()
    this.#asked = key
  }

  /** Requires that there is one. */
  signerFor(state: AgreementState): Signer {
    const signer = this.signer(state)
    assert(signer !== undefined, 'who may speak has a key')
    return signer
  }

  #keyOf(publicKey: string): Signer | undefined {
    const { signer, signerOf } = this.#ports
    return signer?.publicKey === publicKey ? signer : signerOf?.(publicKey)
  }
}

function coversAllOf(party: Handle, view: HeldState, held: HeldState): boolean {
  return feedOf(view.feeds, party).size === feedOf(held.feeds, party).size
}
