import { type Command, Option } from 'commander'
import { resignationReasons } from '../events/reasons.ts'
import { apiClientFor } from './api-client.ts'
import { documentCommands } from './document/document-commands.ts'
import { lockCommands } from './document/lock-commands.ts'
import { type Voted, voteLine } from './document/vote-lines.ts'
import { printWritten } from './document/write-lines.ts'
import { jsonIn } from './json-argument.ts'
import { aboutOf, aboutOption, contractArgument, dataOption, jsonOption, numberIn, requestArgument } from './options.ts'
import { jsonLines, printResult, requireConfirmed, table } from './output.ts'

/** Of a party that this node knows. */
interface Known {
  readonly handle: string
  readonly status: string
}

const APPROVED: ReadonlySet<string> = new Set(['self', 'approved'])

interface Summary {
  readonly contract: string
  readonly title: string
  readonly standing: string
  readonly members: readonly string[]
  readonly size: number
  readonly root: string
  readonly record: string
  readonly tier: number
  readonly engine: number
  readonly engineVotes: EngineStanding['votes']
}

interface Details extends Summary {
  readonly invited: readonly string[]
}

interface DefinedType {
  readonly name: string
  readonly base: string
  readonly constraint: object
  readonly hints: object
  readonly definition: string
}

interface EngineStanding {
  readonly engine: number
  readonly votes: readonly { readonly by: string; readonly to: number }[]
}

interface Question {
  readonly request: string
  readonly by: string
  readonly commands: readonly { readonly type: string }[]
  readonly about?: { readonly title?: string; readonly text?: string }
  readonly until: string
  readonly otherwise: string
}

interface Options {
  readonly data: string
  readonly json?: true
}

interface TypeOptions {
  readonly constraint?: string
  readonly hints?: string
}

function votesOf(votes: EngineStanding['votes']): string {
  return votes.map(({ by, to }) => `${by} for ${to}`).join(', ')
}

/** `concordata contract …`: by the API of the node that runs on the data directory. */
export function contractCommands(program: Command): void {
  const contract = program
    .command('contract')
    .description('open, list, show and print contracts; history, votes; invite, accept, resign; lock; engine; evidence')

  documentCommands(contract)

  contract
    .command('open')
    .argument('<title>', 'what the contract is called')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('open a contract; this party is its first member')
    .action(async (title: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const opened = (await client.call('POST', '/api/Contract', { title })) as Summary
      printResult(json, opened, [opened.contract])
    })

  contract
    .command('list')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the contracts that this node holds')
    .action(async ({ data, json }: Options) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', '/api/Contract')) as Summary[]
      const rows = all.map(({ contract: uid, title, standing, size, tier }) => [
        uid,
        title,
        standing,
        String(size),
        String(tier),
      ])
      printResult(json, all, table(['contract', 'title', 'this party is', 'entries', 'tier'], rows))
    })

  contract
    .command('show')
    .addArgument(contractArgument())
    .option('--json', 'everything, as JSON')
    .addOption(dataOption())
    .description('what stands agreed in a contract, and how far everybody has signed for it')
    .action(async (uid: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const summary = (await client.call('GET', `/api/Contract/${uid}`)) as Details
      const full = (await client.call('GET', `/api/FullContract?ContractId=${uid}`)) as { document: unknown }
      const { title, members, invited, size, root, record, tier, standing, engine, engineVotes } = summary
      const rows = [
        ['contract', uid],
        ['title', title],
        ['this party is', standing],
        ['members', members.join(', ')],
        ...(invited.length === 0 ? [] : [['invited', invited.join(', ')]]),
        ['entries', String(size)],
        ['tier', String(tier)],
        ['engine', `${engine}${engineVotes.length === 0 ? '' : `; votes: ${votesOf(engineVotes)}`}`],
        ['root', root],
        ['record hash', record],
      ]
      const isEmpty = Object.keys(full.document as object).length === 0
      const lines = [...table(['', ''], rows), ...(isEmpty ? [] : jsonLines(full.document))]
      printResult(json, { ...summary, document: full.document }, lines)
    })

  contract
    .command('types')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the types that a contract defines')
    .action(async (uid: string, { data, json }: Options) => {
      const types = (await (await apiClientFor(data)).call('GET', `/api/Contract/${uid}/Types`)) as DefinedType[]
      const rows = types.map(({ name, base, constraint, hints, definition }) => [
        name,
        base,
        JSON.stringify(constraint),
        JSON.stringify(hints),
        definition,
      ])
      printResult(json, types, table(['type', 'base', 'constraint', 'hints', 'definition'], rows))
    })

  contract
    .command('define-type')
    .addArgument(contractArgument())
    .argument('<name>', 'what it is called')
    .argument('<base>', 'the type that it narrows: decimal, text, …')
    .option('--constraint <constraint>', 'which values it has: JSON, as docs/protocol.md, "Types", has it')
    .option('--hints <hints>', 'for whoever shows values: JSON, as docs/protocol.md, "Types", has it')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('propose a type for fields of a contract, or another version of it: fields that are there keep theirs')
    .action(async (uid: string, name: string, base: string, options: Options & TypeOptions) => {
      const { constraint, data, hints, json } = options
      const body = {
        base,
        ...(constraint === undefined ? {} : { constraint: jsonIn(constraint, 'the constraint') }),
        ...(hints === undefined ? {} : { hints: jsonIn(hints, 'what the hints say') }),
      }
      const url = `/api/Contract/${uid}/Types/${encodeURIComponent(name)}`
      printWritten(uid, await (await apiClientFor(data)).call('PUT', url, body), { json })
    })

  contract
    .command('invite')
    .addArgument(contractArgument())
    .argument('<party>', 'the handle of an approved party')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('invite a party to a contract; all members must agree')
    .action(async (uid: string, party: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const invited = await client.call('POST', `/api/Contract/${uid}/Invitations`, { party })
      printResult(json, invited, [`${party} is invited. It accepts with: concordata contract accept ${uid}`])
    })

  contract
    .command('withdraw-invitation')
    .addArgument(contractArgument())
    .argument('<party>', 'the handle of whom this party has invited')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('withdraw an invitation that is not accepted yet')
    .action(async (uid: string, party: string, { data, json }: Options) => {
      const url = `/api/Contract/${uid}/Invitations/${encodeURIComponent(party)}`
      printWritten(uid, await (await apiClientFor(data)).call('DELETE', url), { json })
    })

  contract
    .command('accept')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('accept an invitation, over all that this node has verified of the contract')
    .action(async (uid: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const summary = (await client.call('POST', `/api/Contract/${uid}/Acceptance`)) as Summary
      // A program is told what the acceptance has come to, and asks for whom it knows itself.
      const lines = json ? [] : acceptedLines(summary, (await client.call('GET', '/api/Party')) as Known[])
      printResult(json, summary, lines)
    })

  contract
    .command('decline')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('decline an invitation')
    .action(async (uid: string, { data, json }: Options) => {
      const declined = await (await apiClientFor(data)).call('POST', `/api/Contract/${uid}/Decline`)
      printResult(json, declined, ['Declined; who invited brings it into the contract.'])
    })

  contract
    .command('resign')
    .addArgument(contractArgument())
    .addOption(new Option('--reason <code>', 'why, for all to see').choices(Object.keys(resignationReasons)))
    .addOption(aboutOption())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('leave a contract')
    .action(async (uid: string, { data, json, reason, about }: Options & { reason?: string; about?: string }) => {
      const client = await apiClientFor(data)
      const body = { ...(reason === undefined ? {} : { reason }), ...aboutOf(about) }
      const resigned = await client.call('POST', `/api/Contract/${uid}/Resignation`, body)
      printResult(json, resigned, ['This party is no member any more.'])
    })

  lockCommands(contract)

  contract
    .command('upgrade-engine')
    .addArgument(contractArgument())
    .argument('<engine>', 'its number', numberIn)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('vote that the contract goes on in a newer engine: it does when all members have')
    .action(async (uid: string, engine: number, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const voted = await client.call('POST', `/api/Contract/${uid}/Engine`, { to: engine })
      const { engine: now, votes } = (await client.call('GET', `/api/Contract/${uid}/Engine`)) as EngineStanding
      const standing = votes.length === 0 ? '' : ` Votes: ${votesOf(votes)}.`
      printResult(json, voted, [
        'Voted yes.',
        voteLine(uid, voted as Voted),
        `The contract is in engine ${now}.${standing}`,
      ])
    })

  contract
    .command('questions')
    .addArgument(contractArgument())
    .option('--json', 'as JSON, with all that is asked for')
    .addOption(dataOption())
    .description('the requests of others on which this node asks a person')
    .action(async (uid: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', `/api/Contract/${uid}/Questions`)) as Question[]
      const rows = all.map(({ about, by, commands, otherwise, request, until }) => {
        const said = [about?.title, about?.text].filter(Boolean).join(': ')
        return [request, by, commands.map(({ type }) => type).join(', '), said, until, otherwise]
      })
      printResult(json, all, table(['request', 'by', 'what', 'about', 'until', 'otherwise'], rows))
    })

  contract
    .command('answer')
    .addArgument(contractArgument())
    .addArgument(requestArgument('as `contract questions` names it'))
    .option('--refuse', 'refuse it')
    .addOption(aboutOption())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('acknowledge a request on which this node asks, or refuse it')
    .action(
      async (
        uid: string,
        request: string,
        { data, json, refuse, about }: Options & { refuse?: true; about?: string },
      ) => {
        const answer = refuse ? { answer: 'refuse', ...aboutOf(about) } : { answer: 'acknowledge' }
        await (await apiClientFor(data)).call('POST', `/api/Contract/${uid}/Questions/${request}`, answer)
        printResult(json, { contract: uid, request, answer: answer.answer }, [refuse ? 'Refused.' : 'Acknowledged.'])
      },
    )

  contract
    .command('evidence')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('proofs against parties, as JSON: `audit check` checks them anywhere')
    .action(async (uid: string, { data, json }: Options) => {
      const evidence = await (await apiClientFor(data)).call('GET', `/api/Contract/${uid}/Evidence`)
      printResult(json, evidence, jsonLines(evidence))
    })

  contract
    .command('go-on-regardless')
    .addArgument(contractArgument())
    .option('--vouch', 'you vouch for it: nothing is asked then')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('sign again although the guard is missing and somebody has not said what it holds of this party')
    .action(async (uid: string, { data, json, vouch }: Options & { vouch?: true }) => {
      const client = await apiClientFor(data)
      if (!vouch) {
        // Nobody vouches for what this node has nothing of.
        await client.call('GET', `/api/Contract/${uid}`)
        await requireConfirmed(...vouching)
      }
      const signs = await client.call('POST', `/api/Contract/${uid}/GoOn`)
      printResult(json, signs, ['The node signs in that contract again.'])
    })
}

const vouching = [
  'Nobody else holds a statement that this party has signed in that contract and that is not in this store, and no',
  'second copy of this node runs? If that is wrong, this party signs two statements for one place. That is',
  'equivocation: everybody can prove it, and the contract cannot go on.',
  'Type yes to vouch for it: ',
] as const

/** What an acceptance has come to, and with whom nothing is exchanged yet: until it is, nobody's writes are agreed. */
export function acceptedLines(
  { members, standing }: Pick<Summary, 'members' | 'standing'>,
  parties: readonly Known[],
): string[] {
  const approved = new Set(parties.flatMap(({ handle, status }) => (APPROVED.has(status) ? [handle] : [])))
  const others = members.filter((member) => !approved.has(member))
  return [
    standing === 'member' ? 'This party is a member now.' : 'Accepted; the members have not all answered yet.',
    ...(others.length === 0
      ? []
      : [
          `Not approved here: ${others.join(', ')}. Nothing is agreed in this contract until they and this party have approved each other: concordata party add ADDRESS`,
        ]),
  ]
}
