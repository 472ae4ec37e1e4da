import { memberOf } from '../aggregates/contract/state.ts'
import { isBeingRevoked, nextKeyOf } from '../agreement/keys.ts'
import type { Uid } from '../events/ids.ts'
import type { Contracts } from './contracts.ts'
import type { LiveContract } from './live-contract.ts'

/** The signing keys of a party. */
export interface SigningKeys {
  /** base64url, 32 bytes; oldest first. */
  readonly publicKeys: readonly string[]
  /** The one under which every feed is to go on. */
  readonly newest: string
  /** Makes a new one, durable on return. */
  add(): Promise<string>
  /** Looks which there are: another process of the party may have had one made. */
  refresh(): Promise<void>
}

/** What is known of the signing keys, and how they are changed; `KeyRotation`, or by way of the outbox. */
export interface KeyChanging {
  show(): Promise<{ readonly keys: readonly string[]; readonly contracts: readonly KeyStanding[] }>
  /** The answer is the new public key. */
  rotate(): Promise<string>
}

/** Under which key a contract goes on. */
export interface KeyStanding {
  readonly contract: Uid
  /** Of this party's next statement there. */
  readonly signing: string
  /** Why it is not the newest yet: it takes its time, the contract is silent, or a revocation comes first. */
  readonly waitsFor?: string
}

/**
 * Brings every contract of which this party is a member to its newest signing key: those that are there, those that come
 * later, and after a restart those that were not reached before. Nothing but the key's file has to be remembered for it.
 */
export class KeyRotation implements KeyChanging {
  readonly #contracts: Contracts
  readonly #keys: SigningKeys
  readonly #stop: () => void
  /** Keys that were none of ours when they were looked for: brought in by whoever else can sign. */
  readonly #foreign = new Set<string>()

  constructor(contracts: Contracts, keys: SigningKeys) {
    this.#contracts = contracts
    this.#keys = keys
    this.#stop = contracts.listen({ news: (live) => this.#follow(live) })
    this.#followAll()
  }

  async show() {
    return { keys: this.#keys.publicKeys, contracts: this.standings() }
  }

  /** The answer is the new public key; contracts take it one by one (`standings`). */
  async rotate(): Promise<string> {
    const signing = await this.#keys.add()
    this.#followAll()
    return signing
  }

  /** Of every contract that this party is a member of. */
  standings(): KeyStanding[] {
    return [...this.#contracts.all()].filter(isMember).map((live) => {
      const { contract } = live
      const signing = signingIn(live)
      if (signing === this.#keys.newest) return { contract, signing }
      const isRevoked = isBeingRevoked(live.state, live.self)
      return { contract, signing, waitsFor: isRevoked ? 'revocation' : (live.obstacle ?? 'statement') }
    })
  }

  close(): void {
    this.#stop()
  }

  #followAll(): void {
    for (const live of this.#contracts.all()) this.#follow(live)
  }

  #follow(live: LiveContract): void {
    const { newest, publicKeys } = this.#keys
    if (!isMember(live)) return
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
