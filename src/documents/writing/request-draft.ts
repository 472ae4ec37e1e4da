import { builtInOf, type Types } from '../../aggregates/contract/document/types.ts'
import { valueFault } from '../../aggregates/contract/values/value-types.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Audience } from '../../events/audience.ts'
import type { Command } from '../../events/commands.ts'
import type { FieldType } from '../../events/field-type.ts'
import type { ElementId, ProposalId } from '../../events/ids.ts'
import { seal } from '../../events/seal.ts'
import type { Payload, Payloads } from '../../events/statement.ts'
import type { Awaited } from '../candidates/fates.ts'
import type { OwnCandidate } from '../candidates/own-candidates.ts'
import { isSealed } from '../sealed-value.ts'
import { isObject, WriteUnfit, wireValue } from './written-value.ts'

/** What is written to. */
export interface Ground {
  /** Those that the contract defines. */
  readonly types: Types
  /** What stands agreed at and below the element, as far as it is held here. By the ids of fields. */
  readonly agreed: ReadonlyMap<ElementId, unknown>
  /** What this party has put up there before, and waits for votes. By the ids of fields. */
  readonly own: ReadonlyMap<ElementId, OwnCandidate>
  /** Who gets values at an element; undefined: everybody. */
  readonly audienceAt: (element: ElementId) => Audience | undefined
  readonly newSalt: () => Uint8Array
  /** A file that has been brought and that no request names yet. */
  readonly fileUnder: (seal: string) => { readonly seal: Hash; readonly payload: Payload } | undefined
}

/** The commands of one request with what they seal, and what of it this party has put up before. */
export interface Gathered {
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  readonly awaited: readonly Awaited[]
}

/** One request as it is being written. */
export class RequestDraft {
  readonly types: Types
  readonly audienceAt: Ground['audienceAt']
  readonly #newSalt: () => Uint8Array
  readonly #fileUnder: Ground['fileUnder']
  readonly #awaited: Awaited[] = []
  readonly #commands: Command[] = []
  readonly #payloads: { [seal: string]: Payload } = {}

  constructor({ types, newSalt, audienceAt, fileUnder }: Ground) {
    this.types = types
    this.audienceAt = audienceAt
    this.#newSalt = newSalt
    this.#fileUnder = fileUnder
  }

  get gathered(): Gathered {
    return { commands: this.#commands, payloads: this.#payloads, awaited: this.#awaited }
  }

  /** Returns how the commands after it name the element that it adds. */
  push(command: Command): string {
    this.#commands.push(command)
    return `#${this.#commands.length - 1}`
  }

  awaits(own: OwnCandidate): void {
    this.#awaited.push(own)
  }

  /** `audience`: of the field. */
  proposeValue(
    { field, basis, exclusive }: { readonly field: string; readonly basis: ProposalId[]; readonly exclusive?: true },
    type: FieldType,
    value: unknown,
    audience: Audience | undefined,
  ): void {
    const sealed = this.#seal(type, value, audience)
    const confidential = audience === undefined ? {} : { audience: [...audience] }
    const once = exclusive === undefined ? {} : { exclusive }
    // In canonical order: then writing it costs least.
    this.push({ ...confidential, basis, ...once, field, seal: sealed, type: 'ProposeValue' })
  }

  /** The ledger judges no confidential value, so its author does. */
  #seal(type: FieldType, value: unknown, audience: Audience | undefined) {
    if (isSealed(value)) {
      const message =
        '$sealed stands for a value that is not held here, and for no other: leave it out, or write a value'
      throw new WriteUnfit('write_unfit', message)
    }
    const builtIn = builtInOf(type, this.types)
    if (builtIn.type === 'attachment') return this.#fileNamed(value)
    const written = wireValue(builtIn, value)
    const fault = audience === undefined ? undefined : valueFault(type, written, () => true, this.types)
    if (fault !== undefined) {
      const expected = builtIn.type
      throw new WriteUnfit('write_unfit', `the value is not one of the type ${expected}`, { expected, fault })
    }
    const { seal: sealed, payload } = seal(written, this.#newSalt())
    this.#payloads[sealed] = payload
    return sealed
  }

  #fileNamed(value: unknown) {
    if (!isObject(value) || typeof value.$file !== 'string') {
      const message =
        'an attachment is uploaded, not written: PUT its bytes to the Attachments of the contract, or POST them there and write {"$file": …}'
      throw new WriteUnfit('write_unfit', message, { expected: 'attachment' })
    }
    const file = this.#fileUnder(value.$file)
    if (file === undefined) {
      const message = 'there is no file of that name any more: it is kept for an hour, and for one request'
      throw new WriteUnfit('write_unfit', message, { name: value.$file })
    }
    if (this.#payloads[file.seal] !== undefined)
      throw new WriteUnfit('write_unfit', 'one file stands at one field: bring it once more', { name: value.$file })
    this.#payloads[file.seal] = file.payload
    return file.seal
  }
}
