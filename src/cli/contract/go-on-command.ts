import type { Command } from 'commander'
import { apiClientFor } from '../api-client.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult, requireConfirmed } from '../output.ts'

const VOUCHING = [
  'Nobody else holds a statement that this party has signed in that contract and that is not in this store, and no',
  'second copy of this node runs? If that is wrong, this party signs two statements for one place. That is',
  'equivocation: everybody can prove it, and the contract cannot go on.',
  'Type yes to vouch for it: ',
] as const

/** `concordata contract go-on-regardless` */
export function goOnCommand(contract: Command): void {
  contract
    .command('go-on-regardless')
    .addArgument(contractArgument())
    .option('--vouch', 'you vouch for it: nothing is asked then')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('sign again although the guard is missing and somebody has not said what it holds of this party')
    .action(async (uid: string, { data, json, vouch }: NodeOptions & { vouch?: true }) => {
      const client = await apiClientFor(data)
      if (!vouch) {
        // Nobody vouches for what this node has nothing of.
        await client.call('GET', `/api/Contract/${uid}`)
        await requireConfirmed(...VOUCHING)
      }
      const signs = await client.call('POST', `/api/Contract/${uid}/GoOn`)
      printResult(json, signs, ['The node signs in that contract again.'])
    })
}
