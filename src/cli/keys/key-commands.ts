import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { readCard } from '../../node/identity/identity.ts'
import { type ApiClient, apiClientFor } from '../api-client.ts'
import { dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult, table, tell } from '../output.ts'
import { type ContractKeys, readRecoveryKey, revokeEverywhere } from './key-revocation.ts'

const POLL_MS = 250

/** `concordata key show|rotate|revoke`: the signing keys of this party. The node runs meanwhile: it alone may sign. */
export function keyCommands(program: Command): void {
  const key = program.command('key').description('show, rotate and revoke the signing key')

  key
    .command('show')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the signing keys, and which contract is at which of them')
    .action(async ({ data, json }: NodeOptions) => {
      const { keys, contracts } = await keysOf(await apiClientFor(data))
      const rows = keys.map((signing, index) => [String(index), signing, roleOf(index, keys.length)])
      const standings = contracts.map(({ contract, signing, ...waits }) => [
        contract,
        String(keys.indexOf(signing)),
        waitingFor(waits),
      ])
      printResult(json, { keys, contracts }, [
        ...table(['number', 'signing key', ''], rows),
        ...(standings.length > 0 ? ['', ...table(['contract', 'key number', 'waits for'], standings)] : []),
      ])
    })

  key
    .command('rotate')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('make a new signing key, and bring every contract to it')
    .action(async ({ data, json }: NodeOptions) => {
      const client = await apiClientFor(data)
      const { signing } = (await client.call('POST', '/api/Keys')) as { signing: string }
      tell(json, `The new key is ${signing}. The node goes on with this by itself, also if you stop watching.`)
      await watchUntilReached(client, json)
      printResult(json, { signing }, ['Every contract goes on under the newest key.'])
    })

  key
    .command('revoke')
    .addOption(jsonOption())
    .addOption(dataOption())
    .requiredOption('--recovery-key <file>', 'the recovery key, brought for this from where it is kept')
    .option('--passphrase-file <file>', 'holds its passphrase on one line; left out, a person is asked')
    .description(
      'the signing key is in wrong hands: bring every contract to a new one, by the word of the recovery key',
    )
    .action(async ({ data, json, recoveryKey, passphraseFile }: RevokeOptions) => {
      const card = await readCard(await readConfiguration(data, readEnvironment(process.env)))
      const recovery = await readRecoveryKey(recoveryKey, passphraseFile, card)
      const client = await apiClientFor(data)
      const signing = await revokeEverywhere(client, card.handle, recovery)
      tell(json, `The new key is ${signing}. The recovery key is not needed any more: take it away.`)
      tell(json, 'Every other member has to say what it holds; the node goes on by itself, also if you stop watching.')
      await watchUntilReached(client, json)
      printResult(json, { signing }, [
        'Every contract goes on under the new key; what the old one signs counts no more.',
      ])
    })
}

interface RevokeOptions extends NodeOptions {
  readonly recoveryKey: string
  readonly passphraseFile?: string
}

function waitingFor({ waitsFor, awaited }: Omit<ContractKeys['contracts'][number], 'contract' | 'signing'>): string {
  const who = awaited === undefined || awaited.length === 0 ? '' : `: ${awaited.join(', ')}`
  return waitsFor === undefined ? '' : `${waitsFor}${who}`
}

/** Tells of every step until no contract waits any more. */
async function watchUntilReached(client: ApiClient, json: true | undefined): Promise<void> {
  for (let last = ''; ; await pause(POLL_MS)) {
    const { contracts } = await keysOf(client)
    const waiting = contracts.filter(({ waitsFor }) => waitsFor !== undefined)
    const names = waiting.map(({ contract, ...waits }) => `${contract} (${waitingFor(waits)})`).join(', ')
    const progress = `${contracts.length - waiting.length} of ${contracts.length} contracts; waiting: ${names || 'none'}`
    if (progress !== last) tell(json, progress)
    last = progress
    if (waiting.length === 0) return
  }
}

async function keysOf(client: ApiClient): Promise<ContractKeys> {
  return (await client.call('GET', '/api/Keys')) as ContractKeys
}

function roleOf(index: number, count: number): string {
  const roles = [...(index === 0 ? ['on the card'] : []), ...(index === count - 1 ? ['newest'] : [])]
  return roles.join(', ')
}
