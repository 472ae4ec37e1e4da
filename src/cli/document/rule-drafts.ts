import { Argument, type Command, Option } from 'commander'
import type { Drafted } from '../../documents/requests/created.ts'
import type { ShownRule, ShownRules } from '../../documents/rules/rules.ts'
import type { About } from '../../events/about.ts'
import { type ApiClient, ApiProblem, apiClientFor, withHint } from '../api-client.ts'
import { jsonIn } from '../json-argument.ts'
import {
  aboutOf,
  aboutOption,
  contractArgument,
  dataOption,
  jsonOption,
  type NodeOptions,
  numberIn,
  numbersIn,
} from '../options.ts'
import { printResult, table } from '../output.ts'
import { pathIn } from './place.ts'
import { type Voted, voteLine } from './vote-lines.ts'
import { fateOf, type Written } from './write-lines.ts'

interface Options extends NodeOptions {
  readonly about?: string
  readonly set?: number
  readonly hash?: string
}

/** `concordata rule …` of a contract, but for `try`. */
export function ruleDraftCommands(rule: Command): void {
  const of = (name: string) => rule.command(name).addArgument(contractArgument()).addOption(jsonOption())
  const says = () => new Argument('<says>', 'JSON, as docs/rules.md, "Kinds", has it')
  const setOption = () => new Option('--set <number>', 'its rule set; left out for a trigger').argParser(numberIn)

  of('list')
    .addOption(dataOption())
    .description('the rules of a contract, and whose votes they wait for')
    .action(async (uid: string, { data, json }: Options) => {
      const listed = await rulesOf(await apiClientFor(data), uid)
      const rows = listed.rules.map(({ number, at, ruleSet, isInForce, text, waitsFor }) => {
        const state = isInForce ? 'in force' : 'draft'
        return [String(number), decodeURIComponent(at), String(ruleSet ?? ''), state, text, waitsFor.join(', ')]
      })
      const sets = listed.ruleSets.map(({ number, name }) => `${number} ${name}`).join(', ')
      const heading = `phase: ${listed.phase}; rule sets: ${sets === '' ? 'none' : sets}`
      printResult(json, listed, [heading, ...table(['rule', 'at', 'set', 'state', 'it says', 'waits for'], rows)])
    })

  of('add-set')
    .argument('<name>', 'what it is called')
    .addOption(dataOption())
    .description('add a rule set: its rules come into force together')
    .action(async (uid: string, name: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const added = await client.call('POST', `/api/Contract/${uid}/RuleSets`, { name })
      const { ruleSet } = added as Drafted
      printResult(json, added, [
        ruleSet === undefined ? fateOf(uid, added as Written) : `Added as rule set ${ruleSet}.`,
      ])
    })

  of('draft')
    .argument('<path>', 'where it stands: names with slashes between')
    .addArgument(says())
    .addOption(setOption())
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('draft a rule')
    .action(async (uid: string, path: string, said: string, { data, json, set, about }: Options) => {
      const body = { at: pathIn(path), ...termsOf(said, set), ...aboutOf(about) }
      const client = await apiClientFor(data)
      const drafted = await client.call('POST', `/api/Contract/${uid}/Rules`, body).catch((error: unknown) => {
        throw lacksRuleSet(error)
          ? withHint(error, '--set says of which rule set it is; only a trigger has none')
          : error
      })
      const { rule: number } = drafted as Drafted
      printResult(json, drafted, [
        number === undefined ? fateOf(uid, drafted as Written) : `Drafted as rule ${number}.`,
      ])
    })

  of('edit')
    .argument('<rule>', 'its number', numberIn)
    .addArgument(says())
    .addOption(setOption())
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('have a rule say something else: its votes are dropped')
    .action(async (uid: string, number: number, said: string, { data, json, set, about }: Options) => {
      const body = { ...termsOf(said, set), ...aboutOf(about) }
      const edited = await (await apiClientFor(data)).call('PUT', `/api/Contract/${uid}/Rules/${number}`, body)
      printResult(json, edited, ['Edited.'])
    })

  of('remove')
    .argument('<rule>', 'its number', numberIn)
    .addOption(dataOption())
    .description('remove a rule')
    .action(async (uid: string, number: number, { data, json }: Options) => {
      const removed = await (await apiClientFor(data)).call('DELETE', `/api/Contract/${uid}/Rules/${number}`)
      printResult(json, removed, ['Removed.'])
    })

  of('vote')
    .argument('<rule>', 'its number', numberIn)
    .addArgument(new Argument('<vote>', 'yes or no').choices(['yes', 'no']))
    .option('--hash <hash>', 'of what was read: refused if it says something else by now')
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('vote on what a rule says')
    .action(async (uid: string, number: number, vote: string, { data, hash, json, about }: Options) => {
      const client = await apiClientFor(data)
      const read = (await rulesOf(client, uid)).rules.find((one) => one.number === number)
      const body = { hash: hash ?? read?.hash ?? '0'.repeat(64), vote, ...aboutOf(about) }
      const voted = (await client.call('POST', `/api/Contract/${uid}/Rules/${number}/Votes`, body)) as Voted
      const said = `Voted ${vote}: ${read?.text ?? number}`
      printResult(json, voted, [said, hasAllVotes(voted) ? publishLine(read) : voteLine(uid, voted)])
    })

  of('publish')
    .argument('<sets...>', 'numbers of rule sets', numbersIn)
    .addOption(dataOption())
    .description('put all rules of these sets, and all triggers, into force')
    .action(async (uid: string, ruleSets: readonly number[], { data, json }: Options) => {
      const client = await apiClientFor(data)
      const { rules } = await rulesOf(client, uid)
      const meant = rules.filter(({ ruleSet }) => ruleSet === null || ruleSets.includes(ruleSet))
      const named = meant.map(({ number, hash }) => ({ rule: number, hash }))
      const published = await client.call('POST', `/api/Contract/${uid}/Publications`, { ruleSets, rules: named })
      printResult(json, published, [`In force: ${meant.length === 1 ? '1 rule' : `${meant.length} rules`}.`])
    })

  of('reopen')
    .addOption(dataOption())
    .description('vote to put the rules out of force: with the vote of the last member they are')
    .action(async (uid: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const reopened = (await client.call('POST', `/api/Contract/${uid}/Reopenings`)) as Voted
      const isDone = reopened.vote?.state === 'agreed'
      printResult(json, reopened, [
        'Voted yes.',
        voteLine(uid, reopened),
        ...(isDone ? ['No rule is in force any more.'] : []),
      ])
    })
}

function hasAllVotes({ vote }: Voted): boolean {
  return vote?.state === 'open' && vote.waitsFor.length === 0
}

/** What is to be done before it is in force. */
function publishLine({ ruleSet }: Partial<ShownRule> = {}): string {
  return `All have voted yes: \`rule publish\` puts ${ruleSet == null ? 'it' : `rule set ${ruleSet}`} into force.`
}

function lacksRuleSet(error: unknown): error is ApiProblem {
  if (!(error instanceof ApiProblem)) return false
  const { code, with: others } = error.evidence as { code?: string; with?: readonly string[] }
  return code === 'rule_unfit' && others?.includes('rule_set') === true
}

async function rulesOf(client: ApiClient, uid: string): Promise<ShownRules> {
  return (await client.call('GET', `/api/Contract/${uid}/Rules`)) as ShownRules
}

function termsOf(said: string, set: number | undefined): { ruleSet: number | null; says: unknown; about?: About } {
  return { ruleSet: set ?? null, says: jsonIn(said, 'what the rule says') }
}
