import t from 'tap'
import type { Field } from '../../src/aggregates/contract/document/element.ts'
import { find } from '../../src/aggregates/contract/state.ts'
import { feedOf, statementAt } from '../../src/agreement/feeds.ts'
import { withHistory } from '../../src/agreement/history/looking-back.ts'
import { proveFile } from '../../src/audit/file-proof.ts'
import { settledAt } from '../../src/contracts/replica/find-settled.ts'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import { type ElementId, requestOf } from '../../src/events/ids.ts'
import { encodeEntry } from '../../src/events/ledger-entry.ts'
import { contentOf } from '../../src/merkle/content-tree.ts'
import { attached, attaches, bytesWith } from '../support/attachments.ts'
import { FIELD, withAttachments } from '../support/linked-attachments.ts'
import { liveAt, proposes } from '../support/linked-parties.ts'

t.test(
  'a file is held against what its author has signed, and all have agreed to, with nothing but the two',
  async (t) => {
    const { ana, ben, cleo, uid } = await withAttachments(t)
    const bytes = bytesWith(3)
    const { submission, seal } = await attaches(ana[0], uid, FIELD, bytes)
    t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
    t.match(await (await proposes(cleo[0], uid, 'x')).verdict, { outcome: { kind: 'accepted' } })
    const live = await liveAt(ben[0], uid)
    const evidence = await withHistory(live, async (state) => {
      const head = settledHead(state)
      const { agreed } = find(state.settling.agreed, FIELD as ElementId) as Field
      const proposal = agreed?.id ?? ''
      const { handle, seq } = requestOf(proposal)
      const { text = '', signature = '' } = statementAt(state.feeds, handle, seq) ?? {}
      const entries = await Promise.all(
        Array.from({ length: head.size }, (_, index) => settledAt(ben[1].store.events, uid, index)),
      )
      const index = entries.findIndex((entry) => JSON.stringify(entry?.events).includes(proposal))
      const notes = [ana, ben, cleo].flatMap(([, { card }]) => {
        const note = feedOf(state.feeds, card.handle).newestNoted()?.statement.note
        return note === undefined ? [] : [{ party: card.handle, note }]
      })
      const value = {
        at: 'Wording',
        proposal,
        seal,
        opened: attached(bytes).payload,
        statement: { text, signature },
        index,
        entry: encodeEntry(entries[index] as never),
        inclusion: state.ledger.log.inclusionProof(index, head.size),
      }
      return { head, notes, values: [value] }
    })
    const [value] = evidence.values as [(typeof evidence.values)[0]]
    const keyOf = ([, { card }]: typeof ana) => [card.handle, card.keys.signing] as const
    const file = contentOf(bytes)
    const keys = new Map<string, string>([keyOf(ana), keyOf(ben)])
    t.match(proveFile(evidence, file, { keys }), [
      { at: 'Wording', by: 'ana', contract: uid, index: value.index, isSigned: true, name: 'terms.pdf', seal },
    ])
    t.match(proveFile(evidence, file, { keys: new Map(), seal }), [{ isSigned: false, cosigned: [] }])

    const fails = (changed: object, message: RegExp, more: object = {}) =>
      t.throws(() => proveFile({ ...evidence, ...changed }, file, { keys, ...more }), { message })
    const withValue = (changed: object) => ({ values: [{ ...value, ...changed }] })
    t.throws(() => proveFile(evidence, contentOf(bytesWith(3, 2)), { keys }), { message: /its bytes are others/ })
    t.throws(() => proveFile([], file, { keys }), { code: 'evidence_proves_nothing' })
    fails({}, /no value under/, { seal: '0'.repeat(64) })
    fails({}, /not signed with the key of ana/, { keys: new Map([['ana', keyOf(ben)[1]]]) })
    fails(withValue({ opened: { ...value.opened, salt: attached(bytes, {}, 1).payload.salt } }), /not what was sealed/)
    fails(withValue({ statement: undefined }), /a rule has computed it/)
    fails(withValue({ proposal: value.proposal.replace('ana', 'ben') }), /does not put/)
    fails(withValue({ seal: '0'.repeat(64) }), /not what was sealed/)
    fails(withValue({ index: value.index - 1 }), /root/)
    fails(withValue({ entry: value.entry.replace('accepted', 'refused') }), /root/)
    fails({ head: { ...evidence.head, root: '0'.repeat(64) } }, /root/)
  },
)
