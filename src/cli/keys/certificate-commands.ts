import { X509Certificate } from 'node:crypto'
import type { Command } from 'commander'
import { certificateFingerprint } from '../../crypto/certificate.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { openTls, readCard } from '../../node/identity/identity.ts'
import { renewCertificate } from '../../node/outward/certificate-renewal.ts'
import { systemClock } from '../../runtime/clock.ts'
import { dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult, table } from '../output.ts'

/** `concordata certificate show|renew`: of the outward connection. */
export function certificateCommands(program: Command): void {
  const certificate = program.command('certificate').description('the certificate of the outward connection')

  certificate
    .command('show')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('its fingerprint, and how long it is good')
    .action(async ({ data, json }: NodeOptions) => {
      show((await openParty(data)).tls.certificate, json)
    })

  certificate
    .command('renew')
    .addOption(dataOption())
    .addOption(jsonOption())
    .description('make a new one now; a running node takes it up within a minute and announces it, signed')
    .action(async ({ data, json }: NodeOptions) => {
      const { configuration, tls } = await openParty(data)
      show(await renewCertificate(configuration, await readCard(configuration), tls.key, systemClock), json)
    })
}

async function openParty(data: string) {
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(data, environment)
  return { configuration, tls: await openTls(configuration, environment) }
}

function show(pem: string, json: true | undefined): void {
  const { validFrom, validFromDate, validTo, validToDate } = new X509Certificate(pem)
  const fingerprint = certificateFingerprint(pem)
  const rows = [
    ['fingerprint', fingerprint],
    ['good from', validFrom],
    ['good until', validTo],
  ]
  printResult(json, { fingerprint, from: validFromDate, until: validToDate }, table(['', ''], rows))
}
