import type { Command } from 'commander'
import type { Handle } from '../events/ids.ts'
import { partyFingerprint } from '../events/parties/party-card.ts'
import { DEFAULT_API, DEFAULT_ENDPOINT, readEnvironment } from '../node/config/configuration.ts'
import { createIdentity } from '../node/identity/create-identity.ts'
import { formatFingerprint } from '../node/identity/fingerprint.ts'
import { givenPassphrase } from '../node/identity/passphrase.ts'
import { systemClock } from '../runtime/clock.ts'
import { dataOption, jsonOption, type NodeOptions } from './options.ts'
import { printResult, table } from './output.ts'

interface Options extends NodeOptions {
  readonly handle: string
  readonly name: string
  readonly did?: string
  readonly lei?: string
  readonly endpoint: string
  readonly api: string
}

/** `concordata init`: makes a party, with its keys and its certificate. */
export function initCommand(program: Command): void {
  program
    .command('init')
    .description('make a data directory with the keys, the certificate and the configuration of a new party')
    .addOption(jsonOption())
    .addOption(dataOption())
    .requiredOption('--handle <handle>', 'the short name that contracts know the party by, such as acme-re')
    .requiredOption('--name <name>', 'the full name of the company')
    .option(
      '--did <did>',
      'the DID of the party, did:web of a domain of the company (default: of the host of the endpoint)',
    )
    .option('--lei <lei>', 'the Legal Entity Identifier that the party claims')
    .option('--endpoint <url>', 'where other parties reach this node', DEFAULT_ENDPOINT)
    .option('--api <url>', 'where the own programs reach its API', DEFAULT_API)
    .action(async ({ data, json, handle, name, did, lei, endpoint, api }: Options) => {
      const passphrase = await givenPassphrase(readEnvironment(process.env))
      const wanted = {
        handle: handle as Handle,
        name,
        ...(lei === undefined ? {} : { lei }),
        did,
        endpoint,
        api,
        passphrase,
      }
      const { card, notices } = await createIdentity(data, wanted, systemClock)
      const fingerprint = formatFingerprint(partyFingerprint(card))
      const rows = [
        ['party', `${card.name} (${card.handle})`],
        ['did', card.did],
        ['fingerprint', fingerprint],
        ['outward', endpoint],
        ['inward', api],
      ]
      printResult(json, { ...card, fingerprint, endpoint, api, notices }, [
        ...table(['', ''], rows),
        ...notices.flatMap((notice) => ['', `${notice}`]),
        '',
        `Start it with: concordata node --data ${data}`,
      ])
    })
}
