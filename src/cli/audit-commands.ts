import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { convicted, NotProven, readEvidence } from '../agreement/evidence.ts'
import type { PartyNamed } from '../audit/misconduct.ts'
import type { AuditSource } from '../audit/source.ts'
import { type AuditReport, verifyContract } from '../audit/verify.ts'
import { contractHeldIn, isTrue } from '../contracts/contract-held.ts'
import { type Handle, UID_PATTERN, type Uid } from '../events/ids.ts'
import { readConfiguration, readEnvironment } from '../node/configuration.ts'
import { formatFingerprint } from '../node/fingerprint.ts'
import { openStoreToRead } from '../node/open-store.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { refsIn } from '../store/payload-group.ts'
import type { Store } from '../store/port.ts'
import { CONTRACTS_STREAM, contractStream, evidenceStream, feedStream } from '../store/streams.ts'
import { fileUnavailable } from './file-unavailable.ts'
import { dataOption } from './options.ts'
import { print, printJson, table } from './output.ts'

/** The store is sound, and holds what convicts a member. */
const MISCONDUCT_STATUS = 3

/** The store does not hold the contract. */
export class NotHeld extends ConcordataError {}

/** `concordata audit verify|check`: reads a party's store, whether its node runs or not, and recomputes everything. */
export function auditCommands(program: Command): void {
  const audit = program.command('audit').description('check what a party has stored, trusting nothing in it')
  audit
    .command('verify')
    .argument('<contract>', 'its UID')
    .option('--json', 'the report as JSON')
    .addOption(dataOption())
    .description('recompute links, signatures, order, outcomes, record hash and root of a contract, and compare')
    .action(async (uid: string, { data, json }: { data: string; json?: true }) => {
      const store = await openStoreToRead(await readConfiguration(data, readEnvironment(process.env)))
      try {
        const report = await verifyContract(await sourceOf(store, uid))
        if (json) printJson(report)
        else print(...asText(report))
        if (report.misconduct.length > 0) process.exitCode = MISCONDUCT_STATUS
      } finally {
        await store.close()
      }
    })

  audit
    .command('check')
    .argument('<file>', 'what `contract evidence` printed')
    .description('check evidence against a party, with nothing but the file: says whom it convicts')
    .action(async (file: string) => {
      for (const evidence of readEvidence(await textOf(file))) {
        const conviction = convicted(evidence)
        if (conviction === undefined) {
          throw new NotProven('evidence_proves_nothing', `the evidence of ${evidence.kind} convicts nobody`)
        }
        const { party, keys } = conviction
        print(`${evidence.kind}: ${party} (signing key ${keys.signing}) is convicted in ${evidence.contract}`)
      }
    })
}

/** Throws FileUnavailable. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw fileUnavailable(cause, path) ?? cause
  }
}

async function sourceOf(store: Store, uid: string): Promise<AuditSource> {
  if (!new RegExp(UID_PATTERN).test(uid))
    throw new NotHeld('no_such_contract', `${uid} is no UID of a contract`, { contract: uid })
  const contract = uid as Uid
  return {
    contract,
    founder: await founderOf(store, contract),
    feed: (party) => store.events.read(feedStream(contract, party)),
    ledger: () => store.events.read(contractStream(contract)),
    evidence: () => store.events.read(evidenceStream(contract)),
    payloads: (party, sealed) => store.payloads.get(contract, refsIn(party, sealed)),
  }
}

async function founderOf(store: Store, contract: Uid): Promise<Handle> {
  for await (const event of store.events.read(CONTRACTS_STREAM)) {
    const held = contractHeldIn(event)
    if (held?.contract === contract && isTrue(held)) return held.founder.handle
  }
  throw new NotHeld('no_such_contract', `the store does not hold ${contract}`, { contract })
}

function asText({
  contract,
  title,
  statements,
  size,
  pending,
  root,
  record,
  members,
  misconduct,
}: AuditReport): string[] {
  const signed = members.flatMap(({ statements: count, signedSize, ...party }) => [
    [party.handle, `${count} statements, signed for ${signedSize} entries`],
    ['', whoIs(party)],
  ])
  return [
    ...table(
      ['', ''],
      [
        ['contract', contract],
        ['title', title],
        ['statements', `${statements}, every signature and link verified`],
        ['ledger', `${size} settled entries recomputed, ${pending} pending`],
        ['root', root],
        ['record hash', record],
        ...signed,
      ],
    ),
    ...misconduct.flatMap(({ what, party, seq }) => [
      '',
      `misconduct: ${what}, statement ${seq} of ${party.handle} (${whoIs(party)})`,
    ]),
    '',
    misconduct.length === 0
      ? 'Nothing is off.'
      : 'The store is sound. What it holds convicts whom the lines above name.',
  ]
}

function whoIs({ did, fingerprint }: PartyNamed): string {
  return `${did}, fingerprint ${formatFingerprint(fingerprint)}`
}
