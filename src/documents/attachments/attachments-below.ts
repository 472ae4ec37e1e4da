import { childrenOf, type Element } from '../../aggregates/contract/document/element.ts'
import { builtInOf } from '../../aggregates/contract/document/types.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { type Attachment, isAttachment } from '../../events/attachments/attachment.ts'
import type { Uid } from '../../events/ids.ts'
import { AgreedView, type HeldPayloads } from '../agreed-view.ts'
import { pathOf } from '../written-rule.ts'

export interface ShownAttachment extends Attachment {
  readonly at: string
}

/** The files that stand agreed at and below an element, as far as they are held here. */
export async function attachmentsBelow(
  element: Element,
  state: ContractState,
  payloads: HeldPayloads,
): Promise<ShownAttachment[]> {
  const fields = [...fieldsIn(element)].filter(({ field }) => builtInOf(field, state.types).type === 'attachment')
  const values = await new AgreedView(state, state.contract as Uid, payloads).agreedIn(fields)
  return fields.flatMap(({ id }) => {
    const value = values.get(id)
    return isAttachment(value) ? [{ at: pathOf(id, state), ...value }] : []
  })
}

function* fieldsIn(element: Element): Generator<Extract<Element, { kind: 'field' }>> {
  if (element.kind === 'field') yield element
  else for (const child of childrenOf(element)) yield* fieldsIn(child)
}
