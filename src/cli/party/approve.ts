import type { Hash } from '../../crypto/hash.ts'
import { type PartyCard, partyFingerprint } from '../../events/parties/party-card.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { requireAllowed } from '../../node/directory/allow-list.ts'
import { Directory } from '../../node/directory/directory.ts'
import { PartyWrongFingerprint } from '../../node/directory/directory-state.ts'
import { openStore } from '../../node/files/open-store.ts'
import { formatFingerprint, parseFingerprint } from '../../node/identity/fingerprint.ts'
import { systemClock } from '../../runtime/clock.ts'
import { requireConfirmed } from '../output.ts'
import { introductionAt } from './look-up.ts'

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

export async function introduceParty(dir: string, address: string, ca: string | undefined): Promise<string> {
  const signed = await introductionAt(dir, address, ca)
  await withDirectory(dir, (directory) => directory.introduce(signed))
  return signed.introduction.card.handle
}

/** The party's fingerprint, once it is what was told, or what a person says is the same. Throws PartyWrongFingerprint, NotConfirmed. */
export async function compared(card: PartyCard, endpoint: string, told: string | undefined): Promise<Hash> {
  const shown = partyFingerprint(card)
  if (told === undefined) {
    await askWhether(card, formatFingerprint(shown))
    return shown
  }
  const said = parseFingerprint(told)
  if (said === shown) return shown
  const unlike = said === undefined ? ', and what was told is none: 64 hexadecimal digits' : ''
  const message = `${endpoint} is not approved: its fingerprint is ${formatFingerprint(shown)}${unlike}`
  throw new PartyWrongFingerprint('party_wrong_fingerprint', message, {
    handle: card.handle,
    expected: said,
    given: shown,
  })
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

/** The LEI as what it is here: claimed. */
export function leiRow({ lei }: PartyCard): string[][] {
  return lei === undefined ? [] : [['LEI', `${lei} (claimed by the party, not proven)`]]
}

export async function withDirectory(dir: string, work: (directory: Directory) => Promise<void>): Promise<void> {
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
