import type { Command } from 'commander'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import { type PartyCard, partyFingerprint } from '../events/party-card.ts'
import { readConfiguration, readEnvironment } from '../node/configuration.ts'
import { Directory } from '../node/directory.ts'
import { type DirectoryParty, PartyUnknown, PartyWrongFingerprint } from '../node/directory-state.ts'
import { fetchIntroduction } from '../node/discovery.ts'
import { formatFingerprint, parseFingerprint } from '../node/fingerprint.ts'
import { readCard } from '../node/identity.ts'
import { openStore } from '../node/open-store.ts'
import { assertAllowed } from '../node/partners.ts'
import { systemClock } from '../runtime/clock.ts'
import { dataOption } from './options.ts'
import { askYes, complain, print, table } from './output.ts'

const FETCH_TIMEOUT_MS = 10_000

/** `concordata party self|add|approve|show|block|list`: whom this node trusts. They work on the store, whether the node runs or not. */
export function partyCommands(program: Command): void {
  const party = program.command('party').description('look up other parties, and approve them')

  party
    .command('add')
    .argument('<url>', 'the endpoint of the other node, https://host:port')
    .addOption(dataOption())
    .option('--fingerprint <f>', 'the fingerprint that the other party has told you: nothing is asked then')
    .option('--later', 'only look it up: `party approve` approves it')
    .description('look up a party and approve it, once its fingerprint has been compared')
    .action(async (url: string, { data, fingerprint, later }: AddOptions) => {
      if (later) print(`${await introduceParty(data, url)} waits to be approved.`)
      else print(`${await addParty(data, url, fingerprint)} is approved.`)
    })

  party
    .command('approve')
    .argument('<handle>', 'of a party that was looked up, or has introduced itself: `party list`')
    .addOption(dataOption())
    .option('--fingerprint <f>', 'the fingerprint that the other party has told you: nothing is asked then')
    .description('approve a party that waits for it, or was blocked, once its fingerprint has been compared')
    .action(async (handle: string, { data, fingerprint }: { data: string; fingerprint?: string }) => {
      await withDirectory(data, async (directory) => {
        const { card, endpoint } = knownParty(directory, handle).signed.introduction
        await directory.approve(card.handle, await compared(card, endpoint, fingerprint))
      })
      print(`${handle} is approved.`)
    })

  party
    .command('self')
    .addOption(dataOption())
    .description('who this party is: what to tell others, and the fingerprint to read out to them')
    .action(async ({ data }: { data: string }) => {
      const configuration = await readConfiguration(data, readEnvironment(process.env))
      const card = await readCard(configuration)
      const rows = [
        ['party', `${card.name} (${card.handle})`],
        ['did', card.did],
        ['fingerprint', formatFingerprint(partyFingerprint(card))],
        ['endpoint', configuration.endpoint],
      ]
      print(table(['', ''], rows))
    })

  party
    .command('show')
    .argument('<handle>')
    .addOption(dataOption())
    .description('what a party says of itself, and what was decided on it')
    .action(async (handle: string, { data }: { data: string }) => {
      await withDirectory(data, async (directory) => {
        const { standing, signed } = knownParty(directory, handle)
        const { card, endpoint, certificate, serial } = signed.introduction
        print(
          table(
            ['', ''],
            [
              ['party', `${card.name} (${card.handle})`],
              ['standing', standing],
              ['did', card.did],
              ['fingerprint', formatFingerprint(partyFingerprint(card))],
              ['endpoint', endpoint],
              ['certificate', certificate],
              ['signing key', card.keys.signing],
              ['introduction', `number ${serial}`],
            ],
          ),
        )
      })
    })

  party
    .command('block')
    .argument('<handle>')
    .addOption(dataOption())
    .option('--reason <text>', 'kept with the decision')
    .description('take nothing from a party any more, and call it no more; approve it again with approve')
    .action(async (handle: string, { data, reason }: { data: string; reason?: string }) => {
      await withDirectory(data, async (directory) => {
        await directory.block(knownParty(directory, handle).signed.introduction.card.handle, reason)
      })
      print(`${handle} is blocked.`)
    })

  party
    .command('list')
    .addOption(dataOption())
    .description('the parties that this node knows')
    .action(async ({ data }: { data: string }) => {
      await withDirectory(data, async (directory) => {
        const rows = directory.parties().map(({ standing, signed: { introduction } }) => {
          const { card, endpoint } = introduction
          return [card.handle, card.name, standing, endpoint, formatFingerprint(partyFingerprint(card))]
        })
        print(table(['handle', 'name', 'standing', 'endpoint', 'fingerprint'], rows))
      })
    })
}

interface AddOptions {
  readonly data: string
  readonly fingerprint?: string
  readonly later?: true
}

/** `told`: what a person has compared already; left out, a person is asked. The answer is the party's handle. */
export async function addParty(dir: string, url: string, told: string | undefined): Promise<string> {
  const endpoint = URL.canParse(url) ? new URL(url).origin : url
  const signed = await fetchIntroduction(endpoint, FETCH_TIMEOUT_MS)
  const { card } = signed.introduction
  assertAllowed((await readConfiguration(dir, readEnvironment(process.env))).partners, card.did)
  const shown = await compared(card, endpoint, told)
  await withDirectory(dir, async (directory) => {
    await directory.introduce(signed)
    await directory.approve(card.handle, shown)
  })
  return card.handle
}

async function introduceParty(dir: string, url: string): Promise<string> {
  const signed = await fetchIntroduction(URL.canParse(url) ? new URL(url).origin : url, FETCH_TIMEOUT_MS)
  await withDirectory(dir, (directory) => directory.introduce(signed))
  return signed.introduction.card.handle
}

/** The party's fingerprint, once it is what was told, or what a person says is the same. Throws PartyWrongFingerprint. */
async function compared(card: PartyCard, endpoint: string, told: string | undefined): Promise<Hash> {
  const shown = partyFingerprint(card)
  const said =
    told === undefined
      ? await askWhether(`${card.name} (${card.handle}, ${card.did})`, formatFingerprint(shown))
      : parseFingerprint(told)
  if (said === true || said === shown) return shown
  const message = `${endpoint} is not approved: its fingerprint is ${formatFingerprint(shown)}`
  throw new PartyWrongFingerprint('party_wrong_fingerprint', message, {
    handle: card.handle,
    expected: said,
    given: shown,
  })
}

function knownParty(directory: Directory, handle: string): DirectoryParty {
  const known = directory.party(handle as Handle)
  if (known !== undefined) return known
  throw new PartyUnknown('party_unknown', `${handle} was never introduced here`, { handle })
}

async function askWhether(who: string, fingerprint: string): Promise<boolean | undefined> {
  complain(`${who}\nfingerprint  ${fingerprint}\n`)
  complain('Compare it with the other party by telephone, or in some other way that this network has no part in.')
  return (await askYes('Are they the same? Type yes to approve: ')) ? true : undefined
}

async function withDirectory(dir: string, work: (directory: Directory) => Promise<void>): Promise<void> {
  const configuration = await readConfiguration(dir, readEnvironment(process.env))
  const store = await openStore(configuration)
  const directory = await Directory.open(store.events, systemClock, configuration.partners)
  try {
    await work(directory)
  } finally {
    directory.close()
    await store.close()
  }
}
