import { X509Certificate } from 'node:crypto'
import type { Command } from 'commander'
import { certificateFingerprint } from '../../crypto/certificate.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { openTls, readCard } from '../../node/identity/identity.ts'
import { renewCertificate } from '../../node/outward/certificate-renewal.ts'
import { systemClock } from '../../runtime/clock.ts'
import { dataOption } from '../options.ts'
import { printLines, table } from '../output.ts'

/** `concordata certificate show|renew`: of the outward connection. */
export function certificateCommands(program: Command): void {
  const certificate = program.command('certificate').description('the certificate of the outward connection')

  certificate
    .command('show')
    .addOption(dataOption())
    .description('its fingerprint, and how long it is good')
    .action(async ({ data }: { data: string }) => {
      show((await openParty(data)).tls.certificate)
    })

  certificate
    .command('renew')
    .addOption(dataOption())
    .description('make a new one now; a running node takes it up within a minute and announces it, signed')
    .action(async ({ data }: { data: string }) => {
      const { configuration, tls } = await openParty(data)
      show(await renewCertificate(configuration, await readCard(configuration), tls.key, systemClock))
    })
}

async function openParty(data: string) {
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(data, environment)
  return { configuration, tls: await openTls(configuration, environment) }
}

function show(pem: string): void {
  const { validFrom, validTo } = new X509Certificate(pem)
  printLines(
    table(
      ['', ''],
      [
        ['fingerprint', certificateFingerprint(pem)],
        ['good from', validFrom],
        ['good until', validTo],
      ],
    ),
  )
}
