import { type Command, InvalidArgumentError } from 'commander'
import { type ApiRole, apiRoles } from '../../api/http/callers/authenticate.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { addApiKey, readApiKeys, revokeApiKey } from '../../node/inward/api-keys.ts'
import { systemClock } from '../../runtime/clock.ts'
import { dataOption, dateIn, jsonOption, type NodeOptions } from '../options.ts'
import { printResult, table } from '../output.ts'

/** `concordata api-key add|list|revoke`: who may use the inward API. A running node takes it up at once. */
export function apiKeyCommands(program: Command): void {
  const apiKey = program.command('api-key').description('who may use the inward API')

  apiKey
    .command('add <name>')
    .addOption(jsonOption())
    .addOption(dataOption())
    .requiredOption('--role <roles>', `some of ${apiRoles.join(', ')}, with commas between`, rolesIn)
    .option('--expires <date>', 'when it ends: a date, or a date and time', dateIn)
    .description('make a key, and show it this one time')
    .action(
      async (name: string, { data, json, role, expires }: NodeOptions & { role: ApiRole[]; expires?: string }) => {
        await requireDataDirectory(data)
        const wanted = { name, roles: role, ...(expires === undefined ? {} : { expires }) }
        const key = await addApiKey(data, wanted, systemClock)
        printResult(json, { ...wanted, key }, [key])
      },
    )

  apiKey
    .command('list')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the keys that there are; the keys themselves are kept nowhere')
    .action(async ({ data, json }: NodeOptions) => {
      await requireDataDirectory(data)
      const keys = await readApiKeys(data)
      const shown = keys.map(({ name, roles, made, expires }) => ({ name, roles, made, expires }))
      const rows = shown.map(({ name, roles, made, expires }) => [name, roles.join(', '), made, expires ?? 'never'])
      printResult(json, shown, table(['name', 'roles', 'made', 'expires'], rows))
    })

  apiKey
    .command('revoke <name>')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('a key is good no more, from the next call on')
    .action(async (name: string, { data, json }: NodeOptions) => {
      await requireDataDirectory(data)
      await revokeApiKey(data, name)
      printResult(json, { name }, [])
    })
}

/** Elsewhere there are no keys, which is not the same as that nobody has one. Throws ConfigurationMissing. */
async function requireDataDirectory(data: string): Promise<void> {
  await readConfiguration(data, readEnvironment(process.env))
}

function rolesIn(text: string): ApiRole[] {
  const roles = [...new Set(text.split(',').map((role) => role.trim()))]
  const unknown = roles.find((role) => !apiRoles.some((known) => known === role))
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is no role: ${apiRoles.join(', ')}`)
  return roles as ApiRole[]
}
