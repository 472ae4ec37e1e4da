import { dashed, flag, number, type OptionValues, text } from '../support/command-line.ts'

/**
 * Everything that can be set about a run, by `simulate(seed, { name: … })` and by `--name` on the command line, where `crashes` is
 * `--crashes` and `losingValues` `--losing-values`. What is drawn is drawn whether it is used or not: an option that is set moves
 * nothing else.
 */
export const simulationOptions = {
  split: flag('some parties run a process for each role, on one store, and now and then two that sign'),
  passive: flag('contracts are in memory only while somebody asks for them'),
  losingValues: flag('values get lost, or are false, on the way from whoever passes statements on'),
  upgrades: flag('the members vote for another engine, and now and then one starts without it; all are honest'),
  parties: number(0, 'how many; 0: two to four'),
  rounds: number(0, 'of work and faults, before everything heals; 0: 10 to 34'),
  fields: number(4, 'of the document'),
  hostile: number(0.35, 'share of the runs of three and more in which one member does what it likes'),
  twins: number(0.1, 'share of the runs of three and more in which two machines have the key of one member'),
  sins: text('of the hostile member, with commas between; none: drawn'),
  loss: number(0.2, 'share of the messages that are lost, at most'),
  duplication: number(0.2, 'share of the calls that arrive twice, at most'),
  delayMs: number(60, 'of a message, at most'),
  cuts: number(0.1, 'of a link, a round'),
  clogs: number(0.05, 'of a link, a round'),
  crashes: number(0.03, 'of a machine, a round'),
  setBacks: number(0.25, 'share of the crashes after which an old backup takes the place of the disk; once a run'),
  processCrashes: number(0.04, 'of one process of several, a machine and round'),
  skews: number(0.05, 'jumps of a clock, a machine and round'),
  writes: number(0.35, 'of a value, a member and round'),
  entries: number(
    0.15,
    'to change the list (entries, what is in them, or what all are made of) or a type; a member and round',
  ),
  rules: number(0, 'to draft, vote on, publish, obey or reopen rules, a member and round'),
  audiences: number(
    0,
    'to set an audience, confide a value, or reveal one, a member and round; the hostile member asks for all',
  ),
  attachments: number(0, 'to put a file at a field, a member and round; some are never brought'),
  fewEntries: number(
    0.25,
    'share of the machines that give two entries at once in place of erased values, and not 256',
  ),
  erasures: number(0, 'to vote for, or against, the erasure of values, a member and round'),
  templates: number(
    0,
    'to bring a template, import it, vote on its upgrade, or write where one was imported; a member and round',
  ),
  withdrawals: number(0.08, 'of what is tentative, a member and round'),
  invitations: number(0.05, 'a member and round'),
  locks: number(0.03, 'a member and round'),
  rotations: number(0.01, 'of a key, a member and round'),
  revocations: number(0.004, 'of a key, a member and round'),
  resignations: number(0.004, 'a member and round; the founder stays'),
  reseed: text('sources that are seeded by another number, as in `network=7,workload=3`'),
} as const

/** The value of each option. */
export type SimulationOptions = OptionValues<typeof simulationOptions>

const names = Object.keys(simulationOptions) as (keyof SimulationOptions)[]

export function withDefaults(set: Partial<SimulationOptions>): SimulationOptions {
  const values = names.map((name) => [name, set[name] ?? simulationOptions[name].value])
  return Object.fromEntries(values) as SimulationOptions
}

/** As on the command line: every option with its value; or those alone that are not as they are by default. */
export function commandLineOf(options: SimulationOptions, which: 'all' | 'set' = 'all'): string {
  return names
    .flatMap((name) => {
      const value = options[name]
      if (value === false || value === '') return []
      if (which === 'set' && value === simulationOptions[name].value) return []
      return value === true ? [`--${dashed(name)}`] : [`--${dashed(name)}=${value}`]
    })
    .join(' ')
}
