import type { RuleWritten } from '../written-rule.ts'

/** What a rule says as a sentence for people: expressions as they are written, elements by their paths. `at`: the path at which it stands. */
export function ruleText(rule: RuleWritten, at: string): string {
  const place = at === '' ? 'the record' : at
  switch (rule.kind) {
    case 'constraint':
      return rule.severity === 'warn'
        ? `where this does not hold, it is flagged: ${rule.condition}`
        : `this holds, or the request is void: ${rule.condition}`
    case 'assignment':
      return `${rule.target} is computed: ${rule.expression}`
    case 'access':
      return `at ${place}, ${rule.what.join(', ')} only by ${whoText(rule.who)}`
    case 'validation':
      return `values at ${place} are agreed with the votes of ${whoText(rule.who)}`
    case 'required':
      return `all at ${place} has a value before ${rule.before === 'live' ? 'rules are in force' : `rule set ${rule.before} is`}`
    case 'single':
      return `values in conflict do not come about at ${place}`
    case 'trigger':
      return [`if ${rule.condition}`, switched('on', rule.activates), switched('off', rule.deactivates)]
        .filter((part) => part !== '')
        .join(', ')
  }
}

type Switched = Extract<RuleWritten, { kind: 'trigger' }>['activates']

function switched(to: 'on' | 'off', { blocks = [], ruleSets = [] }: NonNullable<Switched> = {}): string {
  const all = [...blocks, ...ruleSets.map((number) => `rule set ${number}`)]
  return all.length === 0 ? '' : `${all.join(' and ')} is switched ${to}`
}

function whoText({ parties = [], fields = [] }: Extract<RuleWritten, { kind: 'access' }>['who']): string {
  const named = [...parties, ...fields.map((field) => `whom ${field} names`)]
  return named.length === 0 ? 'nobody in particular' : named.join(', ')
}
