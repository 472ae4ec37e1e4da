import { type Command, Option } from 'commander'
import { resignationReasons } from '../events/reasons.ts'
import { apiClientFor } from './api-client.ts'
import { documentCommands } from './document/document-commands.ts'
import { lockCommands } from './document/lock-commands.ts'
import { aboutOf, aboutOption, contractArgument, dataOption, jsonOption, numberIn, requestArgument } from './options.ts'
import { assertConfirmed, print, printJson, printLines, table } from './output.ts'

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
    .addOption(dataOption())
    .description('open a contract; this party is its first member')
    .action(async (title: string, { data }: { data: string }) => {
      const client = await apiClientFor(data)
      const opened = (await client.call('POST', '/api/Contract', { title })) as Summary
      print(opened.contract)
    })

  contract
    .command('list')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the contracts that this node holds')
    .action(async ({ data, json }: { data: string; json?: true }) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', '/api/Contract')) as Summary[]
      if (json) return printJson(all)
      const rows = all.map(({ contract: uid, title, standing, size, tier }) => [
        uid,
        title,
        standing,
        String(size),
        String(tier),
      ])
      printLines(table(['contract', 'title', 'this party is', 'entries', 'tier'], rows))
    })

  contract
    .command('show')
    .addArgument(contractArgument())
    .option('--json', 'everything, as JSON')
    .addOption(dataOption())
    .description('what stands agreed in a contract, and how far everybody has signed for it')
    .action(async (uid: string, { data, json }: { data: string; json?: true }) => {
      const client = await apiClientFor(data)
      const summary = (await client.call('GET', `/api/Contract/${uid}`)) as Summary
      const full = (await client.call('GET', `/api/FullContract?ContractId=${uid}`)) as { document: unknown }
      if (json) {
        printJson({ ...summary, document: full.document })
        return
      }
      const { title, members, size, root, record, tier, standing, engine, engineVotes } = summary
      printLines(
        table(
          ['', ''],
          [
            ['contract', uid],
            ['title', title],
            ['this party is', standing],
            ['members', members.join(', ')],
            ['entries', String(size)],
            ['tier', String(tier)],
            ['engine', `${engine}${engineVotes.length === 0 ? '' : `; votes: ${votesOf(engineVotes)}`}`],
            ['root', root],
            ['record hash', record],
          ],
        ),
      )
      printJson(full.document)
    })

  contract
    .command('types')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the types that a contract defines')
    .action(async (uid: string, { data, json }: { data: string; json?: true }) => {
      const types = (await (await apiClientFor(data)).call('GET', `/api/Contract/${uid}/Types`)) as DefinedType[]
      if (json) return printJson(types)
      const rows = types.map(({ name, base, constraint, hints, definition }) => [
        name,
        base,
        JSON.stringify(constraint),
        JSON.stringify(hints),
        definition,
      ])
      printLines(table(['type', 'base', 'constraint', 'hints', 'definition'], rows))
    })

  contract
    .command('invite')
    .addArgument(contractArgument())
    .argument('<party>', 'the handle of an approved party')
    .addOption(dataOption())
    .description('invite a party to a contract; all members must agree')
    .action(async (uid: string, party: string, { data }: { data: string }) => {
      const client = await apiClientFor(data)
      await client.call('POST', `/api/Contract/${uid}/Invitations`, { party })
      print(`${party} is invited. It accepts with: concordata contract accept ${uid}`)
    })

  contract
    .command('accept')
    .addArgument(contractArgument())
    .addOption(dataOption())
    .description('accept an invitation, over all that this node has verified of the contract')
    .action(async (uid: string, { data }: { data: string }) => {
      const client = await apiClientFor(data)
      const { standing } = (await client.call('POST', `/api/Contract/${uid}/Acceptance`)) as Summary
      print(standing === 'member' ? 'This party is a member now.' : 'Accepted; the members have not all answered yet.')
    })

  contract
    .command('decline')
    .addArgument(contractArgument())
    .addOption(dataOption())
    .description('decline an invitation')
    .action(async (uid: string, { data }: { data: string }) => {
      await (await apiClientFor(data)).call('POST', `/api/Contract/${uid}/Decline`)
      print('Declined; who invited brings it into the contract.')
    })

  contract
    .command('resign')
    .addArgument(contractArgument())
    .addOption(new Option('--reason <code>', 'why, for all to see').choices(Object.keys(resignationReasons)))
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('leave a contract')
    .action(async (uid: string, { data, reason, about }: { data: string; reason?: string; about?: string }) => {
      const client = await apiClientFor(data)
      const body = { ...(reason === undefined ? {} : { reason }), ...aboutOf(about) }
      await client.call('POST', `/api/Contract/${uid}/Resignation`, body)
      print('This party is no member any more.')
    })

  lockCommands(contract)

  contract
    .command('upgrade-engine')
    .addArgument(contractArgument())
    .argument('<engine>', 'its number', numberIn)
    .addOption(dataOption())
    .description('vote that the contract goes on in a newer engine: it does when all members have')
    .action(async (uid: string, engine: number, { data }: { data: string }) => {
      const client = await apiClientFor(data)
      await client.call('POST', `/api/Contract/${uid}/Engine`, { to: engine })
      const { engine: now, votes } = (await client.call('GET', `/api/Contract/${uid}/Engine`)) as EngineStanding
      print(`The contract is in engine ${now}.${votes.length === 0 ? '' : ` Votes: ${votesOf(votes)}.`}`)
    })

  contract
    .command('questions')
    .addArgument(contractArgument())
    .option('--json', 'as JSON, with all that is asked for')
    .addOption(dataOption())
    .description('the requests of others on which this node asks a person')
    .action(async (uid: string, { data, json }: { data: string; json?: true }) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', `/api/Contract/${uid}/Questions`)) as Question[]
      if (json) return printJson(all)
      const rows = all.map(({ about, by, commands, otherwise, request, until }) => {
        const said = [about?.title, about?.text].filter(Boolean).join(': ')
        return [request, by, commands.map(({ type }) => type).join(', '), said, until, otherwise]
      })
      printLines(table(['request', 'by', 'what', 'about', 'until', 'otherwise'], rows))
    })

  contract
    .command('answer')
    .addArgument(contractArgument())
    .addArgument(requestArgument('as `contract questions` names it'))
    .option('--refuse', 'refuse it')
    .addOption(aboutOption())
    .addOption(dataOption())
    .description('acknowledge a request on which this node asks, or refuse it')
    .action(
      async (
        uid: string,
        request: string,
        { data, refuse, about }: { data: string; refuse?: true; about?: string },
      ) => {
        const answer = refuse ? { answer: 'refuse', ...aboutOf(about) } : { answer: 'acknowledge' }
        await (await apiClientFor(data)).call('POST', `/api/Contract/${uid}/Questions/${request}`, answer)
        print(refuse ? 'Refused.' : 'Acknowledged.')
      },
    )

  contract
    .command('evidence')
    .addArgument(contractArgument())
    .addOption(dataOption())
    .description('proofs against parties, as JSON: `audit check` checks them anywhere')
    .action(async (uid: string, { data }: { data: string }) => {
      const client = await apiClientFor(data)
      printJson(await client.call('GET', `/api/Contract/${uid}/Evidence`))
    })

  contract
    .command('go-on-regardless')
    .addArgument(contractArgument())
    .option('--vouch', 'you vouch for it: nothing is asked then')
    .addOption(dataOption())
    .description('sign again although the guard is missing and somebody has not said what it holds of this party')
    .action(async (uid: string, { data, vouch }: { data: string; vouch?: true }) => {
      const client = await apiClientFor(data)
      if (!vouch) await assertConfirmed(...vouching)
      await client.call('POST', `/api/Contract/${uid}/GoOn`)
      print('The node signs in that contract again.')
    })
}

const vouching = [
  'Nobody else holds a statement that this party has signed in that contract and that is not in this store, and no',
  'second copy of this node runs? If that is wrong, this party signs two statements for one place. That is',
  'equivocation: everybody can prove it, and the contract cannot go on.',
  'Type yes to vouch for it: ',
] as const
