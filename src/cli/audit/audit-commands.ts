import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { convicted, NotProven, readEvidence } from '../../agreement/evidence.ts'
import { AuditFailed } from '../../audit/audit-failed.ts'
import type { AuditReport } from '../../audit/report.ts'
import { verifyContract } from '../../audit/verify.ts'
import { contractHeldIn, isTrue } from '../../contracts/registry/held-contracts.ts'
import { type Handle, UID_PATTERN, type Uid } from '../../events/ids.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { openStoreToRead } from '../../node/files/open-store.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Store } from '../../store/port.ts'
import { CONTRACTS_STREAM } from '../../store/streams.ts'
import { fileUnavailable } from '../file-unavailable.ts'
import { dataOption } from '../options.ts'
import { print, printJson, printLines } from '../output.ts'
import { auditText } from './audit-report.ts'
import { auditSourceOf } from './audit-source.ts'

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
    .description('recompute links, signatures, seals, order, outcomes, record hash and root of a contract, and compare')
    .action(async (uid: string, { data, json }: { data: string; json?: true }) => {
      const configuration = await readConfiguration(data, readEnvironment(process.env))
      const store = await openStoreToRead(configuration)
      try {
        const contract = uidIn(uid)
        const source = auditSourceOf(store, contract, await founderOf(store, contract), configuration.handle)
        const report = await verifyContract(source).catch((error: unknown) => {
          if (error instanceof AuditFailed) show(error.report, json)
          throw error
        })
        show(report, json)
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

function show(report: AuditReport, json: true | undefined): void {
  if (json) printJson(report)
  else printLines(auditText(report))
}

/** Throws FileUnavailable. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw fileUnavailable(cause, path) ?? cause
  }
}

function uidIn(text: string): Uid {
  if (new RegExp(UID_PATTERN).test(text)) return text as Uid
  throw new NotHeld('no_such_contract', `${text} is no UID of a contract`, { contract: text })
}

async function founderOf(store: Store, contract: Uid): Promise<Handle> {
  for await (const event of store.events.read(CONTRACTS_STREAM)) {
    const held = contractHeldIn(event)
    if (held?.contract === contract && isTrue(held)) return held.founder.handle
  }
  throw new NotHeld('no_such_contract', `the store does not hold ${contract}`, { contract })
}
