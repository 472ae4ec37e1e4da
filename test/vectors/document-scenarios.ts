import { type Exported, exportingTemplate } from '../../src/aggregates/contract/templates/export-template.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { definitionHash } from '../../src/events/type-definition.ts'
import { contentOf } from '../../src/merkle/content-tree.ts'
import { completed } from '../../src/runtime/turns.ts'
import { type Command, CONTRACT, owes, talk } from '../support/market.ts'
import { type Play, three } from './protocol-play.ts'

/** What a document consists of: lists, types, templates, attachments. */
export const documentPlays: Readonly<Record<string, Play>> = {
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
}
