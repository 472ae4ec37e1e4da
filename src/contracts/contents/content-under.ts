import { isAttachment } from '../../events/attachments/attachment.ts'
import type { ContentName, NamedContent } from '../../events/attachments/content.ts'
import type { Handle, Seq, Uid } from '../../events/ids.ts'
import { confidentialSealsOf, SealedDamaged, valueSealsOf, valueUnder } from '../../events/seal.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import { groupOf } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'

/** What a statement says of the content of that name; undefined: it names none, or the value that does is not held here. */
export async function contentUnder(
  payloads: PayloadStore,
  contract: Uid,
  { statement }: Pick<SignedStatement, 'statement'>,
  name: ContentName,
): Promise<NamedContent | undefined> {
  const { party, requests, seq } = statement
  if (!valueSealsOf(requests).has(name) && !confidentialSealsOf(requests).has(name)) return undefined
  return attachmentUnder(payloads, contract, party, seq, name)
}

/** What the value under a seal that a statement names says; undefined: it is no attachment, or not held here. */
export async function attachmentUnder(
  payloads: PayloadStore,
  contract: Uid,
  handle: Handle,
  seq: Seq,
  name: ContentName,
): Promise<NamedContent | undefined> {
  const text = (await payloads.get(contract, [{ group: groupOf({ handle, seq }), seal: name }])).get(name)
  if (text === undefined) return undefined
  try {
    const value = valueUnder(name, text)
    return isAttachment(value) ? { bytes: value.bytes, hash: value.hash, name } : undefined
  } catch (error) {
    if (error instanceof SealedDamaged) return undefined
    throw error
  }
}
