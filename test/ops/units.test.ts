import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'

const folder = new URL('../../ops/systemd/', import.meta.url)

/** systemd 252 (Debian 12): systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5). */
const known: Readonly<Record<string, readonly string[]>> = {
  Unit: ['Description', 'Documentation', 'After', 'Wants', 'StartLimitIntervalSec'],
  Service: [
    ...['Type', 'User', 'Group', 'ExecStart', 'Restart', 'RestartSec', 'TimeoutStopSec', 'KillSignal'],
    ...['LoadCredentialEncrypted', 'Environment', 'StateDirectory', 'StateDirectoryMode', 'RuntimeDirectory'],
    ...['RuntimeDirectoryMode', 'ReadWritePaths', 'IPAddressDeny', 'UMask', 'LimitCORE', 'NoNewPrivileges'],
    ...['CapabilityBoundingSet', 'AmbientCapabilities', 'ProtectSystem', 'ProtectHome', 'PrivateTmp'],
    ...['PrivateDevices', 'ProtectClock', 'ProtectHostname', 'ProtectKernelLogs', 'ProtectKernelModules'],
    ...['ProtectKernelTunables', 'ProtectControlGroups', 'ProtectProc', 'ProcSubset', 'RestrictAddressFamilies'],
    ...['RestrictNamespaces', 'RestrictRealtime', 'RestrictSUIDSGID', 'LockPersonality', 'RemoveIPC'],
    ...['SystemCallArchitectures', 'SystemCallFilter', 'PrivateUsers', 'KeyringMode', 'SocketBindDeny'],
  ],
  Timer: ['OnCalendar', 'RandomizedDelaySec', 'Persistent'],
  Install: ['WantedBy'],
}

/** V8 writes code that it runs, so MemoryDenyWriteExecute cannot be among them. */
const hardening = {
  NoNewPrivileges: 'yes',
  CapabilityBoundingSet: '',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  PrivateUsers: 'yes',
  KeyringMode: 'private',
  RestrictNamespaces: 'yes',
  RestrictSUIDSGID: 'yes',
  LockPersonality: 'yes',
  SystemCallArchitectures: 'native',
}

type Unit = Record<string, [string, string][]>

/** Strict: whatever systemd would pass over with a warning is an error here. */
function parseUnit(text: string): Unit {
  const unit: Unit = {}
  let section: string | undefined
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const header = /^\[(\w+)\]$/.exec(line)?.[1]
    if (header !== undefined) {
      if (known[header] === undefined || unit[header] !== undefined) throw new Error(`section ${header}`)
      section = header
      unit[section] = []
      continue
    }
    const [, name = '', value = ''] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? []
    if (section === undefined || !known[section]?.includes(name)) throw new Error(`${section}: ${line}`)
    unit[section]?.push([name, value])
  }
  return unit
}

async function units(): Promise<Map<string, Unit>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.service'))
  const read = async (name: string) => [name, parseUnit(await readFile(new URL(name, folder), 'utf8'))] as const
  return new Map(await Promise.all(names.map(read)))
}

const valuesOf = (unit: Unit | undefined, name: string) =>
  (unit?.Service ?? []).filter(([known]) => known === name).map(([, value]) => value)

const RUN = /^\/opt\/concordata\/node_modules\/\.bin\/concordata (\w+) --data (\/var\/lib\/[a-z-]+)$/

t.test('a unit for the node, and one for each process of a split one', async (t) => {
  const found = await units()
  t.same(
    [...found.keys()].sort(),
    ['', '-backup', '-receive', '-serve', '-signer', '-transmit'].map((role) => `concordata${role}.service`).sort(),
  )
  for (const [name, unit] of found) {
    t.same(valuesOf(unit, 'Environment')[0], 'PATH=/opt/concordata/node_modules/.bin:/usr/bin:/bin', name)
    if (name === 'concordata-backup.service') continue
    const role = /^concordata-?(\w*)\.service$/.exec(name)?.[1] || 'node'
    t.equal(RUN.exec(valuesOf(unit, 'ExecStart')[0] ?? '')?.[1], role)
    t.same(valuesOf(unit, 'Restart'), ['always'])
  }
  const users = [...found].flatMap(([name, unit]) => (name.includes('backup') ? [] : valuesOf(unit, 'User')))
  t.equal(new Set(users).size, users.length, 'each under a user of its own')
})

t.test('users and directories of the units are those that are made', async (t) => {
  const lines = async (name: string) =>
    (await readFile(new URL(name, folder), 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const found = await units()
  for (const [name, unit] of found) {
    const of = ['concordata.service', 'concordata-backup.service'].includes(name) ? 'concordata' : 'concordata-split'
    const [user] = valuesOf(unit, 'User')
    const made = (await lines(`${of}.sysusers`)).map((line) => line.split(/\s+/))
    t.ok(
      made.some(([kind, who]) => kind === 'u' && who === user),
      `${user} is made`,
    )
    const directories = (await lines(`${of}.tmpfiles`)).map((line) => line.split(/\s+/)[1])
    const [ran = ''] = valuesOf(unit, 'ExecStart')
    for (const [directory] of ran.matchAll(/\/var\/(lib|backups)\/[a-z-]+/g)) t.ok(directories.includes(directory))
  }
  // sysusers.d(5): the description becomes a field of passwd(5), where a colon ends it.
  for (const name of ['concordata', 'concordata-split']) {
    for (const line of await lines(`${name}.sysusers`)) t.notMatch(/"(.*)"/.exec(line)?.[1] ?? '', /:/)
  }
})

t.test('a backup goes to a new directory each time, and old ones go', async (t) => {
  const unit = (await units()).get('concordata-backup.service')
  t.match(valuesOf(unit, 'ExecStart'), [/concordata backup --data \S+ --out "\/var\/backups\/concordata\/\$\(date -u /])
  t.match(await readFile(new URL('concordata.tmpfiles', folder), 'utf8'), /^d \/var\/backups\/concordata .* 30d$/m)
  t.match(parseUnit(await readFile(new URL('concordata-backup.timer', folder), 'utf8')), {
    Timer: [['OnCalendar', '*-*-* 02:30:00']],
  })
})

t.test('each is locked in', async (t) => {
  for (const [name, unit] of await units()) {
    for (const [directive, value] of Object.entries(hardening))
      t.same(valuesOf(unit, directive), [value], `${name}: ${directive}`)
    t.same(valuesOf(unit, 'SystemCallFilter'), ['@system-service', '~@privileged @resources'], name)
  }
})

t.test('the signer speaks to nobody over a network, and serve has no passphrase', async (t) => {
  const found = await units()
  const signer = found.get('concordata-signer.service')
  t.same(valuesOf(signer, 'RestrictAddressFamilies'), ['AF_UNIX'])
  t.same(valuesOf(signer, 'IPAddressDeny'), ['any'])
  t.same(valuesOf(found.get('concordata-serve.service'), 'LoadCredentialEncrypted'), [])
  t.same(valuesOf(found.get('concordata-transmit.service'), 'LoadCredentialEncrypted').length, 1)
})

t.test(
  'serve is not in the group that may open the socket of the signer, read the passphrase and what is outward',
  async (t) => {
    const found = await units()
    const groupOf = (role: string) => valuesOf(found.get(`concordata-${role}.service`), 'Group')[0]
    t.same(['signer', 'transmit', 'receive'].map(groupOf), ['concordata', 'concordata', 'concordata'])
    t.equal(groupOf('serve'), 'concordata-serve')
    const made = await readFile(new URL('concordata-split.sysusers', folder), 'utf8')
    t.same([...made.matchAll(/^m concordata-(\w+) concordata$/gm)].map(([, role]) => role).sort(), [
      'receive',
      'signer',
      'transmit',
    ])
    const directories = await readFile(new URL('concordata-split.tmpfiles', folder), 'utf8')
    t.match(directories, /^d \/var\/lib\/concordata-serve 0700 concordata-serve concordata-serve -$/m)
  },
)

t.test('what systemd would pass over is found', async (t) => {
  t.throws(() => parseUnit('[Service]\nNoNewPrivilege=yes\n'))
  t.throws(() => parseUnit('[Sevice]\n'))
  t.throws(() => parseUnit('User=ana\n'))
})
