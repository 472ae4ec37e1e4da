import type { Command } from 'commander'
import type { Handle } from '../../events/ids.ts'
import { partyFingerprint } from '../../events/parties/party-card.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { didDocument } from '../../node/directory/did-document.ts'
import type { Directory } from '../../node/directory/directory.ts'
import { type DirectoryParty, PartyUnknown } from '../../node/directory/directory-state.ts'
import { formatFingerprint } from '../../node/identity/fingerprint.ts'
import { readCard } from '../../node/identity/identity.ts'
import { dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { jsonLines, printResult, table } from '../output.ts'
import { addParty, compared, introduceParty, leiRow, withDirectory } from './approve.ts'

interface AddOptions extends NodeOptions {
  readonly fingerprint?: string
  readonly later?: true
  readonly ca?: string
}

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
    .action(async (handle: string, { data, fingerprint, json }: NodeOptions & { fingerprint?: string }) => {
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
    .action(async ({ data, didDocument: asDocument, json }: NodeOptions & { didDocument?: true }) => {
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
    .action(async (handle: string, { data, json }: NodeOptions) => {
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
    .action(async (handle: string, { data, json, reason }: NodeOptions & { reason?: string }) => {
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
    .action(async ({ data, json }: NodeOptions) => {
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
