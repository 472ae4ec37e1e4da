import { completed } from '../../src/runtime/turns.ts'
import { contentOf } from '../../src/merkle/content-tree.ts'
import { statementDue } from '../../src/agreement/draft.ts'
import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import { sign } from '../../src/crypto/key-pair.ts'
import { declineBytes } from '../../src/events/parties/decline.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { definitionHash } from '../../src/events/type-definition.ts'
import type { ElementId, Handle, RequestRef } from '../../src/events/ids.ts'
import { type SignedStatement, decodeSigned, encodeSigned } from '../../src/events/statement-codec.ts'
import { isFor, recipientsIn } from '../../src/events/recipients.ts'
import { seal } from '../../src/events/seal.ts'
import { both as bothEngines } from '../support/engine-2.ts'
import { keyFrom, seedOf } from '../support/keys.ts'
import { type Exported, exportingTemplate } from '../../src/aggregates/contract/templates/export-template.ts'
import { erasureId } from '../../src/aggregates/contract/erased-values.ts'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { about, allOf, type Command, CONTRACT, contractFoundedBy, marketOf, owes, Player, talk } from '../support/market.ts'
import { expectationOf, resultOf, type Vector } from './protocol-vector.ts'
import { ruledPlays } from './rule-scenarios.ts'

type Members = [Player, Player, Player]
const three = () => marketOf([new Player('ana'), new Player('ben'), new Player('cleo')]) as Members

interface Play {
  readonly about: string
  /** Plays, and answers who holds everything in the end, and what else is offered to it. */
  play(): {
    readonly all: Player
    readonly hostile?: Vector['hostile']
    /** Who has signed only what is hostile. */
    readonly more?: readonly string[]
  }
}

const lineOf = ({ text, signature, payloads }: SignedStatement) => encodeSigned(text, signature, payloads)

/** What a hostile member made of an honest statement, and what becomes of it. */
function offered(to: AgreementState, about: string, line: string): Vector['hostile'][number] {
  return { about, line, result: resultOf(to, line) }
}

const ref = ({ statement }: SignedStatement, index = 0): RequestRef => ({ handle: statement.party, seq: statement.seq, index })

export const plays: Readonly<Record<string, Play>> = {
  ...ruledPlays,
  'opening-and-membership': {
    about: 'A contract is opened, two parties are invited, verify it from its first entry, and are admitted.',
    play: () => ({ all: three()[0] }),
  },
  'invitation-declined': {
    about: 'One invitee declines, the invitation of another is withdrawn; what comes of them later is void.',
    play() {
      const [ana, ben] = marketOf([new Player('ana'), new Player('ben')]) as [Player, Player]
      const [cleo, dov] = [new Player('cleo'), new Player('dov')]
      const all = [ana, ben, cleo, dov]
      ana.requests({ type: 'InviteParty', party: cleo.card }, { type: 'InviteParty', party: dov.card })
      talk(all, owes)
      const index = ana.settled - 1
      const decline = { contract: CONTRACT, invitation: index, handle: cleo.handle }
      const declined = { decline, signature: sign(cleo.privateKey, declineBytes(decline)) }
      ana.requests({ type: 'DeclineInvitation', declined })
      ana.requests({ type: 'WithdrawInvitation', party: dov.handle })
      talk([ana, ben], owes)
      ben.requests({ type: 'AdmitParty', accepted: cleo.accepts(index) })
      ben.requests({ type: 'AdmitParty', accepted: dov.accepts(index) })
      talk([ana, ben], owes)
      return { all: ana }
    },
  },
  'legal-entity-identifiers': {
    about: 'An LEI on a card is claimed by whoever likes; with wrong check digits, or in another form, the card is refused.',
    play() {
      const [ana, ben] = [new Player('ana'), new Player('ben')]
      marketOf([ana, ben])
      const claiming = (handle: string, lei: string) => ({ ...new Player(handle).card, lei })
      ana.requests({ type: 'InviteParty', party: claiming('cleo', '506700GE1G29325QX363') })
      ana.requests({ type: 'InviteParty', party: claiming('dov', '506700GE1G29325QX363') })
      ana.requests({ type: 'InviteParty', party: claiming('eve', '506700GE1G29325QX364') })
      ana.requests({ type: 'InviteParty', party: claiming('eve', '506700ge1g29325qx363') })
      talk([ana, ben], owes)
      return { all: ben }
    },
  },
  'order-and-conflict': {
    about: 'Three members write to one field at the same moment: order by clock and admission; exclusive ones are void.',
    play() {
      const [ana, ben, cleo] = three()
      cleo.proposes('0.0', 'of cleo', { exclusive: true })
      ben.proposes('0.0', 'of ben', { exclusive: true })
      ana.proposes('0.0', 'of ana')
      talk([ana, ben, cleo], owes)
      return { all: ben }
    },
  },
  'lists-and-entries': {
    about:
      'Lists in a list: entries have what the prototype has, whose changes are those of all; numbers are never given again; below an entry nothing is changed; no two have one key; an order holds for all of them.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const key = { name: 'Insurer', field: { type: 'party' } } as const
      ana.requests(
        { type: 'AddList', parent: '0', name: 'Layers', entry: 'block', entriesMax: 3 },
        { type: 'AddList', parent: '#0.0', name: 'Lines', entry: 'block', entriesMax: 20, key },
        { type: 'AddField', parent: '#1.0', name: 'Written', field: { type: 'decimal' } },
        { type: 'AddEntry', list: '#0' },
        { type: 'AddEntry', list: '#3.0' },
      )
      talk(all, owes)
      ben.proposes('0.2.1.0.1.0', 'ben')
      cleo.requests({ type: 'AddEntry', list: '0.2.1.0' })
      talk(all, owes)
      ana.proposes('0.2.1.0.2.0', 'ben')
      talk(all, owes)
      // At once: a value in an entry, a field for all entries, another name for one.
      cleo.proposes('0.2.1.0.2.1', '7.5')
      ben.requests({ type: 'AddBlock', parent: '0.2.0.0.0', name: 'Terms' }, { type: 'AddField', parent: '#0', name: 'Note', field: { type: 'text' } })
      ana.requests({ type: 'RenameElement', element: '0.2.0.0.0.1', name: 'Share' })
      talk(all, owes)
      ana.proposes('0.2.1.0.1.2.0', 'subject to survey')
      ben.requests({ type: 'RemoveElement', element: '0.2.1.0.2' }, { type: 'AddEntry', list: '0.2.1.0' })
      talk(all, owes)
      ana.requests({ type: 'AddField', parent: '0.2.1.0.1', name: 'Late', field: { type: 'text' } })
      ben.requests({ type: 'RemoveElement', element: '0.2.1.0.1.1' })
      cleo.requests({ type: 'RemoveElement', element: '0.2.0.0.0.0' })
      ana.requests({ type: 'AddEntry', list: '0.2.0.0' })
      ben.requests({ type: 'AddEntry', list: '0' })
      cleo.proposes('0.2.0.0.0.1', '5')
      ana.requests({ type: 'AddEntry', list: '0.2' }, { type: 'AddEntry', list: '0.2' }, { type: 'AddEntry', list: '0.2' })
      ben.requests({ type: 'AddList', parent: '0', name: 'Rates', entry: { type: 'decimal' }, entriesMax: 5, key })
      ben.requests({ type: 'AddList', parent: '0', name: 'Rates', entry: { type: 'decimal' }, entriesMax: 5 }, { type: 'AddEntry', list: '#0' })
      talk(all, owes)
      ana.proposes('0.3.1', '0.75')
      cleo.requests({ type: 'ArrangeChildren', block: '0.2.0.0.0', order: [2, 1] })
      ben.requests({ type: 'ArrangeChildren', block: '0', order: [3, 0, 3] })
      talk(all, owes)
      ben.requests({ type: 'AddField', parent: '0', name: 'third', field: { type: 'text' } })
      ana.requests({ type: 'ArrangeChildren', block: '0', order: [3, 2, 1] })
      cleo.requests({ type: 'RemoveElement', element: '0.2.0.0' })
      talk(all, owes)
      return { all: ana }
    },
  },
  'custom-types': {
    about:
      'Types with a base and a constraint: a field keeps the definition that it was added with, a redefinition is another one; values that do not fit say what of them does not.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const constraint = { decimals: 4, maximum: '100', minimum: '0' }
      const percentage = { base: 'decimal', constraint, hints: { display: 'percent' }, name: 'Percentage' } as const
      const share = { type: 'custom', definition: definitionHash(percentage) } as const
      const field = { type: 'AddField', parent: '0', field: share } as const
      ana.requests({ type: 'DefineType', ...percentage }, { ...field, name: 'Share' })
      talk(all, owes)
      ben.requests({ type: 'DefineType', ...percentage })
      cleo.requests({ type: 'DefineType', name: 'Percentag\u0435', base: 'text' })
      ana.requests({ type: 'DefineType', name: 'Code', base: 'text', constraint: { maximum: '5' } })
      ben.requests({ type: 'DefineType', name: 'Code', base: 'choice' })
      cleo.requests({ type: 'AddField', parent: '0', name: 'Code', field: { type: 'custom', definition: 'e'.repeat(64) as Hash } })
      ana.requests({ type: 'DefineType', name: 'Percentage', base: 'decimal' }, { ...field, name: 'as it was' })
      ben.requests({ type: 'DefineType', name: 'Period', base: 'date', constraint: { minimum: '2026-01-01', maximum: '2026-12-31' } })
      talk(all, owes)
      ben.proposes('0.2', '12.5')
      cleo.proposes('0.3', '100.01')
      ana.proposes('0.3', '0.00001')
      ben.proposes('0.3', 'half')
      ana.requests({ type: 'AddField', parent: '0', name: 'Slip', field: { type: 'contract' } })
      cleo.requests({ type: 'AddField', parent: '0', name: 'Premium', field: { type: 'money', currency: 'EUR' } })
      talk(all, owes)
      cleo.proposes('0.4', CONTRACT)
      cleo.proposes('0.4', { contract: CONTRACT, path: 'Terms/Premium', index: 12 })
      ana.proposes('0.4', { contract: CONTRACT, path: 'Terms//Premium' })
      ben.proposes('0.4', 'another contract')
      ana.proposes('0.5', { amount: '1250000.00', currency: 'EUR' })
      ben.proposes('0.5', { amount: '1250000.00', currency: 'USD' })
      cleo.proposes('0.5', { amount: '0.001', currency: 'EUR' })
      talk(all, owes)
      return { all: cleo }
    },
  },
  erasure: {
    about:
      'A value is erased by the vote of all; its seal is proposed by nobody any more, and the field takes another. One member keeps what another wants erased.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const first = ana.proposes('0.0', 'a name')
      talk(all, owes)
      const [sealed] = Object.keys(first.payloads)
      const erases = { type: 'EraseValues', seals: [sealed] }
      for (const member of all) {
        member.requests(erases)
        talk(all, owes)
      }
      cleo.requests({ type: 'ProposeValue', field: '0.1', seal: sealed, basis: [] })
      ben.requests(erases)
      talk(all, owes)
      ana.proposes('0.0', 'another name')
      talk(all, owes)
      const kept = { type: 'EraseValues', seals: ['0'.repeat(64)] }
      ana.requests(kept)
      talk(all, owes)
      ben.requests({ type: 'KeepValues', erasure: erasureId(kept.seals as Hash[]) })
      talk(all, owes)
      return { all: ana }
    },
  },
  templates: {
    about:
      'A block with a list, a type, a rule and an audience is taken as a template, brought in two pieces and imported twice; another version of it is voted by all. One piece is out of place, one import collides, one vote is for what did not come from it; a template of which a piece never came is imported by nobody.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const share = { type: 'DefineType', name: 'Share', base: 'decimal', constraint: { maximum: '1' }, hints: { display: 'percent' } } as const
      const definition = definitionHash({ base: share.base, constraint: share.constraint, hints: share.hints, name: share.name })
      ana.requests(
        share,
        { type: 'AddBlock', parent: '0', name: 'Slip', owner: null },
        { type: 'AddField', parent: '#1', name: 'Sum', field: { type: 'decimal' } },
        { type: 'AddField', parent: '#1', name: 'Premium', field: { type: 'decimal' } },
        { type: 'AddBlock', parent: '#1', name: 'Brokerage', owner: 'ana' },
        { type: 'SetAudience', element: '#4', parties: ['ana', 'ben'] },
        { type: 'AddList', parent: '#1', name: 'Lines', entry: 'block', entriesMax: 9, key: { name: 'Insurer', field: { type: 'party' } } },
        { type: 'AddField', parent: '#6.0', name: 'Signed', field: { type: 'custom', definition } },
        { type: 'AddRuleSet', name: 'Terms' },
      )
      talk(all, owes)
      const { id: slip } = [...ana.state.ledger.document.document.children].find(({ name }) => name === 'Slip') as { id: ElementId }
      const expression = { language: 1, nodes: [['ref', `${slip}.0`], ['number', '0.1'], ['*', 0, 1]] }
      ana.requests({ type: 'DraftRule', at: slip, ruleSet: 1, body: { kind: 'assignment', target: `${slip}.1`, expression } })
      talk(all, owes)
      const taken = () => {
        const { document, log } = ana.state.ledger
        return completed(exportingTemplate(document, { element: slip, root: log.root(), size: log.size })) as Exported
      }
      const first = taken()
      ana.requests({ type: 'RenameElement', element: `${slip}.0`, name: 'Sum Insured' }, { type: 'AddField', parent: slip, name: 'Inception', field: { type: 'date' } })
      talk(all, owes)
      const second = taken()
      const pieces = ({ hash, text }: Exported, ...ends: number[]) =>
        [...ends, text.length].map((end, place) => {
          const from = ends[place - 1] ?? 0
          return { type: 'BringTemplate', bytes: text.length, from, hash, text: text.slice(from, end) }
        })
      const [begin, end] = pieces(first, 600) as unknown as [Command, Command]
      ana.requests(begin)
      talk(all, owes)
      ben.requests(end)
      talk(all, owes)
      const bound = { ana: 'ana', ben: 'ben' }
      ana.requests(end, { type: 'ImportTemplate', at: '0', name: 'Our Slip', hash: first.hash, roles: bound })
      talk(all, owes)
      cleo.requests({ type: 'ImportTemplate', at: '0', name: 'Our Slip', hash: first.hash, roles: bound })
      ben.requests({ type: 'ImportTemplate', at: '0', name: 'Other Slip', hash: first.hash, roles: { ana: 'cleo', ben: 'cleo' } })
      talk(all, owes)
      const imported = [...ana.state.ledger.document.document.children].find(({ name }) => name === 'Our Slip') as { id: ElementId }
      const field = `${imported.id}.0` as ElementId
      ana.proposes(field, '100')
      ben.requests(...pieces(second))
      cleo.requests(pieces({ ...second, text: `${second.text} `, hash: '0'.repeat(64) as Hash }, 300)[0] as Command)
      talk(all, owes)
      const upgrade = { type: 'UpgradeTemplate', element: imported.id, from: first.hash, to: second.hash, roles: bound }
      cleo.requests({ ...upgrade, element: slip })
      for (const member of all) {
        member.requests(upgrade)
        talk(all, owes)
      }
      return { all: ana }
    },
  },
  'change-sets': {
    about:
      'Under a validation: one change set with structure waits for two votes and takes effect whole; one is turned down, one is withdrawn, one is removed with its block, one falls on a stale basis at its last vote, one by the resignation of who is asked; what is no element and no value stands in none.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const body = { kind: 'validation', who: { parties: ['ben', 'cleo'], fields: [] } } as const
      ana.requests({ type: 'AddRuleSet', name: 'Terms' }, { type: 'DraftRule', at: '0.0', ruleSet: 1, body })
      talk(all, owes)
      const hash = ruleHash({ id: 1, at: '0.0' as ElementId, ruleSet: 1, body: { ...body, who: { parties: [ben.handle, cleo.handle], fields: [] } } })
      for (const voter of [ben, cleo]) voter.requests({ type: 'CastVote', rule: 1, hash, vote: 'yes' })
      talk(all, owes)
      ana.requests({ type: 'PublishRules', ruleSets: [1], rules: [{ rule: 1, hash }] })
      talk(all, owes)
      const asOne = (author: Player, commands: Command[], value: unknown, basis: string[] = []) => {
        const sealed = seal(value, new Uint8Array(16))
        const said = about('Endorsement')
        const proposed = { type: 'ProposeValue', field: '0.0', seal: sealed.seal, basis }
        const request = { ...author.request([...commands, proposed]), about: said.about, changeSet: true as const }
        const decoded = author.says({ requests: [request], payloads: { ...said.payloads, [sealed.seal]: sealed.payload } })
        talk(all, owes)
        return ref(decoded)
      }
      const votes = (voter: Player, request: RequestRef, vote: 'yes' | 'no' = 'yes') => {
        voter.requests({ type: 'CastVote', request, vote })
        talk(all, owes)
      }
      const block = { type: 'AddBlock', parent: '0', name: 'Extension' }
      const first = asOne(ana, [block, { type: 'AddField', parent: '#0', name: 'Reason', field: { type: 'text' } }], 'longer')
      votes(ben, first)
      votes(ana, first)
      ben.requests({ type: 'CastVote', request: first, vote: 'yes' })
      votes(cleo, first)
      const agreed = `ana.${first.seq}.0.2`
      votes(cleo, asOne(ben, [], 'shorter', [agreed]), 'no')
      const withdrawn = asOne(ana, [], 'as it was')
      ben.requests({ type: 'WithdrawChangeSet', request: withdrawn })
      ana.requests({ type: 'WithdrawChangeSet', request: withdrawn })
      ana.requests({ type: 'AddBlock', parent: '0', name: 'Notes' })
      talk(all, owes)
      asOne(ana, [{ type: 'AddBlock', parent: '0.3', name: 'Late' }], 'too late')
      cleo.requests({ type: 'RemoveElement', element: '0.3' })
      talk(all, owes)
      const stale = asOne(ana, [], 'of ana', [agreed])
      const other = asOne(ben, [], 'of ben', [agreed])
      votes(cleo, other)
      votes(ben, stale)
      votes(cleo, stale)
      ana.says({ requests: [{ ...ana.request([{ type: 'ReleaseLock' }]), changeSet: true }] })
      const last = asOne(ben, [], 'without cleo')
      cleo.requests({ type: 'Resign' })
      talk([ana, ben], owes)
      votes(ana, last)
      return { all: ana }
    },
  },
  'tentative-requests': {
    about: 'Of tentative requests one is confirmed, one times out, one its user takes back, and one nobody has decided holds up what follows it.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const confirmed = ana.tentatively({ type: 'AddField', parent: '0', name: 'confirmed', field: { type: 'text' } })
      const late = ben.tentatively({ type: 'AddField', parent: '0', name: 'late', field: { type: 'text' } })
      // Nobody waits for what is under these two seals: of `user` it never leaves cleo’s house.
      const [why, user] = [about('as agreed by telephone'), about('whoever it was')]
      const regretted = cleo.says({
        requests: [
          {
            ...cleo.request([{ type: 'AddField', parent: '0', name: 'regretted', field: { type: 'text' } }]),
            about: why.about,
            tentative: true,
            user: user.about,
          },
        ],
        payloads: why.payloads,
      })
      talk(all, owes)
      ana.says({ decided: [{ request: ref(confirmed), decision: 'confirmed' }] })
      ben.says({ decided: [{ request: ref(late), decision: 'withdrawn', code: 'timed_out' }] })
      const said = about('a mistake')
      cleo.says({
        decided: [{ request: ref(regretted), decision: 'withdrawn', code: 'user', about: said.about }],
        payloads: said.payloads,
      })
      talk(all, owes)
      cleo.tentatively({ type: 'AddField', parent: '0', name: 'open', field: { type: 'text' } })
      talk(all, owes)
      ana.requests({ type: 'AddField', parent: '0', name: 'behind it', field: { type: 'text' } })
      talk(all, owes)
      return { all: cleo }
    },
  },
  refusals: {
    about: 'Two members refuse one request of a statement with two, by a code and a seal, of which one is opened; the other stands.',
    play() {
      const [ana, ben, cleo] = three()
      const add = (name: string) => ana.request([{ type: 'AddField', parent: '0', name, field: { type: 'text' } }])
      const asked = ana.says({ requests: [add('refused'), add('taken')] })
      const said = about('not for us')
      ben.hears(asked)
      ben.says({ refusals: [{ request: ref(asked), code: 'person', about: said.about }], payloads: said.payloads })
      // Its node's policy has nothing to say that it would let anybody have.
      cleo.hears(asked)
      cleo.says({ refusals: [{ request: ref(asked), code: 'policy', about: about('to nobody').about }] })
      talk([ana, ben, cleo], owes)
      return { all: cleo }
    },
  },
  'record-lock': {
    about: 'Two take the lock at once, one has it; others are locked out, invite all the same, and break it.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const said = about('the yearly audit')
      const lock = { type: 'LockRecord', purpose: 'review', about: said.about }
      const first = ben.says({ requests: [ben.request([lock])], payloads: said.payloads })
      cleo.requests({ type: 'LockRecord', purpose: 'edit' })
      talk(all, owes)
      ana.proposes('0.0', 'locked out')
      ben.proposes('0.0', 'of the holder')
      cleo.requests({ type: 'InviteParty', party: new Player('dov').card })
      talk(all, owes)
      const taken = ana.state.settling.agreed.lock
      const broken = ana.requests({ type: 'BreakLock', lock: taken?.index ?? 0 })
      // The holder's refusal of a vote against it does not count.
      for (const member of [ben, cleo]) member.hears(first, broken)
      ben.hears(...[...cleo.state.feeds.values()].flatMap((feed) => [...feed]))
      ben.says({ refusals: [{ request: ref(broken), code: 'person' }] })
      talk(all, owes)
      cleo.requests({ type: 'BreakLock', lock: taken?.index ?? 0 })
      talk(all, owes)
      ana.proposes('0.0', 'free again')
      talk(all, owes)
      return { all: ana }
    },
  },
  'engine-votes': {
    about: 'Members vote for newer engines, one of them refuses for a while; the last vote leads where engine 1 ends.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      const votes = (member: Player, to: number) => member.requests({ type: 'UpgradeEngine', to })
      votes(ana, 1)
      votes(ana, 2)
      talk(all, owes)
      votes(ana, 2)
      votes(ben, 3)
      talk(all, owes)
      const refused = votes(ben, 2)
      cleo.hears(refused)
      cleo.says({ refusals: [{ request: ref(refused), code: 'engine_unknown' }] })
      talk(all, owes)
      votes(ben, 2)
      talk(all, owes)
      // From here on engine 2 would judge.
      const last = votes(cleo, 2)
      ana.hears(last)
      const answer = ana.says()
      const later = new Player('ben')
      later.state = emptyAgreement(CONTRACT, bothEngines)
      later.hears(...[...ana.state.feeds.values()].flatMap((feed) => [...feed]), last, answer)
      return { all: ana, hostile: [offered(ana.state, 'the answer behind which engine 2 judges', lineOf(later.says()))] }
    },
  },
  attachments: {
    about:
      'A field for attachments: one is agreed; one that is too large, one of a type that is not taken, and one with a name that no element could have are void.',
    play() {
      const all = three()
      const [ana, ben] = all
      ana.requests({ type: 'AddField', parent: '0', name: 'Wording', field: { type: 'attachment' } })
      talk(all, owes)
      const { bytes, hash } = contentOf(new TextEncoder().encode('wording'))
      const value = { bytes, hash, name: 'wording.txt', type: 'text/plain' }
      for (const more of [{}, { bytes: 16_777_217 }, { type: 'text/html' }, { name: 'a/b' }]) {
        ben.proposes('0.2', { ...value, ...more })
        talk(all, owes)
      }
      return { all: ana, hostile: [] }
    },
  },
  'confidential-values': {
    about:
      'A block for ana and ben, as cleo sees it, who has none of its values: they are agreed without them, whatever they are; one that names another audience is void, so is one from outside; one is revealed; then the audience is taken away.',
    play() {
      const all = three()
      const [ana, ben, cleo] = all
      const audience = [ana.handle, ben.handle]
      const set = { type: 'SetAudience', element: '#0', parties: [ben.handle, ana.handle], until: '2027-06-01T00:00:00.000Z' }
      const block = { type: 'AddBlock', parent: '0', name: 'Terms', owner: ana.handle }
      ana.requests(block, set, { type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'integer' } })
      talk(all, owes)
      const confides = (author: Player, value: unknown, named: object) => {
        const sealed = seal(value, new Uint8Array(16).fill(1))
        const command = { type: 'ProposeValue', field: '0.2.0', seal: sealed.seal, basis: [], ...named }
        const said = author.says({ requests: [author.request([command])], payloads: { [sealed.seal]: sealed.payload } })
        for (const player of all) if (player !== author) player.hears(player === cleo ? { ...said, payloads: {} } : said)
        talk(all, owes)
        return { ...sealed, proposal: `${author.handle}.${said.statement.seq}.0.0` }
      }
      confides(ben, 'no integer', { audience })
      confides(ben, 6, { audience: [ben.handle] })
      confides(cleo, 7, { audience })
      const { payload, proposal, seal: revealed } = confides(ana, 8, { audience })
      const reveal = { type: 'RevealValue', field: '0.2.0', proposal, seal: revealed }
      ana.says({ requests: [ana.request([reveal])], payloads: { [revealed]: payload } })
      talk(all, owes)
      ana.requests({ type: 'SetAudience', element: '0.2', parties: null })
      talk(all, owes)
      const outside = new Player('dov')
      outside.hears(
        ...allOf(cleo).map((decoded) => {
          const recipients = recipientsIn(decoded.statement)
          const own = Object.entries(decoded.payloads).filter(([one]) => isFor(recipients, one as Hash, cleo.handle))
          return { ...decoded, payloads: Object.fromEntries(own) }
        }),
      )
      return { all: outside }
    },
  },
  'missing-values': {
    about:
      'Values of three requests do not come with their statements: one is refused for that and never needs them; one is acknowledged by ana and ben, who have them; cleo, who has not, holds neither head nor answer against anybody.',
    play() {
      const all = three()
      const [ana, ben, cleo] = all
      const bare = (decoded: SignedStatement): SignedStatement => ({ ...decoded, payloads: {} })
      const refused = ana.proposes('0.0', 'kept back')
      ben.hears(refused)
      cleo.hears(bare(refused))
      const missing = { request: ref(refused), code: 'payload_missing' } as const
      const refusal = cleo.says({ refusals: [missing] })
      for (const player of [ana, ben]) player.hears(refusal)
      talk(all, owes)
      // As dov sees it, who has been invited and whom nobody has given the value.
      const dov = new Player('dov')
      dov.hears(...allOf(ana).map((decoded) => (decoded.hash === refused.hash ? bare(decoded) : decoded)))
      ana.requests({ type: 'InviteParty', party: dov.card })
      talk([...all, dov], owes)
      const asked = ana.proposes('0.1', 'given to members')
      for (const player of [ben, cleo]) player.hears(asked)
      const answers = [ben.says(), cleo.says()]
      ana.hears(...answers)
      const head = ana.says()
      dov.hears(bare(asked), ...answers)
      const other = lineOf(asked).replace('given to members', 'given to nobody')
      return {
        all: dov,
        hostile: [
          offered(dov.state, 'what signs for a request whose values are missing', lineOf(head)),
          offered(dov.state, 'the request again, with another value than the one sealed', other),
          offered(dov.state, 'another request, with another value than the one sealed', lineOf(ben.proposes('0.0', 'y')).replace('"value":"y"', '"value":"z"')),
        ],
      }
    },
  },
  resignation: {
    about: 'A member resigns: what it had ordered behind that does not exist, and the others go on.',
    play() {
      const [ana, ben, cleo] = three()
      const said = about('sold')
      ben.says({
        payloads: said.payloads,
        requests: [
          ben.request([{ type: 'Resign', reason: 'transferred', about: said.about }]),
          ben.request([{ type: 'AddField', parent: '0', name: 'after', field: { type: 'text' } }]),
        ],
      })
      talk([ana, ben, cleo], owes)
      ana.proposes('0.0', 'without ben')
      talk([ana, cleo], owes)
      return { all: cleo }
    },
  },
  'key-rotation': {
    about: 'A member goes on under another key; both keys’ statements stay valid at their places.',
    play() {
      const [ana, ben, cleo] = three()
      const before = ben.privateKey
      ben.rotates(keyFrom('ben, second signing'))
      ben.proposes('0.0', 'under the new key')
      talk([ana, ben, cleo], owes)
      const late = ben.says()
      const { privateKey } = ben
      ben.privateKey = before
      const old = ben.forges(late, () => {})
      ben.privateKey = privateKey
      return { all: ana, hostile: [offered(ana.state, 'signed with the key that was given up', old)] }
    },
  },
  'key-revocation': {
    about: 'A key is revoked: all say what they hold, the feed is taken over, and what a thief signs is refused.',
    play() {
      const [ana, ben, cleo] = three()
      const all = [ana, ben, cleo]
      ben.hears(ana.proposes('0.0', 'ben knows'))
      const next = keyFrom('ana, second signing')
      const revocation = ana.revocation(next)
      const thief = new Player('ana')
      thief.state = ana.state
      const holdOfBen = ben.says({ key: { hold: revocation } })
      cleo.hears(...[...ben.state.feeds.values()].flatMap((feed) => [...feed]))
      const holdOfCleo = cleo.says({ key: { hold: revocation } })
      ana.hears(holdOfBen, holdOfCleo)
      ana.takesOver(revocation, next)
      talk(all, owes)
      const theft = thief.proposes('0.0', 'stolen')
      return { all: cleo, hostile: [offered(cleo.state, 'signed with the stolen key', lineOf(theft))] }
    },
  },
  'wrong-head': {
    about: 'A member signs a head that does not follow: it settles nothing, is not invalid, and convicts its author, who owes one that follows.',
    play() {
      const [ana, ben, cleo] = three()
      ana.proposes('0.0', 'Mexico')
      ben.hears(...[...ana.state.feeds.values()].flatMap((feed) => [...feed]))
      const before = ben.state
      const honest = ben.says()
      const lie = decodeSigned(
        ben.forges(honest, (statement) => {
          statement.head = { ...honest.statement.head, size: 1000 }
        }),
      )
      ben.state = receive(before, [lie]).state
      talk([ana, ben, cleo], owes)
      return { all: ana }
    },
  },
  'statements-that-are-refused': {
    about: 'One honest statement, and what a hostile member may make of it.',
    play() {
      const [ana, ben, cleo] = three()
      talk([ana, ben, cleo], owes)
      const asked = ana.proposes('0.0', 'x')
      ben.hears(asked)
      const before = ana.state
      const honest = ben.says()
      const forged = (about: string, change: (statement: Record<string, unknown>) => void) =>
        offered(before, about, ben.forges(honest, change))
      const place = ref(asked)
      const { head, clock, seq } = honest.statement
      const hostile = [
        forged('another contract', (statement) => { statement.contract = contractFoundedBy('ana', 1) }),
        forged('a gap in the feed', (statement) => { statement.seq = seq + 1 }),
        forged('another statement before it', (statement) => { statement.prev = head.root }),
        forged('a clock that is too high', (statement) => { statement.clock = clock + 1 }),
        forged('its own party in seen', (statement) => {
          statement.seen = { ...honest.statement.seen, ben: { seq: 0, hash: head.root } }
        }),
        forged('a statement in seen that nobody holds', (statement) => {
          statement.seen = { ana: { seq: 99, hash: head.root } }
        }),
        forged('another statement in seen than the one held', (statement) => {
          statement.seen = { ana: { seq: place.seq, hash: head.root } }
        }),
        forged('a refusal of what it does not newly cover', (statement) => {
          statement.refusals = [{ request: { handle: 'ana', seq: 0, index: 0 }, code: 'person' }]
        }),
        forged('a refusal with a code that is not in the list', (statement) => {
          statement.refusals = [{ request: place, code: 'because' }]
        }),
        forged('a refusal that says why in plain text', (statement) => {
          statement.refusals = [{ request: place, code: 'person', reason: 'too dear' }]
        }),
        forged('a decision on a request that is not its own', (statement) => {
          statement.decided = [{ request: place, decision: 'confirmed' }]
        }),
        forged('a field that is not in the form', (statement) => { statement.extra = true }),
        offered(before, 'another signature', lineOf(honest).replace(honest.signature, asked.signature)),
        offered(before, 'other bytes for the same JSON', lineOf(honest).replace('"v":1', '"v":1.0')),
        offered(before, 'no JSON', `${lineOf(honest)}}`),
        offered(before, 'a payload that it does not name', lineOf(honest).replace('"payloads":{}', `"payloads":{"${head.root}":{"salt":"AAAAAAAAAAAAAAAAAAAAAA","value":1}}`)),
        offered(before, 'as it should be', lineOf(honest)),
      ]
      const forked = { ...before }
      const all = new Player('ana')
      all.state = receive(forked, [honest]).state
      hostile.push(
        offered(all.state, 'a second statement for the same place', ben.forges(honest, (statement) => {
          statement.time = '2026-01-01T00:00:01.000Z'
        })),
        offered(all.state, 'the same statement again', lineOf(honest)),
      )
      // Those before the last two are offered to whoever does not hold the honest statement.
      all.state = before
      return { all, hostile: hostile.slice(0, -2) }
    },
  },
  'founding-under-a-uid': {
    about: 'A UID belongs to the handle and the key that found the contract: nobody else opens one under it.',
    play() {
      const founds = (founder: Player, card = founder.card) => lineOf(founder.requests({ ...founder.opening(), founder: card }))
      const mallory = new Player('mallory')
      const valued = () => {
        const { seal: sealed, payload } = seal('x', new Uint8Array(16))
        const founder = new Player('ana')
        const value = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
        return lineOf(founder.says({ requests: [founder.request([founder.opening(), value])], payloads: { [sealed]: payload } }))
      }
      const ana = new Player('ana')
      const opening = ana.requests(ana.opening())
      const elsewhere = new Player('ana', undefined, contractFoundedBy('ana', 1))
      const state = emptyAgreement(CONTRACT)
      return {
        all: new Player('nobody'),
        more: ['ana', 'mallory'],
        hostile: [
          offered(state, 'another party', founds(mallory)),
          offered(state, 'the handle of the founder, another key', founds(new Player('ana', mallory.keys), { ...ana.card, keys: mallory.card.keys })),
          offered(state, 'the key of the founder, another handle', founds(new Player('mallory', ana.keys), { ...mallory.card, keys: ana.card.keys })),
          offered(state, 'handle and key of the founder, signed by another', founds(new Player('ana', mallory.keys), ana.card)),
          offered(state, 'another UID of the founder', founds(elsewhere)),
          offered(state, 'a UID with a bit that must be zero', ana.forges(opening, (statement) => { statement.contract = `2${CONTRACT.slice(1)}` })),
          offered(state, 'an opening that names a value', valued()),
          offered(state, 'the founder', lineOf(opening)),
        ],
      }
    },
  },
  equivocation: {
    about: 'A member signs two statements for one place: the second is kept as evidence only.',
    play() {
      const [ana, ben, cleo] = three()
      const asked = ben.proposes('0.0', 'one')
      talk([ana, ben, cleo], owes)
      const other = ben.forges(asked, (statement) => { statement.time = '2026-01-01T00:00:01.000Z' })
      const twin = new Player('ana')
      const follower = ben.forges(asked, (statement) => {
        statement.seq = asked.statement.seq + 50
      })
      return {
        all: ana,
        hostile: [
          offered(ana.state, 'a second statement for the same place', other),
          offered(ana.state, 'a statement far ahead', follower),
          offered(ana.state, 'the first statement again', lineOf(asked)),
          offered(ana.state, 'a second contract under the UID', lineOf(twin.requests({ ...twin.opening(), title: 'another' }))),
        ],
      }
    },
  },
  'admission-beside-a-field': {
    about: 'One member admits a party while another adds a field: the field is before the admission or needs its answer.',
    play() {
      const [ana, ben] = marketOf([new Player('ana'), new Player('ben')]) as [Player, Player]
      const cleo = new Player('cleo')
      const all = [ana, ben, cleo]
      ana.requests({ type: 'InviteParty', party: cleo.card })
      talk(all, owes)
      const index = ana.settled - 1
      ana.requests({ type: 'AdmitParty', accepted: cleo.accepts(index) })
      ben.requests({ type: 'AddField', parent: '0', name: 'at the same moment', field: { type: 'text' } })
      talk(all, (one) => statementDue(one.state, one.handle) !== undefined && owes(one))
      return { all: cleo }
    },
  },
}

/** The vector that a play makes. The same bytes on every machine and in every later version. */
export function vectorOf({ about, play }: Play): Vector {
  const { all, hostile = [], more = [] } = play()
  const held = [...all.state.feeds.values()].flatMap((feed) => [...feed])
  held.sort((one, other) => one.statement.clock - other.statement.clock || (one.statement.party < other.statement.party ? -1 : 1))
  const parties = [...new Set(held.map(({ statement }) => statement.party).concat(more as Handle[]))]
  return {
    about,
    contract: CONTRACT,
    seeds: Object.fromEntries(
      parties.map((handle) => [
        handle,
        { signing: seedOf(`${handle} signing`).toString('hex'), recovery: seedOf(`${handle} recovery`).toString('hex') },
      ]),
    ),
    statements: held.map(lineOf),
    hostile,
    expect: expectationOf(CONTRACT, held.map(lineOf)),
  }
}
