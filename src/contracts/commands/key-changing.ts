import type { Handle, Uid } from '../../events/ids.ts'
import type { Revocation } from '../../events/parties/key-change.ts'

/** What the recovery key has signed: `signature`, over the revocation's bytes. */
export interface Revoked {
  readonly revocation: Revocation
  readonly signature: string
}

/** Shows and changes signing keys: `KeyRotation` in the process that has them, or by the command queue. */
export interface KeyChanging {
  show(): Promise<{ readonly keys: readonly string[]; readonly contracts: readonly KeyStanding[] }>
  /** Returns the new public key; the same again to whoever asks under the same name (22 characters of base64url). */
  rotate(name?: string): Promise<string>
  /**
   * The first half of a revocation: makes a new key, which every contract takes only from the recovery key. Returns
   * the public key: the same one until every contract uses it.
   */
  prepareRevocation(): Promise<string>
  /** The second half, for one contract: durable on return, and carried to the others until it has taken effect. */
  revoke(revoked: Revoked): Promise<void>
}

/** Under which key a contract goes on. */
export interface KeyStanding {
  readonly contract: Uid
  /** Of this party's next statement there. */
  readonly signing: string
  /**
   * Why it is not the newest yet: it takes its time (`statement`), the contract is silent, a revocation comes first, or that
   * has not been signed with the recovery key.
   */
  readonly waitsFor?: string
  /** Of a revocation: who has not said what it holds. */
  readonly awaited?: readonly Handle[]
}
