import { memberOf, membersOf } from '../../aggregates/contract/state.ts'
import { holdsAwaited, isBeingRevoked, isWellSigned, nextKeyOf } from '../../agreement/keys/key-rules.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { Signer } from '../../crypto/signer.ts'
import type { Uid } from '../../events/ids.ts'
import { revocationBytes } from '../../events/parties/key-change.ts'
import type { EventStore } from '../../store/port.ts'
import { INVITATIONS_STREAM } from '../../store/streams.ts'
import type { KeyChanging, KeyStanding, Revoked } from '../commands/key-changing.ts'
import type { PassiveContract } from '../passive/passive-contract.ts'
import type { Contracts } from '../registry/contracts.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import { keyReserved, keyRevoked, RevocationUnfit } from '../signing/own-revocations.ts'
import { KeyUnknown } from '../signing/signing-keys.ts'

/** The signing keys of a party. */
export interface SigningKeys {
  /** Tagged; oldest first. */
  readonly publicKeys: readonly string[]
  /** The one under which every feed is to go on. */
  readonly newest: string
  /** Makes a new one, durable on return; the same again for what has asked under that name (22 characters of base64url). */
  add(name?: string): Promise<string>
  /** Looks which there are: another process of the party may have had one made. */
  refresh(): Promise<void>
  signerOf(publicKey: string): Signer | undefined
}

export interface KeyRotationPorts {
  readonly contracts: Contracts
  readonly keys: SigningKeys
  readonly events: EventStore
  /** There is something to say in that contract. */
  announce(contract: Uid): void
  /** Not every contract could be brought to its key; it is tried again with the next news, and after a restart. */
  failed(error: unknown): void
}

/**
 * Brings every contract of which this party is a member to its newest signing key: those that are there, those that come
 * later, and after a restart those that were not reached before (decision 0030). Nothing but the key's file has to be remembered for it.
 */
export class KeyRotation implements KeyChanging {
  readonly #ports: KeyRotationPorts
  readonly #contracts: Contracts
  readonly #keys: SigningKeys
  readonly #stop: () => void
  /** Keys that were none of ours when they were looked for: brought in by whoever else can sign. */
  readonly #foreign = new Set<string>()
  /** A key is being made that must not be rotated to before it stands where it comes by revocation. */
  #preparing: Promise<string> | undefined
  #following: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(ports: KeyRotationPorts) {
    const { contracts, keys } = ports
    this.#ports = ports
    this.#contracts = contracts
    this.#keys = keys
    this.#stop = contracts.listen({ news: (live) => this.#follow(live), activated: (live) => this.#follow(live) })
    this.#followAll()
  }

  async show() {
    return { keys: this.#keys.publicKeys, contracts: await this.#standings() }
  }

  /** Returns the new public key; contracts take it one by one (`show`). */
  async rotate(name?: string): Promise<string> {
    const signing = await this.#keys.add(name)
    this.#followAll()
    return signing
  }

  prepareRevocation(): Promise<string> {
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined
      this.#followAll()
    })
    return this.#preparing
  }

  async #prepare(): Promise<string> {
    const { revocations } = this.#contracts
    // Alone in a contract there is nobody who could say what it holds, and nobody to be deceived: a rotation does.
    const contracts: Uid[] = []
    const found = this.#contracts.visit<{ readonly shared: Uid | null; readonly begun: string | null }>(
      ({ summary }, contract) => {
        if (revocations.concern(contract)) return undefined
        const isShared = summary?.standing === 'member' && summary.members.length > 1
        return { shared: isShared ? contract : null, begun: null }
      },
      (live) => {
        if (!isMember(live)) return { shared: null, begun: null }
        const isShared = membersOf(live.state.ledger.document).length > 1
        return { shared: isShared ? live.contract : null, begun: this.#reservedIn(live) ?? null }
      },
    )
    for await (const { shared, begun } of found) {
      if (begun !== null) return begun
      if (shared !== null) contracts.push(shared)
    }
    const signing = await this.#keys.add()
    for (const event of keyReserved(signing, contracts)) await this.#append(event)
    return signing
  }

  revoke(revoked: Revoked): Promise<void> {
    return this.#contracts.use(revoked.revocation.contract, (live) => this.#revoke(live, revoked))
  }

  async #revoke({ state, self }: LiveContract, { revocation, signature }: Revoked): Promise<void> {
    const { contract, party, signing } = revocation
    const pending = this.#contracts.revocations.pendingIn(state)
    if (pending?.signature === signature) return
    if (party !== self || this.#contracts.revocations.reservedIn(state, self) !== signing) {
      const message = 'the revocation is not of the key that was made to come by one in that contract'
      throw new RevocationUnfit('revocation_unfit', message, { contract, signing })
    }
    if (!this.#keys.publicKeys.includes(signing)) await this.#keys.refresh()
    const proof = await this.#keys.signerOf(signing)?.sign(revocationBytes(revocation))
    if (proof === undefined) {
      const message = 'the node does not have the private key that the revocation brings in'
      throw new KeyUnknown('key_unknown', message, { publicKey: signing })
    }
    const signed = { revocation, signature, proof }
    if (!isWellSigned(state, signed)) {
      const message = 'the revocation is not signed with the recovery key of this party'
      throw new RevocationUnfit('revocation_unfit', message, { contract, signing })
    }
    await this.#append(keyRevoked(signed))
    this.#ports.announce(contract)
  }

  /** Other processes of the party learn of it by their subscription, this one at once. */
  async #append(event: ReturnType<typeof keyRevoked>): Promise<void> {
    const { events } = this.#ports
    await events.append(INVITATIONS_STREAM, 'any', [event])
    this.#contracts.revocations.learn(event)
  }

  /** Of every contract that this party is a member of. */
  async #standings(): Promise<KeyStanding[]> {
    const standings: KeyStanding[] = []
    const found = this.#contracts.visit<KeyStanding | null>(
      ({ summary, signing }, contract) => {
        if (summary?.standing !== 'member' || signing === null) return null
        return signing === this.#keys.newest ? { contract, signing } : undefined
      },
      (live, state) => (isMember(live) ? this.#standingIn(live, state) : null),
    )
    for await (const standing of found) if (standing !== null) standings.push(standing)
    return standings
  }

  #standingIn(live: LiveContract, state: AgreementState): KeyStanding {
    const { contract, self } = live
    const signing = signingIn(live)
    if (signing === this.#keys.newest) return { contract, signing }
    const pending = this.#contracts.revocations.pendingIn(state)
    if (pending !== undefined) {
      return { contract, signing, waitsFor: 'revocation', awaited: holdsAwaited(state, pending) }
    }
    if (this.#reservedIn(live) !== undefined) return { contract, signing, waitsFor: 'recovery key' }
    const isRevoked = isBeingRevoked(state, self)
    return { contract, signing, waitsFor: isRevoked ? 'revocation' : (live.obstacle ?? 'statement') }
  }

  #reservedIn({ state, self }: LiveContract): string | undefined {
    return this.#contracts.revocations.reservedIn(state, self)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stop()
    await this.#following
  }

  /** Passive contracts with the newest key stay passive; the others follow once they are active. */
  #followAll(): void {
    const follow = async () => {
      const { newest } = this.#keys
      const isDone = ({ summary, signing }: PassiveContract) => summary?.standing !== 'member' || signing === newest
      const all = this.#contracts.visit<true>(
        (passive, contract) => (isDone(passive) && !this.#contracts.revocations.concern(contract) ? true : undefined),
        (live) => {
          this.#follow(live)
          return true
        },
      )
      for await (const _ of all) if (this.#isClosed) return
    }
    this.#following = this.#following.then(follow).catch(this.#ports.failed)
  }

  #follow(live: LiveContract): void {
    const { newest, publicKeys } = this.#keys
    if (!isMember(live) || this.#preparing !== undefined) return
    const reserved = this.#reservedIn(live)
    if (reserved !== undefined) {
      if (!publicKeys.includes(reserved)) this.#lookFor(reserved)
      return
    }
    const signing = signingIn(live)
    if (!publicKeys.includes(signing)) this.#lookFor(signing)
    else if (signing !== newest) live.rotate(newest)
  }

  /** Another process of this party has had the key made, or it is a stranger's: then a person decides what follows. */
  #lookFor(signing: string): void {
    if (this.#foreign.has(signing)) return
    this.#foreign.add(signing)
    this.#keys.refresh().then(
      () => this.#followAll(),
      () => this.#foreign.delete(signing),
    )
  }
}

function isMember({ state, self }: LiveContract): boolean {
  return memberOf(state.ledger.document, self) !== undefined && nextKeyOf(state, self) !== undefined
}

function signingIn({ state, self }: LiveContract): string {
  return nextKeyOf(state, self) as string
}
