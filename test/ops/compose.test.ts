import { access, readFile } from 'node:fs/promises'
import { Command } from 'commander'
import t from 'tap'
import { parse } from 'yaml'
import { processCommands } from '../../src/cli/process-commands.ts'
import { checkConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'

const ops = new URL('../../ops/', import.meta.url)
const read = (name: string) => readFile(new URL(name, ops), 'utf8')

interface Service {
  readonly image: string
  readonly user?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, { aliases?: readonly string[] }>>
  readonly network_mode?: string
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { condition: string }>>
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly healthcheck?: object
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, object>>
  readonly volumes: Readonly<Record<string, object>>
  readonly secrets: Readonly<Record<string, { file: string }>>
}

const compose: Compose = parse(await read('compose.yaml'), { merge: true, strict: true, uniqueKeys: true })
const settings = checkConfiguration('ops/compose/concordata.json', JSON.parse(await read('compose/concordata.json')))
const ROLES = ['signer', 'serve', 'transmit', 'receive'] as const
const STORES = ['node1.eventstore', 'node2.eventstore', 'node3.eventstore'] as const

const serviceOf = (name: string) => compose.services[name] as Service
const networksOf = ({ networks = [] }: Service) => (Array.isArray(networks) ? networks : Object.keys(networks))
const exists = (name: string) =>
  access(new URL(name, ops)).then(
    () => true,
    () => false,
  )

t.test('all that a service names is there', async (t) => {
  for (const [name, service] of Object.entries(compose.services)) {
    for (const network of networksOf(service)) t.ok(network in compose.networks, `${name}: network ${network}`)
    for (const secret of service.secrets ?? []) t.ok(secret in compose.secrets, `${name}: secret ${secret}`)
    for (const other of Object.keys(service.depends_on ?? {})) t.ok(other in compose.services, `${name}: ${other}`)
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':')
      if (!source.startsWith('./')) t.ok(source in compose.volumes, `${name}: volume ${source}`)
      else if (!source.startsWith('./compose/data/')) t.ok(await exists(source), `${name}: ${source}`)
    }
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      const secret = /^\/run\/secrets\/(.+)$/.exec(value)?.[1]
      if (secret !== undefined) t.ok(service.secrets?.includes(secret), `${name}: ${variable} names ${secret}`)
    }
  }
})

t.test('every process is a command that there is, with variables that are read', async (t) => {
  const program = new Command()
  processCommands(program)
  for (const role of ROLES) {
    const { command: [name, ...args] = [], environment = {} } = serviceOf(role)
    const command = program.commands.find((known) => known.name() === name)
    t.equal(name, role)
    t.same(args, ['--data', '/var/lib/concordata'])
    t.ok(command?.options.some(({ long }) => long === '--data'))
    // Whatever is not read would change nothing here.
    const names = Object.keys(environment)
    const understood = Object.keys(readEnvironment(environment)).filter((key) => key !== 'logLevel')
    const expected = names.filter((variable) => variable !== 'CONCORDATA_STORE_PASSWORD_FILE')
    t.equal(understood.length, expected.length, `${role}: ${names.join(', ')}`)
    const files = await read('../src/node/config/configuration.ts')
    for (const variable of names) t.match(files, new RegExp(`\\b${variable}\\b`))
  }
})

t.test('each process has a user of its own, the signer no network, serve no passphrase', async (t) => {
  const users = ROLES.map((role) => serviceOf(role).user)
  t.equal(new Set(users).size, ROLES.length)
  const groupOf = (role: (typeof ROLES)[number]) => serviceOf(role).user?.split(':')[1]
  t.same([groupOf('transmit'), groupOf('receive')], [groupOf('signer'), groupOf('signer')], 'may open the socket')
  t.not(groupOf('serve'), groupOf('signer'), 'whoever takes serve over signs nothing')
  const dockerfile = await read('Dockerfile')
  for (const role of ROLES) {
    t.match(dockerfile, new RegExp(`\\b${serviceOf(role).user?.split(':')[0]}:${role}\\b`), 'the image has the user')
  }
  t.equal(serviceOf('signer').network_mode, 'none')
  t.notOk(serviceOf('serve').secrets?.includes('passphrase'))
  t.notOk(networksOf(serviceOf('serve')).includes('outward'))
})

t.test('all are locked in', async (t) => {
  for (const [name, service] of Object.entries(compose.services)) {
    if (name === 'certificates') continue
    t.same(service.cap_drop, ['ALL'], name)
    t.same(service.security_opt, ['no-new-privileges:true'], name)
  }
  for (const role of [...ROLES, 'prometheus']) t.equal(serviceOf(role).read_only, true, role)
  const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
    ports.filter((port) => !port.startsWith('127.0.0.1:')).map(() => name),
  )
  t.same(published, ['receive'], 'nothing else can be reached from outside')
})

t.test('three servers of the store, that know each other and are waited for', async (t) => {
  const servers = (settings.store?.url ?? '').replace('esdb://', '').split(',')
  t.same(
    servers,
    STORES.map((name) => `${name}:2113`),
  )
  const certificates = serviceOf('certificates').command?.join('\n') ?? ''
  for (const [index, name] of STORES.entries()) {
    const { environment = {}, healthcheck, volumes = [] } = serviceOf(name)
    t.equal(environment.EVENTSTORE_NODE_HOST_ADVERTISE_AS, name)
    t.equal(
      environment.EVENTSTORE_GOSSIP_SEED,
      STORES.filter((other) => other !== name)
        .map((other) => `${other}:2113`)
        .join(','),
    )
    t.ok(healthcheck)
    t.ok(volumes.some((volume) => volume.includes(`public${index + 1}:/certificates:ro`)))
  }
  t.match(certificates, /-dns-names node\$\$n\.eventstore/)
  t.notOk(
    Object.entries(compose.services).some(
      ([name, { volumes = [] }]) =>
        name !== 'certificates' && volumes.some((v) => v.startsWith('./compose/data/certificates:')),
    ),
    'the key of the authority is mounted into no server',
  )
  for (const role of ['serve', 'transmit', 'receive']) t.same(Object.keys(serviceOf(role).depends_on ?? {}), STORES)
})

t.test('addresses in the configuration are those of the services, and what Prometheus asks', async (t) => {
  const { api, status, endpoint, signer } = settings
  const asked = parse(await read('compose/prometheus.yml')).scrape_configs[0].static_configs[0].targets
  t.same(
    asked.map((target: string) => `http://${target}`),
    [api, status?.transmit, status?.receive],
  )
  for (const url of [api, status?.transmit, status?.receive]) {
    const { hostname } = new URL(url as string)
    t.ok(networksOf(serviceOf(hostname)).some((network) => networksOf(serviceOf('prometheus')).includes(network)))
  }
  t.same(serviceOf('serve').ports, [`127.0.0.1:${new URL(api).port}:${new URL(api).port}`])
  t.same(serviceOf('receive').ports, [`${new URL(endpoint).port}:${new URL(endpoint).port}`])
  for (const role of ['signer', 'transmit', 'receive']) {
    t.ok(serviceOf(role).volumes?.includes('signer-socket:/run/concordata'))
  }
  t.equal(signer?.socket, '/run/concordata/signer.sock')
  const datasource = parse(await read('compose/datasource.yaml')).datasources[0]
  t.equal(datasource.url, 'http://prometheus:9090')
  t.equal(datasource.uid, parse(await read('grafana/provisioning/datasources/prometheus.yaml')).datasources[0].uid)
})

t.test('images have a version, and the image of the node is made of the package', async (t) => {
  for (const [name, { image }] of Object.entries(compose.services)) t.match(image, /:v?\d+\.\d+\.\d+/, name)
  const dockerfile = await read('Dockerfile')
  for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) t.match(image, /^node:24\.\d+\.\d+-/)
  t.match(dockerfile, /^USER \d+:\d+$/m)
  const { version } = JSON.parse(await read('../package.json'))
  t.equal(serviceOf('serve').image, `concordata:${version}`)
})
