import t from 'tap'
import { mediaTypes } from '../../../src/events/attachments/attachment.ts'
import { given } from '../../support/document.ts'
import { both, broker, inForce, lead } from '../../support/ruled-document.ts'

const wording = { bytes: 3, hash: 'a'.repeat(64), name: 'wording.pdf', type: 'application/pdf' }
const document = given(
  both,
  broker.addsField('Wording', { type: 'attachment' }),
  broker.addsField('Title', { type: 'text' }),
)
const fate = (value: unknown, field = 'Wording') => document.when(lead.proposes(field, value)).fate

t.test('a field for attachments takes what names a file of a safe type, and nothing else', async (t) => {
  for (const type of mediaTypes) t.equal(fate({ ...wording, type }), 'accepted')
  const form = { code: 'value_wrong_type', command: 0, with: ['attachment'] }
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/javascript',
    'application/zip',
    'Text/Plain',
    'text/plain; charset=utf-8',
    '',
  ])
    t.same(fate({ ...wording, type }), form, type)
  for (const name of ['', 'a/b', '..', 'a\\b', 'a\u202egpj.exe', 'a\u0000', ' a', 'x'.repeat(201), 'e\u0301'])
    t.same(fate({ ...wording, name }), form, JSON.stringify(name))
  t.equal(fate({ ...wording, name: 'é (final) — 1.pdf' }), 'accepted')
  for (const bytes of [0, -1, 1.5, '3', null, 64 * 1024 * 1024 + 1]) t.same(fate({ ...wording, bytes }), form)
  for (const hash of ['', 'A'.repeat(64), 'a'.repeat(63), null]) t.same(fate({ ...wording, hash }), form)
  for (const value of ['x', 1, null, [], {}, { ...wording, more: 1 }]) t.same(fate(value), form)
  const limit = 16 * 1024 * 1024
  t.equal(fate({ ...wording, bytes: limit }), 'accepted')
  t.same(fate({ ...wording, bytes: limit + 1 }), { code: 'limit_exceeded', command: 0, with: ['attachmentBytes'] })
  t.same(fate(wording, 'Title'), { code: 'value_wrong_type', command: 0, with: ['text'] })
})

t.test('rules compare an attachment, and can do nothing else with it', async (t) => {
  const two = document.when(broker.addsField('Signed wording', { type: 'attachment' }))
  const live = inForce(two, ['', { constraint: '`Signed wording` = null or `Signed wording` = Wording' }])
  const first = live.when(lead.proposes('Wording', wording))
  t.match(first.when(lead.proposes('Signed wording', { ...wording, name: 'other.pdf' })).fate, { code: 'rule_broken' })
  t.equal(first.when(lead.proposes('Signed wording', wording)).fate, 'accepted')
  const drafts = two.when(broker.addsRuleSet('Rules'))
  t.match(drafts.when(broker.drafts('', { assign: 'Wording', to: 'Signed wording' })).fate, {
    code: 'rule_unfit',
    with: ['target_attachment'],
  })
  for (const constraint of [
    'Wording < `Signed wording`',
    'Wording = "x"',
    'Wording.name = "x"',
    'string length(Wording) > 1',
  ])
    t.throws(() => drafts.when(broker.drafts('', { constraint })), /expression_/, constraint)
})
