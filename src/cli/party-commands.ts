import type { Command } from 'commander'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import { type PartyCard, partyFingerprint } from '../events/parties/party-card.ts'
import { INTRODUCTION_PATH } from '../gossip/transport/protocol.ts'
import { readConfiguration, readEnvironment } from '../node/config/configuration.ts'
import { requireAllowed } from '../node/directory/allow-list.ts'
import { didDocument } from '../node/directory/did-document.ts'
import { Directory } from '../node/directory/directory.ts'
import {
  type DirectoryParty,
  PartyConflict,
  PartyUnknown,
  PartyWrongFingerprint,
} from '../node/directory/directory-state.ts'
import { fetchIntroduction } from '../node/directory/discovery.ts'
import { type FiledIdentity, readFiledIdentity, verifyFiled } from '../node/directory/filed-identity.ts'
import type { SignedIntroduction } from '../node/directory/introduction.ts'
import { openStore } from '../node/files/open-store.ts'
import { didWebUrl } from '../node/identity/did-web.ts'
import { formatFingerprint, parseFingerprint } from '../node/identity/fingerprint.ts'
import { readCard } from '../node/identity/identity.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { FileUnavailable, textIn } from './file-unavailable.ts'
import { dataOption, jsonOption } from './options.ts'
import { complain, jsonLines, printResult, requireConfirmed, table } from './output.ts'

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
    .argument('<address>', 'https://host:port, the endpoint of the other node, or did:web:…, its DID')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--fingerprint <f>', 'the fingerprint that the other party has told you: nothing is asked then')
    .option('--later', 'only look it up: `party approve` approves it')
    .option('--ca <file>', 'for a did:web: the authorities to trust, PEM, in place of those of the system')
    .description('look up a party and approve it, once its fingerprint has been compared')
    .action(async (address: string, { data, fingerprint, json, later, ca }: AddOptions) => {
      const handle = await (later ? introduceParty(data, address, ca) : addParty(data, address, fingerprint, ca))
      const line = later ? `${handle} waits to be approved.` : `${handle} is approved.`
      await withDirectory(data, async (directory) => printStanding(directory, handle, json, line))
    })

  party
    .command('approve')
    .argument('<handle>', 'of a party that was looked up, or has introduced itself: `party list`')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--fingerprint <f>', 'the fingerprint that the other party has told you: nothing is asked then')
    .description('approve a party that waits for it, or was blocked, once its fingerprint has been compared')
    .action(async (handle: string, { data, fingerprint, json }: Options & { fingerprint?: string }) => {
      await withDirectory(data, async (directory) => {
        const { card, endpoint } = knownParty(directory, handle).signed.introduction
        await directory.approve(card.handle, await compared(card, endpoint, fingerprint))
        printStanding(directory, handle, json, `${handle} is approved.`)
      })
    })

  party
    .command('self')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--did-document', 'what to serve for its DID, so that others find it by that')
    .description('who this party is: what to tell others, and the fingerprint to read out to them')
    .action(async ({ data, didDocument: asDocument, json }: Options & { didDocument?: true }) => {
      const configuration = await readConfiguration(data, readEnvironment(process.env))
      const card = await readCard(configuration)
      const { endpoint } = configuration
      if (asDocument) {
        const document = didDocument(card, endpoint)
        return printResult(json, document, jsonLines(document))
      }
      const fingerprint = formatFingerprint(partyFingerprint(card))
      const rows = [
        ['party', `${card.name} (${card.handle})`],
        ['did', card.did],
        ...leiRow(card),
        ['fingerprint', fingerprint],
        ['endpoint', endpoint],
      ]
      printResult(json, { ...card, endpoint, fingerprint }, table(['', ''], rows))
    })

  party
    .command('show')
    .argument('<handle>')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('what a party says of itself, and what was decided on it')
    .action(async (handle: string, { data, json }: Options) => {
      await withDirectory(data, async (directory) => {
        const { standing, signed } = knownParty(directory, handle)
        const { card, endpoint, certificate, serial } = signed.introduction
        const fingerprint = formatFingerprint(partyFingerprint(card))
        const rows = [
          ['party', `${card.name} (${card.handle})`],
          ['standing', standing],
          ['did', card.did],
          ...leiRow(card),
          ['fingerprint', fingerprint],
          ['endpoint', endpoint],
          ['certificate', certificate],
          ['signing key', card.keys.signing],
          ['introduction', `number ${serial}`],
        ]
        const shown = { standing, ...card, endpoint, certificate, serial, fingerprint }
        printResult(json, shown, table(['', ''], rows))
      })
    })

  party
    .command('block')
    .argument('<handle>')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--reason <text>', 'kept with the decision')
    .description('take nothing from a party any more, and call it no more; approve it again with approve')
    .action(async (handle: string, { data, json, reason }: Options & { reason?: string }) => {
      await withDirectory(data, async (directory) => {
        await directory.block(knownParty(directory, handle).signed.introduction.card.handle, reason)
        printStanding(directory, handle, json, `${handle} is blocked.`)
      })
    })

  party
    .command('list')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the parties that this node knows')
    .action(async ({ data, json }: Options) => {
      await withDirectory(data, async (directory) => {
        const shown = directory.parties().map(shownParty)
        const rows = shown.map(({ endpoint, fingerprint, handle, lei = '', name, standing }) => {
          return [handle, name, standing, endpoint, fingerprint, lei]
        })
        printResult(
          json,
          shown,
          table(['handle', 'name', 'standing', 'endpoint', 'fingerprint', 'LEI (claimed)'], rows),
        )
      })
    })
}

interface Options {
  readonly data: string
  readonly json?: true
}

interface AddOptions extends Options {
  readonly fingerprint?: string
  readonly later?: true
  readonly ca?: string
}

/**
 * `address`: an endpoint, or a did:web. `told`: what a person has compared already; left out, a person is asked. `ca`: a file of
 * authorities. Returns the party's handle.
 */
export async function addParty(dir: string, address: string, told: string | undefined, ca?: string): Promise<string> {
  const { partners } = await readConfiguration(dir, readEnvironment(process.env))
  const signed = await introductionAt(dir, address, ca)
  const { card } = signed.introduction
  requireAllowed(partners, card.did)
  const shown = await compared(card, address, told)
  await withDirectory(dir, async (directory) => {
    await directory.introduce(signed)
    await directory.approve(card.handle, shown)
  })
  return card.handle
}

async function introduceParty(dir: string, address: string, ca: string | undefined): Promise<string> {
  const signed = await introductionAt(dir, address, ca)
  await withDirectory(dir, (directory) => directory.introduce(signed))
  return signed.introduction.card.handle
}

/** Throws PartyAddressUnfit, PartyIsSelf, PartyConflict, and what `fetchIntroduction` and `introductionFiled` throw. */
async function introductionAt(dir: string, address: string, ca: string | undefined): Promise<SignedIntroduction> {
  const configuration = await readConfiguration(dir, readEnvironment(process.env))
  const own = await readCard(configuration)
  const signed = address.startsWith('did:')
    ? await introductionFiled(address, own, ca)
    : await introductionOf(endpointIn(address), new URL(configuration.endpoint).origin)
  const { card } = signed.introduction
  if (card.did === own.did || card.keys.signing === own.keys.signing) throw isSelf(address)
  if (card.handle !== own.handle) return signed
  const message = `the handle ${card.handle} of ${card.did} is that of this party: one of the two has to take another`
  throw new PartyConflict('party_conflict', message, { handle: card.handle, other: own.handle, claim: 'handle' })
}

function introductionOf(endpoint: string, own: string): Promise<SignedIntroduction> {
  if (endpoint === own) throw isSelf(endpoint)
  return fetchIntroduction(endpoint, FETCH_TIMEOUT_MS)
}

/**
 * The introduction of the node whose address is filed for a did:web. Prints whom it asks before each look-up, and at
 * the end who vouches for what. Throws PartyAddressUnfit, PartyIsSelf, FileUnavailable, and what `readFiledIdentity`,
 * `verifyFiled` and `fetchIntroduction` throw.
 */
async function introductionFiled(did: string, own: PartyCard, ca: string | undefined): Promise<SignedIntroduction> {
  const url = didWebUrl(did)
  if (url === undefined) throw unfitAddress(did)
  if (did === own.did) throw isSelf(did)
  const authorities = ca === undefined ? undefined : await readAuthorities(ca)
  complain(`asks         ${url.href}`)
  const filed = await readFiledIdentity(did, url, { ca: authorities, timeoutMs: FETCH_TIMEOUT_MS })
  complain(`asks         ${filed.endpoint}${INTRODUCTION_PATH}`)
  const signed = await fetchIntroduction(filed.endpoint, FETCH_TIMEOUT_MS)
  verifyFiled(filed, signed.introduction)
  complain(...vouchedFor(filed), '')
  return signed
}

function vouchedFor({ did, endpoint, vouching }: FiledIdentity): string[] {
  const { domain, issuer, root, validFrom, validTo, address } = vouching
  return [
    `domain       ${domain} (${address}) has filed ${endpoint} and its keys as those of ${did}; the node there says the same, signed with them`,
    `authority    ${issuer} has certified that the server is that of ${domain}, from ${validFrom} to ${validTo}; its root is ${root}`,
    `not proven   who the people are, and which company: whoever holds the domain, or could have its certificate made, files what it likes`,
  ]
}

/** Throws FileUnavailable. */
async function readAuthorities(path: string): Promise<string> {
  const text = await textIn(path)
  if (/^-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----$/m.test(text)) return text
  const message = `${path} has no certificate of an authority: PEM is expected`
  throw new FileUnavailable('file_unavailable', message, { path, reason: 'no certificate' })
}

function isSelf(url: string): PartyIsSelf {
  return new PartyIsSelf('party_is_self', `${url} is this party itself`, { url })
}

/** Throws PartyAddressUnfit. */
function endpointIn(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.href === `${url.origin}/`) return url.origin
  throw unfitAddress(text)
}

function unfitAddress(address: string): PartyAddressUnfit {
  const message = address.startsWith('did:')
    ? `${address} is no DID that can be looked up: it has to be did:web and a domain name, such as did:web:acme.example`
    : `${address} is no address of a node: it has to be https://host or https://host:port, with nothing behind it, or a did:web`
  return new PartyAddressUnfit('party_address_unfit', message, { address })
}

/** The LEI as what it is here: claimed. */
function leiRow({ lei }: PartyCard): string[][] {
  return lei === undefined ? [] : [['LEI', `${lei} (claimed by the party, not proven)`]]
}

/** The party's fingerprint, once it is what was told, or what a person says is the same. Throws PartyWrongFingerprint, NotConfirmed. */
async function compared(card: PartyCard, endpoint: string, told: string | undefined): Promise<Hash> {
  const shown = partyFingerprint(card)
  if (told === undefined) {
    await askWhether(card, formatFingerprint(shown))
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

function shownParty({ standing, signed: { introduction } }: DirectoryParty) {
  const { card, endpoint } = introduction
  return { standing, ...card, endpoint, fingerprint: formatFingerprint(partyFingerprint(card)) }
}

/** What stands of a party once that is done which `line` says: with `--json` as `party list` has it. */
function printStanding(directory: Directory, handle: string, json: true | undefined, line: string): void {
  printResult(json, shownParty(knownParty(directory, handle)), [line])
}

function knownParty(directory: Directory, handle: string): DirectoryParty {
  const known = directory.party(handle as Handle)
  if (known !== undefined) return known
  throw new PartyUnknown('party_unknown', `${handle} was never introduced here`, { handle })
}

/** Throws NotConfirmed. */
async function askWhether(card: PartyCard, fingerprint: string): Promise<void> {
  await requireConfirmed(
    `${card.name} (${card.handle}, ${card.did})`,
    ...leiRow(card).map(([label = '', value = '']) => `${label.padEnd(11)}  ${value}`),
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
