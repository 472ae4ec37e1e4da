import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { type ApiClient, apiClientFor } from './api-client.ts'
import { dataOption } from './options.ts'
import { complain, print, table } from './output.ts'

const POLL_MS = 250

interface Keys {
  readonly keys: readonly string[]
  readonly contracts: readonly { readonly contract: string; readonly signing: string; readonly waitsFor?: string }[]
}

/** `concordata key show|rotate`: the signing keys of this party. The node runs meanwhile: it alone may sign. */
export function keyCommands(program: Command): void {
  const key = program.command('key').description('show and rotate the signing key')

  key
    .command('show')
    .addOption(dataOption())
    .description('the signing keys, and which contract is at which of them')
    .action(async ({ data }: { data: string }) => {
      const { keys, contracts } = await keysOf(await apiClientFor(data))
      const rows = keys.map((signing, index) => [String(index), signing, roleOf(index, keys.length)])
      print(table(['number', 'signing key', ''], rows))
      const standings = contracts.map(({ contract, signing, waitsFor }) => [
        contract,
        String(keys.indexOf(signing)),
        waitsFor ?? '',
      ])
      if (standings.length > 0) print(`\n${table(['contract', 'key number', 'waits for'], standings)}`)
    })

  key
    .command('rotate')
    .addOption(dataOption())
    .description('make a new signing key, and bring every contract to it')
    .action(async ({ data }: { data: string }) => {
      const client = await apiClientFor(data)
      const { signing } = (await client.call('POST', '/api/Keys')) as { signing: string }
      complain(`The new key is ${signing}. The node goes on with this by itself, also if you stop watching.`)
      await watchUntilReached(client)
      print('Every contract goes on under the newest key.')
    })
}

/** Tells of every step until no contract waits any more. */
async function watchUntilReached(client: ApiClient): Promise<void> {
  for (let last = ''; ; await pause(POLL_MS)) {
    const { contracts } = await keysOf(client)
    const waiting = contracts.filter(({ waitsFor }) => waitsFor !== undefined)
    const names = waiting.map(({ contract, waitsFor }) => `${contract} (${waitsFor})`).join(', ')
    const progress = `${contracts.length - waiting.length} of ${contracts.length} contracts; waiting: ${names || 'none'}`
    if (progress !== last) complain(progress)
    last = progress
    if (waiting.length === 0) return
  }
}

async function keysOf(client: ApiClient): Promise<Keys> {
  return (await client.call('GET', '/api/Keys')) as Keys
}

function roleOf(index: number, count: number): string {
  const roles = [...(index === 0 ? ['on the card'] : []), ...(index === count - 1 ? ['newest'] : [])]
  return roles.join(', ')
}
