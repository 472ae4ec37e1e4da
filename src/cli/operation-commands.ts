import { type Command, Option } from 'commander'
import {
  configurationPath,
  type Environment,
  readConfiguration,
  readEnvironment,
} from '../node/config/configuration.ts'
import { type Examined, examine, examinedProcesses } from '../node/maintenance/doctor.ts'
import { systemClock } from '../runtime/clock.ts'
import { dataOption, jsonOption, type NodeOptions } from './options.ts'
import { jsonLines, printResult, table } from './output.ts'

function whereFrom({ passphrase, passphraseFile }: Environment): string {
  if (passphraseFile !== undefined) return `from ${passphraseFile}`
  return passphrase === undefined ? 'from the data directory' : 'from the environment'
}

/** `concordata config check|show`, `concordata doctor`: what an operator looks at first. */
export function operationCommands(program: Command): void {
  const config = program.command('config').description('the configuration of a node, from its file and the environment')

  config
    .command('check')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('say whether the configuration is valid')
    .action(async ({ data, json }: NodeOptions) => {
      await readConfiguration(data, readEnvironment(process.env))
      const path = configurationPath(data)
      printResult(json, { path }, [`${path} is valid.`])
    })

  config
    .command('show')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the configuration as the node takes it; no secrets')
    .action(async ({ data, json }: NodeOptions) => {
      const environment = readEnvironment(process.env)
      const configuration = await readConfiguration(data, environment)
      const shown = { ...configuration, passphrase: whereFrom(environment) }
      printResult(json, shown, jsonLines(shown))
    })

  program
    .command('doctor')
    .addOption(dataOption())
    .addOption(
      new Option('--role <process>', 'whose directory and user this is').choices(examinedProcesses).default('node'),
    )
    .option('--json', 'the findings as JSON')
    .description('look at everything that a node needs, with advice; ends with 1 if something is wrong')
    .action(async ({ data, role, json }: { data: string; role: Examined; json?: true }) => {
      const environment = readEnvironment(process.env)
      const configuration = await readConfiguration(data, environment)
      const findings = await examine(configuration, environment, systemClock, role)
      const rows = findings.map(({ check, level, finding }) => [check, level, finding])
      printResult(json, findings, [
        ...table(['check', '', 'finding'], rows),
        ...findings.flatMap(({ check, advice }) => (advice === undefined ? [] : ['', `${check}: ${advice}`])),
      ])
      if (findings.some(({ level }) => level === 'error')) process.exitCode = 1
    })
}
