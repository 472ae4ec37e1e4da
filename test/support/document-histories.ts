import fc from 'fast-check'
import { childAt, type Element } from '../../src/aggregates/contract/document/element.ts'
import { audienceAt } from '../../src/aggregates/contract/values/effective-audience.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Command } from '../../src/events/commands.ts'
import type { FieldType } from '../../src/events/field-type.ts'
import type { ElementId, Handle, ProposalId } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import { definitionHash } from '../../src/events/type-definition.ts'
import { type Act, type Document, entry, field, given, list } from './document.ts'
import { Party } from './document-party.ts'

const founder = new Party('founder')
const parties = [founder, ...['broker', 'lead', 'follower'].map((handle) => new Party(handle))]

/** One request, by numbers that are brought into range when it is written: so that any list of moves is a history. */
interface Move {
  readonly author: number
  readonly orders: readonly Order[]
}
export interface Order {
  readonly kind: (typeof kinds)[number]
  readonly at: number
  readonly which: number
  readonly name: string
  readonly owner: Handle | null | undefined
  readonly flag: boolean
}

const kinds = [
  'AddBlock',
  'AddField',
  'AddField',
  'AddList',
  'AddEntry',
  'AddEntry',
  'ArrangeChildren',
  'DefineType',
  'RenameElement',
  'RemoveElement',
  'GrantElement',
  'SetAudience',
  'SetAudience',
  'ProposeValue',
  'ProposeValue',
  'EmptyField',
  'WithdrawProposal',
  'CastVote',
  'InviteParty',
  'AdmitParty',
  'Resign',
] as const

export const order: fc.Arbitrary<Order> = fc.record({
  kind: fc.constantFrom(...kinds),
  at: fc.nat(1000),
  which: fc.nat(1000),
  // The fourth can be taken for the first, the last for the one before it.
  name: fc.constantFrom('A', 'B', 'C', '\u0410', '2', '1', 'l'),
  owner: fc.constantFrom(undefined, undefined, null, ...parties.map(({ handle }) => handle)),
  flag: fc.boolean(),
})

/** Collisions and void requests come up in them a lot, on purpose: names, elements and parties are few. */
export const histories: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({ author: fc.nat(100), orders: fc.array(order, { minLength: 1, maxLength: 4 }) }),
  { maxLength: 40, size: 'max' },
)

/** The documents on the way, one after each request. */
export function* play(moves: readonly Move[]): Generator<Document> {
  // One list in another is there from the first: few histories would come that far.
  const opened = given(founder.opens({ treeDepth: 7, members: 3, elements: 400 }), list('L'), field('L/0/A'))
  let document = opened.when(list('L/0/M', { entriesMax: 3 }), field('L/0/M/0/B'), entry('L'), entry('L/1/M'))
  for (const move of moves) {
    const { handles } = document
    const author = parties.find(({ handle }) => handle === handles[move.author % handles.length])
    if (author === undefined) return
    document = document.when(actOf(author, move))
    yield document
  }
}

function actOf(author: Party, { orders }: Move): Act {
  return {
    author: author.handle,
    write: (document) => {
      const values = new Map<Hash, Payload>()
      return { commands: orders.map((order, place) => commandOf(order, place, document, values)), values }
    },
  }
}

/** What a party orders on a document as it is then. `place`: in its request. What it seals is added to `values`. */
export function commandOf(
  order: Order,
  place: number,
  document: Pick<Document, 'head' | 'state'>,
  values: Map<Hash, Payload>,
): Command {
  const { kind, name, owner, flag } = order
  const elements = [...slotsUnder(document.state.document)]
  const { id: element, holds } = elements[order.at % elements.length] as Slot
  // Behind `#n` often what comes with it.
  const behind = ['', '.0', '.0', '.1', '.0.0'][order.which % 5]
  const ref = flag && place > 0 ? `#${order.at % place}${behind}` : element
  const party = parties[order.which % parties.length] as Party
  const standing = holds?.kind === 'field' ? standingAt(holds).map(({ id }) => id) : []
  const proposal = standing[order.which % standing.length] ?? ('founder.0.0.0' as ProposalId)
  const whose = owner === undefined ? {} : { owner }
  switch (kind) {
    case 'AddBlock':
      return { type: kind, parent: ref, name, ...whose }
    case 'AddField':
      return { type: kind, parent: ref, name, ...whose, field: typeOf(order, document) }
    case 'AddList': {
      const entry = order.which % 3 === 0 ? ({ type: 'party' } as const) : 'block'
      const key = { name: order.name, field: { type: 'party' } } as const
      return {
        type: kind,
        parent: ref,
        name,
        ...whose,
        entry,
        entriesMax: 3,
        ...(order.which % 2 === 0 ? { key } : {}),
      }
    }
    case 'AddEntry': {
      const lists = elements.filter(({ holds }) => holds?.kind === 'list')
      return { type: kind, list: lists[order.at % lists.length]?.id ?? ref }
    }
    case 'DefineType': {
      const bounds = flag ? { constraint: { lengthMax: order.which % 4 } } : {}
      return { type: kind, name, base: order.which % 5 === 0 ? 'party' : 'text', ...bounds, hints: { display: 'x' } }
    }
    case 'ArrangeChildren': {
      const blocks = elements.filter(({ holds }) => holds?.kind === 'block')
      const first = [3, 2, 1, 0].slice(order.which % 4)
      return { type: kind, block: blocks[order.at % blocks.length]?.id ?? ref, order: first }
    }
    case 'RenameElement':
      return { type: kind, element, name }
    case 'RemoveElement':
      return { type: kind, element }
    case 'GrantElement':
      return { type: kind, element, to: owner ?? null }
    case 'SetAudience': {
      const named = parties.filter((_, place) => (order.which >> place) % 2 === 0).map(({ handle }) => handle)
      return { type: kind, element: ref, parties: named.length === 0 ? null : named }
    }
    case 'ProposeValue': {
      const { seal: sealed, payload } = seal(party.handle, new Uint8Array(16))
      values.set(sealed, payload)
      const basis = standing.slice(0, order.which % 3)
      const held = order.which % 7 === 0 ? undefined : audienceAt(document.state, element)?.parties
      const meant = held && { audience: [...held] }
      return {
        ...meant,
        type: kind,
        field: ref,
        seal: sealed,
        basis,
        ...(order.which % 2 === 0 ? { exclusive: true } : {}),
      }
    }
    case 'EmptyField':
      return {
        type: kind,
        field: element,
        basis: standing.slice(0, order.which % 3),
        ...(flag ? { exclusive: true } : {}),
      }
    case 'WithdrawProposal':
      return { type: kind, field: element, proposal }
    case 'CastVote':
      return { type: kind, field: element, proposal, vote: flag ? 'yes' : 'no' }
    case 'InviteParty':
      return { type: kind, party: party.card }
    case 'AdmitParty':
      return { type: kind, accepted: party.accepts(document) }
    case 'Resign':
      return { type: kind }
  }
}

/** Now and then one that the contract defines, old definitions too. */
function typeOf({ which, flag }: Order, { state }: Pick<Document, 'state'>): FieldType {
  const defined = [...state.types.defined]
  const definition = which % 3 === 0 ? defined[which % defined.length] : undefined
  if (definition !== undefined) return { type: 'custom', definition: definitionHash(definition) }
  return { type: flag ? 'text' : 'party' }
}

interface Slot {
  readonly id: ElementId
  readonly holds: Element | undefined
}

/** All elements that are there, in prototypes and entries too, and the places of those that were removed. */
export function* slotsUnder(element: Element): Generator<Slot> {
  yield { id: element.id, holds: element }
  if (element.kind === 'field') return
  const slots = element.kind === 'block' ? element.children.slots : element.entries.tree.slots
  for (let ordinal = 0; ordinal < slots; ordinal++) {
    const child = childAt(element, ordinal)
    if (child !== undefined) yield* slotsUnder(child)
    else yield { id: `${element.id}.${ordinal}` as ElementId, holds: undefined }
  }
}
