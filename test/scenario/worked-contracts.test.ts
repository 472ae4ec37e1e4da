import t, { type Test } from 'tap'
import { entryArrives, openTogether } from '../../src/cli/demo/opening.ts'
import { playScenario } from '../../src/cli/demo/play-scenario.ts'
import type { Scenario } from '../../src/scenario/scenario.ts'
import { reinsuranceSlip } from '../../src/scenario/worked-contracts.ts'
import { type MarketParty, marketOf } from '../support/market-nodes.ts'
import { runCommand } from '../support/run-command.ts'
import { committedFigures, figuresIn, recomputedFigures, withoutComputed } from '../support/worked-figures.ts'

interface Played {
  readonly contract: string
  readonly parties: readonly MarketParty[]
  readonly told: readonly string[]
}

/** On real nodes: whatever the scenario says of values, flags and refusals is compared on the way. */
async function played(
  scenario: Scenario,
  market: readonly MarketParty[],
  others: Readonly<Record<string, string>> = {},
): Promise<Played> {
  const parties = scenario.parties.map(({ handle }) => market.find((party) => party.handle === handle) as MarketParty)
  const told: string[] = []
  const tell = (line: string) => told.push(line)
  const contract = await openTogether(scenario.title, parties, tell)
  await playScenario(scenario, { contract, parties, others, tell })
  const [{ client }] = parties as [MarketParty]
  const { size } = (await client.call('GET', `/api/Contract/${contract}`)) as { size: number }
  for (const party of parties) await entryArrives(party, contract, size - 1)
  return { contract, parties, told }
}

/** What has been computed in it at all nodes is what an independent script computes; and the audit recomputes all of it, byte by byte. */
function figuresAgree(t: Test, name: string, scenario: Scenario, { contract, parties }: Played): void {
  t.test(`${name}: all figures are those of an independent script`, async (t) => {
    const committed = committedFigures(name)
    const documents = await Promise.all(
      parties.map(async ({ client }) => {
        const full = await client.call('GET', `/api/FullContract?ContractId=${contract}`)
        return (full as { document: unknown }).document
      }),
    )
    for (const [place, document] of documents.entries()) {
      t.same(figuresIn(document, committed), committed, `as ${parties[place]?.handle} has them`)
    }
    const recomputed = recomputedFigures(name, withoutComputed(documents[0], scenario))
    if (recomputed === undefined) t.comment('there is no python3: compared with what its script gave elsewhere')
    else t.same(recomputed, committed, 'as the script computes them from what was written')
  })
  t.test(`${name}: every party has the same bytes, and replayed they come to the same`, async (t) => {
    const standings = await Promise.all(parties.map(({ client }) => client.call('GET', `/api/Contract/${contract}`)))
    const held = standings.map((standing) => {
      const { record, root, size } = standing as { record: string; root: string; size: number }
      return { record, root, size }
    })
    for (const one of held) t.same(one, held[0])
    for (const { data } of parties) {
      t.match(await runCommand('audit', 'verify', contract, '--data', data), { output: /\nNothing is off\.\n/ })
    }
  })
}

t.test('a reinsurance slip is placed by its rules and endorsed', { timeout: 240_000 }, async (t) => {
  const scenario = reinsuranceSlip()
  const market = await marketOf(
    t,
    scenario.parties.map(({ handle }) => handle),
  )
  const slip = await played(scenario, market)
  figuresAgree(t, 'reinsurance-slip', scenario, slip)

  t.test('a refusal says by which rule, and with which values, those of the entry that is not there', async (t) => {
    const from = slip.told.findIndex((line) => line.includes('tries to write more'))
    t.match(slip.told.slice(from + 1, from + 4), [
      /refused by rule \d+, "line at most 75", at Security Details \/ Lines \/ 0: /,
      /where Security Details \/ Lines \/ 2 \/ Insurers Written Line is "80"$/,
      /writes its line/,
    ])
  })
})
