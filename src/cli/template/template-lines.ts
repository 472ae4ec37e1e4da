import type { TemplateDiff } from '../../aggregates/contract/templates/template-diff.ts'
import type { UpgradePreview } from '../../documents/templates/document-templates.ts'
import type { OtherOrigin } from '../../documents/templates/other-origin.ts'
import { pathOf, ruleWritten } from '../../documents/written-rule.ts'
import type { TemplateElement } from '../../events/template.ts'
import type { ReadTemplate } from './template-file.ts'

export function templateLines({ hash, parsed: { document, template } }: ReadTemplate): string[] {
  const { contract, element, size } = template.from
  const rules = document.rules.rules.map(({ terms }, place) => {
    const ruleSet = terms.ruleSet === null ? '' : ` in ${template.ruleSets[terms.ruleSet - 1]}`
    const { kind: _kind, ...says } = ruleWritten(terms, document)
    const at = decodeURIComponent(pathOf(terms.at, document))
    return `rule ${template.rules[place]?.id}${ruleSet}, at ${at}: ${terms.body.kind} ${JSON.stringify(says)}`
  })
  return [
    `hash   ${hash}`,
    `from   ${contract}, element ${element}, after ${size} entries`,
    `roles  ${template.roles.join(', ') || 'none'}`,
    ...template.elements.map((one) => `${'  '.repeat(one.id.split('.').length - 1)}${elementLine(one)}`),
    ...rules,
  ]
}

export function previewLines({ diff, falls, from, otherOrigin, to, outcome, reason }: UpgradePreview): string[] {
  return [
    ...[`from     ${from}`, `to       ${to}`, `outcome  ${outcome}`],
    ...(reason === undefined ? [] : [`why      ${reason.code} ${(reason.with ?? []).join(' ')}`]),
    ...originLines(otherOrigin),
    ...diffLines(diff),
    ...falls.map((path) => `value falls at ${decodeURIComponent(path)}`),
  ]
}

/** Of two that are no versions of one another. */
export function originLines(other: OtherOrigin | undefined): string[] {
  if (other === undefined) return []
  const { from, to } = other
  return [
    `origin   another: element ${to.element} of ${to.contract}, and not element ${from.element} of ${from.contract}.`,
    '         The same ids may mean other things; what has other ids is removed, with its values, and added anew.',
  ]
}

export function diffLines(diff: TemplateDiff): string[] {
  const { added, arranged, audiences, granted, removed, renamed, replaced, rules, ruleSets, types } = diff
  const owner = (role: string | null) => role ?? 'all'
  return [
    ...types.map((name) => `type ${name} added`),
    ...removed.map((one) => `${one.id} removed: ${elementLine(one)}`),
    ...replaced.map(({ from, to }) => `${to.id} replaced: ${elementLine(from)} by ${elementLine(to)}`),
    ...renamed.map(({ element, from, to }) => `${element} renamed: ${from} to ${to}`),
    ...added.map((one) => `${one.id} added: ${elementLine(one)}`),
    ...granted.map(({ element, from, to }) => `${element} granted: ${owner(from)} to ${owner(to)}`),
    ...arranged.map(({ element }) => `${element} arranged`),
    ...audiences.map(({ element, to }) => `${element} for ${to === null ? 'all' : to.join(', ')}`),
    ...ruleSets.map((name) => `rule set ${name} added`),
    ...rules.removed.map(({ id }) => `rule ${id} removed`),
    ...rules.changed.map(({ to }) => `rule ${to.id} changed`),
    ...rules.added.map(({ id }) => `rule ${id} added`),
  ]
}
function elementLine(element: TemplateElement): string {
  const whose = element.owner === null ? '' : `, of ${element.owner}`
  switch (element.kind) {
    case 'field':
      return `${element.name}: ${element.field.type}${whose}`
    case 'list':
      return `${element.name}: up to ${element.entriesMax} entries${element.keyed ? ' with a key' : ''}${whose}`
    case 'block':
      return `${element.name}/${whose}`
  }
}
