import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { contract } from '../../../src/aggregates/contract/decide.ts'
import { type Block, childNamed } from '../../../src/aggregates/contract/document/element.ts'
import type { ContractState } from '../../../src/aggregates/contract/state.ts'
import { type Document, UID } from '../../support/document.ts'
import { histories, play, slotsUnder } from '../../support/document-histories.ts'
import { naiveRecordHash } from '../../support/naive-record-hash.ts'
import { documentFrom, snapshotOfDocument } from '../../support/snapshots-at-once.ts'

function rebuilt(entries: Document['entries'], from: ContractState = contract.initialState(UID)): ContractState {
  return entries.reduce(
    (state, entry) => entry.events.reduce((current, event) => contract.evolve(current, event, entry), state),
    from,
  )
}

function blocksIn(state: ContractState): Block[] {
  return [...slotsUnder(state.document)].flatMap(({ holds }) => (holds?.kind === 'block' ? [holds] : []))
}

t.test('the events of a ledger rebuild the document that it led to', async (t) => {
  fc.assert(
    fc.property(histories, (moves) => {
      for (const document of play(moves)) {
        const state = rebuilt(document.entries)
        equal(naiveRecordHash(state), naiveRecordHash(document.state))
        deepEqual(state.parties, document.state.parties)
      }
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('a void request changes nothing, whatever commands stand before the one that breaks a rule', async (t) => {
  let voided = 0
  fc.assert(
    fc.property(histories, (moves) => {
      let before: ContractState | undefined
      for (const document of play(moves)) {
        if (document.fate !== 'accepted' && before !== undefined) {
          equal(document.state, before)
          deepEqual(document.events, [])
          voided++
        }
        before = document.state
      }
    }),
  )
  t.ok(voided > 100, 'there were some')
})

t.test('a document that was, stays what it was', async (t) => {
  fc.assert(
    fc.property(histories, (moves) => {
      const documents = [...play(moves)]
      const before = documents.map(({ state }) => naiveRecordHash(state))
      for (const document of documents) rebuilt(documents.at(-1)?.entries ?? [], document.state)
      deepEqual(
        documents.map(({ state }) => naiveRecordHash(state)),
        before,
      )
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('never throws, even on the history of another document', async (t) => {
  fc.assert(
    fc.property(histories, histories, (moves, others) => {
      const [document, other] = [[...play(moves)].at(-1), [...play(others)].at(-1)]
      if (document === undefined || other === undefined) return
      rebuilt(other.entries, document.state)
      for (const { index, request, events } of other.entries) {
        for (const event of events) contract.evolve(contract.initialState(UID), event, { index, request })
      }
    }),
  )
  const root = { type: 'ElementRemoved', element: contract.initialState(UID).document.id } as const
  const nowhere = { index: 0, request: { handle: 'founder' as never, seq: 0, index: 0 } }
  t.same(contract.evolve(contract.initialState(UID), root, nowhere), contract.initialState(UID))
})

t.test('the names in a block are those of its children, each once, none like another', async (t) => {
  fc.assert(
    fc.property(histories, (moves) => {
      for (const { state } of play(moves)) {
        for (const block of [...blocksIn(state), ...blocksIn(documentFrom(snapshotOfDocument(state)))]) {
          const children = [...block.children]
          equal(block.skeletons.size, children.length)
          for (const child of children) equal(childNamed(block, child.name)?.id, child.id)
        }
      }
    }),
  )
  t.pass()
})

t.test('an element is where its id says, and no party has two candidates at one field', async (t) => {
  fc.assert(
    fc.property(histories, (moves) => {
      for (const { state } of play(moves)) {
        for (const { id, holds } of slotsUnder(state.document)) {
          ok(holds === undefined || holds.id === id)
          if (holds?.kind !== 'field') continue
          equal(new Set(holds.candidates.map(({ by }) => by)).size, holds.candidates.length)
        }
      }
    }),
  )
  t.pass()
})
