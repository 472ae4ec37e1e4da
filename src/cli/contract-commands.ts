import type { Command } from 'commander'
import { apiClientFor } from './api-client.ts'
import { dataOption } from './options.ts'
import { print, table } from './output.ts'

interface Summary {
  readonly contract: string
  readonly title: string
  readonly standing: string
  readonly members: readonly string[]
  readonly size: number
  readonly root: string
  readonly record: string
  readonly tier: number
}

/** `concordata contract open|list|show|invite|accept`: by the API of the node that runs on the data directory. */
export function contractCommands(program: Command): void {
  const contract = program
    .command('contract')
    .description('open, list and show contracts, invite parties, accept invitations')

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
    .addOption(dataOption())
    .description('the contracts that this node holds')
    .action(async ({ data }: { data: string }) => {
      const client = await apiClientFor(data)
      const all = (await client.call('GET', '/api/Contract')) as Summary[]
      const rows = all.map(({ contract: uid, title, standing, size, tier }) => [
        uid,
        title,
        standing,
        String(size),
        String(tier),
      ])
      print(table(['contract', 'title', 'this party is', 'entries', 'tier'], rows))
    })

  contract
    .command('show')
    .argument('<contract>', 'its UID')
    .option('--json', 'everything, as JSON')
    .addOption(dataOption())
    .description('what stands agreed in a contract, and how far everybody has signed for it')
    .action(async (uid: string, { data, json }: { data: string; json?: true }) => {
      const client = await apiClientFor(data)
      const summary = (await client.call('GET', `/api/Contract/${uid}`)) as Summary
      const full = (await client.call('GET', `/api/FullContract?ContractId=${uid}`)) as { document: unknown }
      if (json) {
        print(JSON.stringify({ ...summary, document: full.document }, undefined, 2))
        return
      }
      const { title, members, size, root, record, tier, standing } = summary
      print(
        table(
          ['', ''],
          [
            ['contract', uid],
            ['title', title],
            ['this party is', standing],
            ['members', members.join(', ')],
            ['entries', String(size)],
            ['tier', String(tier)],
            ['root', root],
            ['record hash', record],
          ],
        ),
      )
      print(JSON.stringify(full.document, undefined, 2))
    })

  contract
    .command('invite')
    .argument('<contract>', 'its UID')
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
    .argument('<contract>', 'its UID')
    .addOption(dataOption())
    .description('accept an invitation, over all that this node has verified of the contract')
    .action(async (uid: string, { data }: { data: string }) => {
      const client = await apiClientFor(data)
      const { standing } = (await client.call('POST', `/api/Contract/${uid}/Acceptance`)) as Summary
      print(standing === 'member' ? 'This party is a member now.' : 'Accepted; the members have not all answered yet.')
    })
}
