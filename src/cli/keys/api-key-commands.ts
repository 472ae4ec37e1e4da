import { type Command, InvalidArgumentError } from 'commander'
import { type ApiRole, apiRoles } from '../../api/http/authenticate.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { addApiKey, readApiKeys, revokeApiKey } from '../../node/inward/api-keys.ts'
import { systemClock } from '../../runtime/clock.ts'
import { dataOption, dateIn, jsonOption } from '../options.ts'
import { print, printJson, printLines, table } from '../output.ts'

/** `concordata api-key add|list|revoke`: who may use the inward API. A running node takes it up at once. */
export function apiKeyCommands(program: Command): void {
  const apiKey = program.command('api-key').description('who may use the inward API')

  apiKey
    .command('add <name>')
    .addOption(dataOption())
    .requiredOption('--role <roles>', `some of ${apiRoles.join(', ')}, with commas between`, rolesIn)
    .option('--expires <date>', 'when it ends: a date, or a date and time', dateIn)
    .description('make a key, and show it this one time')
    .action(async (name: string, { data, role, expires }: { data: string; role: ApiRole[]; expires?: string }) => {
      await assertDataDirectory(data)
      print(await addApiKey(data, { name, roles: role, ...(expires === undefined ? {} : { expires }) }, systemClock))
    })

  apiKey
    .command('list')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the keys that there are; the keys themselves are kept nowhere')
    .action(async ({ data, json }: { data: string; json?: true }) => {
      await assertDataDirectory(data)
      const keys = await readApiKeys(data)
      if (json) return printJson(keys.map(({ name, roles, made, expires }) => ({ name, roles, made, expires })))
      const rows = keys.map(({ name, roles, made, expires }) => [name, roles.join(', '), made, expires ?? 'never'])
      printLines(table(['name', 'roles', 'made', 'expires'], rows))
    })

  apiKey
    .command('revoke <name>')
    .addOption(dataOption())
    .description('a key is good no more, from the next call on')
    .action(async (name: string, { data }: { data: string }) => {
      await assertDataDirectory(data)
      await revokeApiKey(data, name)
    })
}

/** Elsewhere there are no keys, which is not the same as that nobody has one. Throws ConfigurationMissing. */
async function assertDataDirectory(data: string): Promise<void> {
  await readConfiguration(data, readEnvironment(process.env))
}

function rolesIn(text: string): ApiRole[] {
  const roles = [...new Set(text.split(',').map((role) => role.trim()))]
  const unknown = roles.find((role) => !apiRoles.some((known) => known === role))
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is no role: ${apiRoles.join(', ')}`)
  return roles as ApiRole[]
}
