import { EngineUnknown } from '../../src/aggregates/contract/engines.ts'
import type { Policy } from '../../src/contracts/approvals/policy.ts'
import type { Role } from '../../src/contracts/duties.ts'
import { EntriesContradicted } from '../../src/contracts/replica/inbound/intake.ts'
import { both } from '../support/engine-2.ts'
import { fullState } from '../support/full-state.ts'
import { HostileMember } from './hostile.ts'
import { losingValues } from './lost-values.ts'
import { Machine, type Neighbour, type World } from './machine.ts'
import { SimulatedNetwork } from './network.ts'
import type { Run } from './run.ts'
import { ALL_SINS, LIES, SINS, type Sin, VALUE_SINS } from './sins.ts'
import { SAID } from './submissions.ts'

const HANDLES = ['ana', 'ben', 'cleo', 'dov']

/** The processes of a machine, where not one does everything. */
const ROLES: readonly (readonly Role[])[] = [
  ['node'],
  ['serve', 'transmit', 'receive'],
  ['receive', 'transmit', 'serve', 'transmit'],
]

/** What the others answer: now and then no, now and then after somebody was asked. */
const POLICIES: readonly Policy[] = [
  [],
  [{ commands: ['RenameElement'], answer: 'refuse', reason: `${SAID} names are fine` }],
  [
    {
      commands: ['GrantElement'],
      answer: 'ask',
      forSeconds: 1,
      otherwise: 'acknowledge',
      reason: `${SAID} nobody was there`,
    },
  ],
  [
    {
      commands: ['WithdrawProposal'],
      answer: 'ask',
      forSeconds: 1,
      otherwise: 'refuse',
      reason: `${SAID} nobody was there`,
    },
  ],
]

/** Draws who takes part in a run, on what machines, over which network. */
export function drawCast(run: Run): void {
  const { options, sources } = run
  const random = sources.of('cast')
  const ofNetwork = sources.of('network')
  const faults = {
    loss: ofNetwork.fraction() * options.loss,
    duplication: ofNetwork.fraction() * options.duplication,
    delayMs: 1 + ofNetwork.fraction() * options.delayMs,
  }
  run.network = new SimulatedNetwork(run.clock, ofNetwork, faults)
  const values = sources.of('values')
  if (options.losingValues) {
    run.network.mangle = losingValues(values, { loss: values.fraction() * 0.6, forgery: values.fraction() * 0.1 })
  }
  const world = worldOf(run)
  const drawn = 2 + random.below(3)
  const parties = options.parties === 0 ? drawn : options.parties
  const fraction = random.fraction()
  const kind = parties > 2 && !options.upgrades ? fraction : 1
  const sins = drawSins(run)
  const handles = HANDLES.slice(0, parties)
  run.hostile = kind < options.hostile ? new HostileMember(world, 'ben', sins, options.fields) : undefined
  const isTwinned = run.hostile === undefined && kind < options.hostile + options.twins
  // Of the twins each would draw one of its own.
  const keySeed = sources.of('keys', 'of the twins').bytes(32)
  run.machines = handles.flatMap((handle) => {
    const policy = random.pick(POLICIES)
    const drawnRoles = random.pick(ROLES)
    const roles = options.split ? drawnRoles : (['node'] as const)
    const wait = options.losingValues ? { payloadWaitMs: 200 + values.below(3_000) } : {}
    const entriesAtOnceMax = sources.of('cast', `entries of ${handle}`).chance(options.fewEntries) ? 2 : 256
    const isPiecewise = random.chance(0.5)
    if (run.hostile !== undefined && handle === 'ben') return []
    const twinned = isTwinned && handle === 'ben' ? { keySeed } : {}
    const settings = { policy, roles, rests: options.passive, isPiecewise, entriesAtOnceMax }
    return [new Machine(world, handle, { ...settings, ...wait, ...twinned })]
  })
  const isPiecewise = random.chance(0.5)
  run.twin = isTwinned
    ? new Machine(world, 'ben', { keySeed, address: 'ben again', rests: options.passive, isPiecewise })
    : undefined
  introduce(run)
}

function drawSins({ options, sources }: Run): Sin[] {
  const random = sources.of('cast', 'sins')
  if (options.sins !== '') return options.sins.split(',').map(sinNamed)
  const sins = new Set<Sin>([random.pick(SINS)])
  while (random.chance(0.4)) sins.add(random.pick(SINS))
  const lies = sources.of('cast', 'lies')
  for (const lie of LIES) if (lies.chance(0.2)) sins.add(lie)
  if (options.erasures > 0 && sources.of('cast', 'false entries').chance(0.4)) sins.add('false entries')
  if (!options.losingValues) return [...sins]
  // Beside a deadly one nothing would have to come to its end.
  const others = random.chance(0.5) ? [] : [...sins]
  return [random.pick(VALUE_SINS), ...others]
}

function sinNamed(name: string): Sin {
  const found = ALL_SINS.find((sin) => sin === name)
  if (found === undefined) throw new Error(`no sin ${name}: ${ALL_SINS.join(', ')}`)
  return found
}

/** What the machines of a run share; what they report goes to its oracle. */
export function worldOf(run: Run): World {
  return {
    clock: run.clock,
    sources: run.sources,
    network: run.network,
    settled: (machine, contract, entries) => {
      // Others that a hostile member has founded are its own affair.
      if (run.contract !== undefined && contract.contract !== run.contract) return
      run.trace(`${machine.address} settled ${entries.map(({ entry }) => entry.index).join(' ')}`)
      if (run.isHonest(machine)) run.guard(() => run.oracle.settled(machine, fullState(contract.state), entries))
    },
    comesOf: (under) => run.comesOf(under),
    wanting: () => run.count('asked for values'),
    accused: (machine, accused) => {
      for (const { party } of accused) {
        run.count('accused')
        run.trace(`${machine.address} accuses ${party}`)
        const isGuilty = party === 'ben' && (run.hostile !== undefined || run.twin !== undefined)
        if (run.isHonest(machine)) run.guard(() => run.oracle.accused(machine, party, isGuilty))
      }
    },
    failed: (machine, error) => {
      if (error instanceof EngineUnknown && machine.engines !== both)
        return run.count('could not go on without the engine')
      if (error instanceof EntriesContradicted && run.hostile?.sins.has('false entries'))
        return run.count('found out about false entries')
      if (run.isHonest(machine)) run.violations.push(error)
    },
  }
}

/** Who calls whom: of a twinned member some see the one machine and some the other. */
function introduce({ machines, twin, hostile }: Run): void {
  const everyone: Neighbour[] = [...machines, ...(hostile === undefined ? [] : [hostile])]
  const [founder] = machines
  for (const machine of machines) {
    const others = everyone.filter((other) => other !== machine)
    const misled = twin !== undefined && machine !== founder && machine.handle !== 'ben'
    machine.knows(others.map((other) => (misled && other.handle === 'ben' ? twin : other)))
  }
  hostile?.knows(machines)
  twin?.knows(machines.filter(({ handle }) => handle !== 'ben'))
}
