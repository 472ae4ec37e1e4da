import fc from 'fast-check'
import { type Block, type Element, standingAt } from '../../src/aggregates/contract/state.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Command } from '../../src/events/commands.ts'
import type { ElementId, Handle, ProposalId } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import { type Act, type Document, given } from './document.ts'
import { Party } from './document-party.ts'

const founder = new Party('founder')
const parties = [founder, ...['broker', 'lead', 'follower'].map((handle) => new Party(handle))]

/** One request, by numbers that are brought into range when it is written: so that any list of moves is a history. */
interface Move {
  readonly author: number
  readonly orders: readonly Order[]
}
interface Order {
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
  'RenameElement',
  'RemoveElement',
  'GrantElement',
  'ProposeValue',
  'ProposeValue',
  'EmptyField',
  'WithdrawProposal',
  'CastVote',
  'InviteParty',
  'AdmitParty',
  'Resign',
] as const

const order: fc.Arbitrary<Order> = fc.record({
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
  let document = given(founder.opens({ treeDepth: 4, members: 3 }))
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

function commandOf(order: Order, place: number, document: Document, values: Map<Hash, Payload>): Command {
  const { kind, name, owner, flag } = order
  const elements = [...slotsUnder(document.state.document)]
  const { id: element, holds } = elements[order.at % elements.length] as Slot
  const ref = flag && place > 0 ? `#${order.at % place}` : element
  const party = parties[order.which % parties.length] as Party
  const standing = holds?.kind === 'field' ? standingAt(holds).map(({ id }) => id) : []
  const proposal = standing[order.which % standing.length] ?? ('founder.0.0.0' as ProposalId)
  const whose = owner === undefined ? {} : { owner }
  const called = order.which % 4 === 0 ? {} : { name }
  switch (kind) {
    case 'AddBlock':
      return { type: kind, parent: ref, ...called, ...whose, ...(flag ? { list: true } : {}) }
    case 'AddField':
      return { type: kind, parent: ref, ...called, ...whose, field: { type: flag ? 'text' : 'party' } }
    case 'RenameElement':
      return { type: kind, element, name }
    case 'RemoveElement':
      return { type: kind, element }
    case 'GrantElement':
      return { type: kind, element, to: owner ?? null }
    case 'ProposeValue': {
      const { seal: sealed, payload } = seal(party.handle, new Uint8Array(16))
      values.set(sealed, payload)
      const basis = standing.slice(0, order.which % 3)
      return { type: kind, field: ref, seal: sealed, basis, ...(order.which % 2 === 0 ? { exclusive: true } : {}) }
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

interface Slot {
  readonly id: ElementId
  readonly holds: Element | undefined
}

/** All elements that are there, and the places of those that were removed. */
export function* slotsUnder(block: Block): Generator<Slot> {
  yield { id: block.id, holds: block }
  for (let ordinal = 0; ordinal < block.children.slots; ordinal++) {
    const child = block.children.get(ordinal)
    if (child?.kind === 'block') yield* slotsUnder(child)
    else yield { id: `${block.id}.${ordinal}` as ElementId, holds: child }
  }
}
