import { type Command, Option } from 'commander'
import { resignationReasons } from '../../events/reasons.ts'
import type { ContractSummary, Party } from '../../library/interface.ts'
import { apiClientFor } from '../api-client.ts'
import { printWritten } from '../document/write-lines.ts'
import { aboutOf, aboutOption, contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult } from '../output.ts'

type Known = Pick<Party, 'handle' | 'status'>

const APPROVED: ReadonlySet<Party['status']> = new Set(['self', 'approved'])

type Accepted = Pick<ContractSummary, 'members' | 'standing'>

/** `concordata contract invite|withdraw-invitation|accept|decline|resign`: who comes and goes. */
export function membershipCommands(contract: Command): void {
  contract
    .command('invite')
    .addArgument(contractArgument())
    .argument('<party>', 'the handle of an approved party')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('invite a party to a contract; all members must agree')
    .action(async (uid: string, party: string, { data, json }: NodeOptions) => {
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
    .description(
      'withdraw an invitation that is not accepted yet: for good, the party cannot be invited to this contract again',
    )
    .action(async (uid: string, party: string, { data, json }: NodeOptions) => {
      const url = `/api/Contract/${uid}/Invitations/${encodeURIComponent(party)}`
      printWritten(uid, await (await apiClientFor(data)).call('DELETE', url), { json })
    })

  contract
    .command('accept')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('accept an invitation, over all that this node has verified of the contract')
    .action(async (uid: string, { data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const summary = (await client.call('POST', `/api/Contract/${uid}/Acceptance`)) as Accepted
      // A program is told what the acceptance has come to, and asks for whom it knows itself.
      const lines = json ? [] : acceptedLines(summary, (await client.call('GET', '/api/Party')) as Known[])
      printResult(json, summary, lines)
    })

  contract
    .command('decline')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('decline an invitation: for good, this party cannot be invited to the contract again')
    .action(async (uid: string, { data, json }: NodeOptions) => {
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
    .action(async (uid: string, { data, json, reason, about }: NodeOptions & { reason?: string; about?: string }) => {
      const client = await apiClientFor(data)
      const body = { ...(reason === undefined ? {} : { reason }), ...aboutOf(about) }
      const resigned = await client.call('POST', `/api/Contract/${uid}/Resignation`, body)
      printResult(json, resigned, ['This party is no member any more.'])
    })
}

/** What an acceptance has come to, and with whom nothing is exchanged yet: until it is, nobody's writes are agreed. */
export function acceptedLines({ members, standing }: Accepted, parties: readonly Known[]): string[] {
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
