import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Handle } from '../../events/ids.ts'
import { partyFingerprint } from '../../events/parties/party-card.ts'
import { fetchIntroduction } from '../../node/directory/discovery.ts'
import { replaceFile } from '../../runtime/durable-file.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import { reinsuranceSlip } from '../../scenario/worked-contracts.ts'
import { print } from '../output.ts'
import { addParty } from '../party/approve.ts'
import { agreementOf, showComparison, showWhatToTry } from './comparison.ts'
import { openTogether } from './opening.ts'
import { type DemoProcess, startParty } from './party-process.ts'
import { playScenario } from './play-scenario.ts'

const LOOK_UP_TIMEOUT_MS = 10_000

/** The main job. The answer: whether all parties hold the same in the end. Without `exit` it stays up until told to stop. */
export async function runDemo(dir: string, exit: boolean): Promise<boolean> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const scenario = reinsuranceSlip()
  const descriptionPath = join(dir, 'demo.json')
  const negotiatedPath = join(dir, 'negotiated.json')
  const known = await readNegotiated(negotiatedPath)
  // It would name processes of an earlier run until the table stands.
  await rm(descriptionPath, { force: true })
  const parties: DemoProcess[] = []
  const stopped = stopSignal()
  try {
    for (const { handle, name } of scenario.parties) {
      parties.push(await startParty(join(dir, handle), { handle: handle as Handle, name }))
      print(`${name} has a node: outward ${parties.at(-1)?.endpoint}, inward ${parties.at(-1)?.api}`)
    }
    const contract = known ?? (await begin(parties, scenario))
    if (known === undefined) await replaceFile(negotiatedPath, `${JSON.stringify({ contract })}\n`, 0o600)
    const agreement = await agreementOf(contract, parties)
    showComparison(agreement)
    await replaceFile(descriptionPath, describe(contract, parties), 0o600)
    if (exit) return agreement.isEqual
    showWhatToTry(contract, parties, dir)
    await stopped
    return agreement.isEqual
  } finally {
    await Promise.all(parties.map((party) => party.stop()))
  }
}

async function begin(parties: readonly DemoProcess[], scenario: Scenario): Promise<string> {
  await introduceEachOther(parties)
  const contract = await openTogether(scenario.title, parties, print)
  await playScenario(scenario, { contract, parties, tell: print })
  return contract
}

/** As two people would by telephone: each reads out its fingerprint, and the other approves it. */
async function introduceEachOther(parties: readonly DemoProcess[]): Promise<void> {
  const fingerprints = new Map<DemoProcess, string>()
  for (const party of parties) {
    const { introduction } = await fetchIntroduction(party.endpoint, LOOK_UP_TIMEOUT_MS)
    fingerprints.set(party, partyFingerprint(introduction.card))
  }
  for (const party of parties) {
    for (const other of parties) {
      if (other !== party) await addParty(party.dir, other.endpoint, fingerprints.get(other))
    }
  }
  print('They have compared fingerprints and approved each other')
}

function describe(contract: string, parties: readonly DemoProcess[]): string {
  const description = {
    contract,
    parties: parties.map(({ handle, name, api, token, endpoint, dir, pid }) => ({
      handle,
      name,
      api,
      token,
      endpoint,
      data: dir,
      pid,
    })),
  }
  return `${JSON.stringify(description, null, 2)}\n`
}

/** Which contract an earlier run left in the directory. */
async function readNegotiated(path: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as { contract: string }).contract
  } catch {
    return undefined
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
    if (process.connected) process.once('disconnect', () => resolve())
  })
}
