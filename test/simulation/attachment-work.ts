import {
  type ContractState,
  type Former,
  find,
  formerOf,
  memberOf,
  membersOf,
} from '../../src/aggregates/contract/state.ts'
import { audienceAt } from '../../src/aggregates/contract/values/effective-audience.ts'
import { type Agreed, standingAt } from '../../src/aggregates/contract/values/standing.ts'
import { bytesOf, leavesOf } from '../../src/contracts/contents/content-files.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { isAttachment } from '../../src/events/attachments/attachment.ts'
import { CONTENT_PIECE_BYTES, type NamedContent } from '../../src/events/attachments/content.ts'
import { type ElementId, type Handle, type RequestRef, requestKey, requestOf } from '../../src/events/ids.ts'
import type { LedgerEntry } from '../../src/events/ledger-entry.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import { contentOf } from '../../src/merkle/content-tree.ts'
import { groupOf } from '../../src/store/payload-group.ts'
import type { Machine } from './machine.ts'
import { Violation } from './oracle.ts'
import type { Run } from './run.ts'
import type { SeededRandom } from './seeded-random.ts'

export interface AttachmentAsked {
  readonly command: { readonly type: string; readonly [key: string]: unknown }
  readonly payloads: { [seal: Hash]: Payload }
  readonly content: NamedContent
  readonly bytes: Uint8Array
  /** Whether another member that is honest has to take the value: what no such one judges is agreed with whatever its author has. */
  readonly isJudged: boolean
}

/** A file of one piece to three that a member puts at a field. */
export function attachmentWork(
  state: ContractState,
  self: Handle,
  id: ElementId,
  random: SeededRandom,
  isHonest: (handle: Handle) => boolean,
): AttachmentAsked | undefined {
  const field = find(state, id)
  const audience = audienceAt(state, id)?.parties
  if (field?.kind !== 'field' || audience?.includes(self) === false) return undefined
  const bytes = new Uint8Array(random.below(3) * CONTENT_PIECE_BYTES + 1 + random.below(100))
  bytes.fill(random.below(256))
  bytes.set(random.bytes(Math.min(16, bytes.length)))
  const { bytes: length, hash } = contentOf(bytes)
  const value = { bytes: length, hash, name: `${self}.txt`, type: 'text/plain' }
  const sealed = seal(value, random.bytes(16))
  const basis = standingAt(field).map((standing) => standing.id)
  const confidential = audience === undefined ? {} : { audience: [...audience] }
  return {
    bytes,
    command: { type: 'ProposeValue', field: id, seal: sealed.seal, basis, ...confidential },
    content: { bytes: length, hash, name: sealed.seal },
    isJudged: membersOf(state).some(
      ({ card: { handle } }) => handle !== self && isHonest(handle) && audience?.includes(handle) !== false,
    ),
    payloads: { [sealed.seal]: sealed.payload },
  }
}

/** Whoever holds the value that stands at a field has, in the end, all bytes that it names. */
export async function checkAttachments(run: Run): Promise<void> {
  if (run.options.attachments === 0 || run.options.passive) return
  for (const machine of run.machines) {
    const document = (await machine.live(run.contract))?.state.settling.agreed
    if (document === undefined || !run.isHonest(machine)) continue
    for (const id of attachmentFields(run)) {
      const field = find(document, id)
      const agreed = field?.kind === 'field' ? field.agreed : null
      if (agreed === null || agreed === undefined) continue
      const text = await machine.disk.payload(run.contract, { group: groupOf(requestOf(agreed.id)), seal: agreed.seal })
      const value: unknown = text === undefined ? undefined : (JSON.parse(text) as Payload).value
      if (!isAttachment(value)) continue
      const content = { bytes: value.bytes, hash: value.hash as Hash, name: agreed.seal }
      const { payloads } = machine.disk
      const leaves = await leavesOf(payloads, run.contract, content)
      if (leaves === undefined) {
        if (isOutOfAudience(document, id, agreed, machine.handle)) {
          run.count('attachments that left with an audience')
          continue
        }
        if (await isLostWithDisk(run, machine, agreed.id, content)) run.count('attachments lost with a disk')
        else if (await wasNeverThere(run, machine, document, agreed)) run.count('files that nobody was left to ask for')
        else throw new Violation(`${machine.handle} lacks bytes of ${id}`)
        continue
      }
      let length = 0
      for await (const piece of bytesOf(payloads, run.contract, content, leaves, 0, value.bytes)) length += piece.length
      if (length !== value.bytes)
        throw new Violation(`${machine.handle} has ${length} of ${value.bytes} bytes of ${id}`)
      run.count('attachments held in the end')
    }
  }
}

/** Who was taken out of its audience with the value, and before the bytes came, is given these no more (decision 0127). */
function isOutOfAudience(document: ContractState, id: ElementId, agreed: Agreed, handle: Handle): boolean {
  if (agreed.audience === undefined || agreed.by === handle) return false
  return audienceAt(document, id)?.parties.includes(handle) !== true
}

/** Its author was alone when it was agreed, an old backup has taken the place of its disk since, and nobody had come to have the bytes. */
async function isLostWithDisk(run: Run, { disk }: Machine, id: string, content: NamedContent): Promise<boolean> {
  if (!run.wasSetBack) return false
  const made = requestOf(id)
  const at = await entryOf(run, disk, made)
  for (const machine of run.machines) {
    if (!run.isHonest(machine)) continue
    if ((await leavesOf(machine.disk.payloads, run.contract, content)) !== undefined) return false
    const agreed = (await machine.live(run.contract))?.state.settling.agreed
    const member = agreed && memberOf(agreed, machine.handle)
    if (machine.handle !== made.handle && member !== undefined && member.admittedAt <= at) return false
  }
  return at >= 0
}

/** Its author named a file that it did not have, and everybody honest whom the value is for had resigned, or had not come, when that was agreed. */
async function wasNeverThere(run: Run, { disk }: Machine, document: ContractState, agreed: Agreed): Promise<boolean> {
  if (agreed.seal === null || !run.filesNotBrought.has(agreed.seal)) return false
  const at = await entryOf(run, disk, requestOf(agreed.id))
  return run.machines.every((machine) => {
    const { handle } = machine
    if (handle === agreed.by || !run.isHonest(machine) || agreed.audience?.includes(handle) === false) return true
    const was = memberOf(document, handle) ?? formerOf(document, handle)
    return was === undefined || was.admittedAt > at || ('resignedAt' in was && (was as Former).resignedAt < at)
  })
}

async function entryOf(run: Run, disk: Machine['disk'], made: RequestRef): Promise<number> {
  const entries = (await disk.ledgerOf(run.contract)).map((text) => JSON.parse(text) as LedgerEntry)
  return entries.findIndex(({ request }) => requestKey(request) === requestKey(made))
}

/** Behind all others that the founder adds; and one in the confidential block. */
export function attachmentFields({ options: { audiences, fields, rules } }: Run): ElementId[] {
  const place = fields + 1 + Number(rules > 0)
  const inBlock = audiences > 0 ? [`0.${place}.1`] : []
  return [`0.${place + Number(audiences > 0)}`, ...inBlock] as ElementId[]
}
