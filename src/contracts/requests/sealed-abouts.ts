import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { About } from '../../events/about.ts'
import type { Audience } from '../../events/audience.ts'
import type { Handle } from '../../events/ids.ts'
import { MESSAGE_ABOUTS_CHARACTERS_MAX } from '../../events/limits.ts'
import { SALT_BYTES, seal } from '../../events/seal.ts'
import type { Payload } from '../../events/statement.ts'
import type { Random } from '../../runtime/random.ts'

/** What a statement's refusals, or its withdrawals, have to say: each text sealed once, however often it is said (decision 0022). */
export class SealedAbouts {
  readonly #random: Random
  readonly #seals = new Map<string, Hash>()
  readonly #payloads: [Hash, Payload][] = []
  #characters = 0

  constructor(random: Random) {
    this.#random = random
  }

  get payloads(): readonly [Hash, Payload][] {
    return this.#payloads
  }

  /**
   * As a member of what it is about, with whom it is for: the audience of that. Nothing, where there is no text, or no room for one
   * more: then the code has to do.
   */
  member(about: About | undefined, audience?: Audience): { readonly about?: Hash; readonly audience?: Handle[] } {
    if (about === undefined) return {}
    // What nobody else gets is nobody else's to hear of.
    if (audience?.length === 0) return {}
    const meant = audience === undefined ? {} : { audience: [...audience] }
    const text = canonicalJson({ about, ...meant })
    const known = this.#seals.get(text)
    if (known !== undefined) return { ...meant, about: known }
    if (this.#characters + text.length > MESSAGE_ABOUTS_CHARACTERS_MAX) return {}
    this.#characters += text.length
    const sealed = seal(about, this.#random.bytes(SALT_BYTES))
    this.#seals.set(text, sealed.seal)
    this.#payloads.push([sealed.seal, sealed.payload])
    return { ...meant, about: sealed.seal }
  }
}
