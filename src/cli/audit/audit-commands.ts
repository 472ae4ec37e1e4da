import { type Command, InvalidArgumentError } from 'commander'
import { convicted, NotProven, readEvidence } from '../../agreement/evidence.ts'
import { AuditFailed } from '../../audit/audit-failed.ts'
import { type FileProof, proveFile } from '../../audit/file-proof.ts'
import type { AuditReport } from '../../audit/report.ts'
import { verifyContract } from '../../audit/verify.ts'
import { contractHeldIn, isTrue } from '../../contracts/registry/held-contracts.ts'
import { type Handle, UID_PATTERN, type Uid } from '../../events/ids.ts'
import { contentOf } from '../../merkle/content-tree.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { openStoreToRead } from '../../node/files/open-store.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Store } from '../../store/port.ts'
import { CONTRACTS_STREAM } from '../../store/streams.ts'
import { bytesIn, textIn } from '../file-unavailable.ts'
import { jsonIn } from '../json-argument.ts'
import { dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult } from '../output.ts'
import { auditText } from './audit-report.ts'
import { auditSourceOf } from './audit-source.ts'

/** The store is sound, and holds what convicts a member. */
const MISCONDUCT_STATUS = 3

/** The store does not hold the contract. */
export class NotHeld extends ConcordataError {}

/**
 * `concordata audit verify|check|prove`: reads a party's store, whether its node runs or not, and recomputes everything; or holds files
 * against evidence, without any store.
 */
export function auditCommands(program: Command): void {
  const audit = program.command('audit').description('check what a party has stored, trusting nothing in it')
  audit
    .command('verify')
    .argument('<contract>', 'its UID')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('recompute links, signatures, seals, order, outcomes, record hash and root of a contract, and compare')
    .action(async (uid: string, { data, json }: NodeOptions) => {
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
    .addOption(jsonOption())
    .description('check evidence against a party, with nothing but the file: says whom it convicts')
    .action(async (file: string, { json }: { json?: true }) => {
      const convictions = readEvidence(await textIn(file)).map((evidence) => {
        const conviction = convicted(evidence)
        if (conviction === undefined) {
          throw new NotProven('evidence_proves_nothing', `the evidence of ${evidence.kind} convicts nobody`)
        }
        const { party, keys } = conviction
        return { kind: evidence.kind, party, signing: keys.signing, contract: evidence.contract }
      })
      const lines = convictions.map(({ contract, kind, party, signing }) => {
        return `${kind}: ${party} (signing key ${signing}) is convicted in ${contract}`
      })
      printResult(json, convictions, lines)
    })

  audit
    .command('prove')
    .argument('<evidence>', 'what `attachment evidence` printed')
    .argument('<file>', 'the file that is said to be the attachment')
    .option('--seal <seal>', 'the seal that it is to stand under; left out: any in the evidence')
    .option('--key <handle=key>', 'signing key of a member, to check its signatures by', keyGiven, new Map())
    .addOption(jsonOption())
    .description('check a file against a seal, a statement and the ledger, with nothing but the two files')
    .action(async (evidence: string, file: string, { json, key, seal }: ProveOptions) => {
      const said = jsonIn(await textIn(evidence), evidence)
      const proofs = proveFile(said, contentOf(await bytesOf(file)), { keys: key, seal })
      printResult(json, proofs, proofs.flatMap(proofLines))
    })
}

interface ProveOptions {
  readonly json?: true
  readonly key: ReadonlyMap<string, string>
  readonly seal?: string
}

function keyGiven(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, handle, key] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (handle === undefined || key === undefined) throw new InvalidArgumentError('it has to be <handle>=<signing key>.')
  return new Map([...before, [handle, key]])
}

function proofLines(proof: FileProof): string[] {
  const { at, by, contract, cosigned, index, isSigned, name, proposal, seal, type } = proof
  return [
    `The file is ${name} (${type}), attached at ${decodeURIComponent(at)} of ${contract}.`,
    `seal       ${seal}`,
    `proposal   ${proposal}, ${isSigned ? `signed by ${by}` : `by ${by}; signature not checked: give --key ${by}=…`}`,
    `agreed     entry ${index} of the ledger`,
    `cosigned   ${cosigned.length === 0 ? 'not checked: give --key for each member' : cosigned.join(', ')}`,
  ]
}

function show(report: AuditReport, json: true | undefined): void {
  printResult(json, report, auditText(report))
}

/** Throws FileUnavailable, NotProven. */
async function bytesOf(path: string): Promise<Uint8Array> {
  const bytes = await bytesIn(path)
  if (bytes.length > 0) return bytes
  throw new NotProven('evidence_proves_nothing', `${path} is empty, and no attachment is`, { path })
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
