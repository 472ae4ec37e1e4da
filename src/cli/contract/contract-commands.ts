import type { Command } from 'commander'
import type { ContractShown, ContractSummary } from '../../library/interface.ts'
import { apiClientFor } from '../api-client.ts'
import { documentCommands } from '../document/document-commands.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { jsonLines, printResult, table } from '../output.ts'
import { engineCommand, votesOf } from './engine-command.ts'
import { goOnCommand } from './go-on-command.ts'
import { lockCommands } from './lock-commands.ts'
import { membershipCommands } from './membership-commands.ts'
import { questionCommands } from './question-commands.ts'
import { typeCommands } from './type-commands.ts'

/** `concordata contract …`: by the API of the node that runs on the data directory. */
export function contractCommands(program: Command): void {
  const contract = program
    .command('contract')
    .description('open, list, show and print contracts; history, votes; invite, accept, resign; lock; engine; evidence')
  // In the order in which help lists them.
  documentCommands(contract)
  standingCommands(contract)
  typeCommands(contract)
  membershipCommands(contract)
  lockCommands(contract)
  engineCommand(contract)
  questionCommands(contract)
  evidenceCommand(contract)
  goOnCommand(contract)
}

/** `concordata contract open|list|show`: which contracts there are, and how each stands. */
function standingCommands(contract: Command): void {
  contract
    .command('open')
    .argument('<title>', 'what the contract is called')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('open a contract; this party is its first member')
    .action(async (title: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const opened = (await client.call('POST', '/api/Contract', { title })) as ContractSummary
      printResult(json, opened, [opened.contract])
    })

  contract
    .command('list')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the contracts that this node holds')
    .action(async ({ data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', '/api/Contract')) as ContractSummary[]
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
    .action(async (uid: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const shown = (await client.call('GET', `/api/Contract/${uid}`)) as ContractShown
      const full = (await client.call('GET', `/api/FullContract?ContractId=${uid}`)) as { document: object }
      printResult(json, { ...shown, document: full.document }, contractLines(uid, shown, full.document))
    })
}

/** How a contract stands, with what is agreed in it; of one that has not begun whom it waits for, and what stops it. */
export function contractLines(uid: string, shown: ContractShown, document: object): string[] {
  if (!('members' in shown)) {
    const { awaited, obstacles } = shown
    return table(
      ['', ''],
      [
        ['contract', uid],
        ['entries', '0: it has not begun'],
        ...(awaited.length === 0 ? [] : [['waits for', awaited.join(', ')]]),
        ...obstacles.flatMap(({ meaning, remedy }) => [
          ['stopped', meaning],
          ['remedy', remedy],
        ]),
      ],
    )
  }
  const { title, members, invited, size, root, record, tier, standing, engine, engineVotes } = shown
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
  const isEmpty = Object.keys(document).length === 0
  return [...table(['', ''], rows), ...(isEmpty ? [] : jsonLines(document))]
}

/** `concordata contract evidence` */
function evidenceCommand(contract: Command): void {
  contract
    .command('evidence')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('proofs against parties, as JSON: `audit check` checks them anywhere')
    .action(async (uid: string, { data, json }: NodeOptions) => {
      const evidence = await (await apiClientFor(data)).call('GET', `/api/Contract/${uid}/Evidence`)
      printResult(json, evidence, jsonLines(evidence))
    })
}
