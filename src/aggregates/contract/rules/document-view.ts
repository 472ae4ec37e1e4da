import type { Hash } from '../../../crypto/hash.ts'
import type { ElementId } from '../../../events/ids.ts'
import type { Payload } from '../../../events/statement.ts'
import type { DocumentView } from '../../rules/schema.ts'
import { parseDateTime } from '../../rules/values/calendar.ts'
import { valueOfField } from '../../rules/values/field-values.ts'
import type { Value } from '../../rules/values/values.ts'
import { entriesOf } from '../document/element.ts'
import { builtInOf } from '../document/types.ts'
import { isErased } from '../erased-values.ts'
import { type ContractState, find } from '../state.ts'
import type { Agreed } from '../values/standing.ts'
import { isActive } from './activity.ts'

/** What is under the seal of a value that stands; undefined where it is not held here. */
export type Open = (value: Pick<Agreed, 'id' | 'revealedBy' | 'seal'>) => Payload | undefined

/** What only some have is nothing to a rule. */
function isRead(agreed: Agreed | null): agreed is Agreed {
  return agreed !== null && agreed.audience === undefined
}

/** A document as expressions read it. Notes which values it could not open: what was computed without them says nothing. */
export class OpenedDocument implements DocumentView {
  readonly #state: ContractState
  readonly #open: Open
  readonly #lacking: Set<Hash>
  readonly #time: string | undefined

  /** `time`: of the request that is judged. */
  constructor(state: ContractState, open: Open, lacking: Set<Hash>, time?: string) {
    this.#state = state
    this.#open = open
    this.#lacking = lacking
    this.#time = time
  }

  requestTime(): Value | null {
    const time = this.#time === undefined ? 'date_unfit' : parseDateTime(this.#time)
    return typeof time === 'string' ? null : time
  }

  value(id: ElementId): Value | null {
    const field = find(this.#state, id)
    if (field?.kind !== 'field' || !isRead(field.agreed) || !isActive(this.#state, id)) return null
    if (isErased(this.#state, field.agreed.seal)) return null
    const opened = this.#open(field.agreed)
    if (opened === undefined) {
      this.#lacking.add(field.agreed.seal)
      return null
    }
    return valueOfField(builtInOf(field.field, this.#state.types), opened.value)
  }

  entries(id: ElementId): readonly ElementId[] {
    const list = find(this.#state, id)
    if (list?.kind !== 'list' || !isActive(this.#state, id)) return []
    return [...entriesOf(list)].map((entry) => entry.id)
  }

  /** Of what stands at a field; undefined where nothing does, or what does is inactive or erased. */
  payload(id: ElementId): Payload | undefined {
    const field = find(this.#state, id)
    if (field?.kind !== 'field' || !isRead(field.agreed) || !isActive(this.#state, id)) return undefined
    if (isErased(this.#state, field.agreed.seal)) return undefined
    const opened = this.#open(field.agreed)
    if (opened === undefined) this.#lacking.add(field.agreed.seal)
    return opened
  }
}
