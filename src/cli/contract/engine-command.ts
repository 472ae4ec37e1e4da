import type { Command } from 'commander'
import type { Static } from 'typebox'
import type { EngineSchema } from '../../api/answers/contracts.ts'
import { apiClientFor } from '../api-client.ts'
import { type Voted, voteLine } from '../document/vote-lines.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions, numberIn } from '../options.ts'
import { printResult } from '../output.ts'

type EngineStanding = Static<typeof EngineSchema>

export function votesOf(votes: EngineStanding['votes']): string {
  return votes.map(({ by, to }) => `${by} for ${to}`).join(', ')
}

/** `concordata contract upgrade-engine` */
export function engineCommand(contract: Command): void {
  contract
    .command('upgrade-engine')
    .addArgument(contractArgument())
    .argument('<engine>', 'its number', numberIn)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('vote that the contract goes on in a newer engine: it does when all members have')
    .action(async (uid: string, engine: number, { data, json }: NodeOptions) => {
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
}
