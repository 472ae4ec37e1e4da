import type { Command } from 'commander'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import { type PartyCard, partyFingerprint } from '../events/party-card.ts'
import { readConfiguration, readEnvironment } from '../node/configuration.ts'
import { Directory } from '../node/directory.ts'
import { type DirectoryParty, PartyConflict, PartyUnknown, PartyWrongFingerprint } from '../node/directory-state.ts'
import { fetchIntroduction } from '../node/discovery.ts'
import { formatFingerprint, parseFingerprint } from '../node/fingerprint.ts'
import { readCard } from '../node/identity.ts'
import type { SignedIntroduction } from '../node/introduction.ts'
import { openStore } from '../node/open-store.ts'
import { assertAllowed } from '../node/partners.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { dataOption } from './options.ts'
import { assertConfirmed, print, table } from './output.ts'

const FETCH_TIMEOUT_MS = 10_000

/** Nobody can be looked up there. Evidence: `address`. */
export class PartyAddressUnfit extends ConcordataError {}

/** Evidence: `url`. */
export class PartyIsSelf extends ConcordataError {}

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
      print(...table(['', ''], rows))
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
          ...table(
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
        print(...table(['handle', 'name', 'standing', 'endpoint', 'fingerprint'], rows))
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
  const signed = await introductionAt(dir, url)
  const { card } = signed.introduction
  assertAllowed((await readConfiguration(dir, readEnvironment(process.env))).partners, card.did)
  const shown = await compared(card, url, told)
  await withDirectory(dir, async (directory) => {
    await directory.introduce(signed)
    await directory.approve(card.handle, shown)
  })
  return card.handle
}

async function introduceParty(dir: string, url: string): Promise<string> {
  const signed = await introductionAt(dir, url)
  await withDirectory(dir, (directory) => directory.introduce(signed))
  return signed.introduction.card.handle
}

/** Throws PartyAddressUnfit, PartyIsSelf, PartyConflict, and what `fetchIntroduction` throws. */
async function introductionAt(dir: string, url: string): Promise<SignedIntroduction> {
  const configuration = await readConfiguration(dir, readEnvironment(process.env))
  const endpoint = endpointIn(url)
  if (endpoint === new URL(configuration.endpoint).origin) throw isSelf(url)
  const signed = await fetchIntroduction(endpoint, FETCH_TIMEOUT_MS)
  const [own, { card }] = [await readCard(configuration), signed.introduction]
  if (card.did === own.did || card.keys.signing === own.keys.signing) throw isSelf(url)
  if (card.handle !== own.handle) return signed
  const message = `the handle ${card.handle} of ${card.did} is that of this party: one of the two has to take another`
  throw new PartyConflict('party_conflict', message, { handle: card.handle, other: own.handle, claim: 'handle' })
}

function isSelf(url: string): PartyIsSelf {
  return new PartyIsSelf('party_is_self', `${url} is this party itself`, { url })
}

/** Throws PartyAddressUnfit. */
function endpointIn(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.href === `${url.origin}/`) return url.origin
  const message = `${text} is no address of a node: it has to be https://host or https://host:port, with nothing behind it`
  throw new PartyAddressUnfit('party_address_unfit', message, { address: text })
}

/** The party's fingerprint, once it is what was told, or what a person says is the same. Throws PartyWrongFingerprint, NotConfirmed. */
async function compared(card: PartyCard, endpoint: string, told: string | undefined): Promise<Hash> {
  const shown = partyFingerprint(card)
  if (told === undefined) {
    await askWhether(`${card.name} (${card.handle}, ${card.did})`, formatFingerprint(shown))
    return shown
  }
  const said = parseFingerprint(told)
  if (said === shown) return shown
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

/** Throws NotConfirmed. */
async function askWhether(who: string, fingerprint: string): Promise<void> {
  await assertConfirmed(
    who,
    `fingerprint  ${fingerprint}`,
    '',
    'Compare it with the other party by telephone, or in some other way that this network has no part in.',
    'Are they the same? Type yes to approve: ',
  )
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
