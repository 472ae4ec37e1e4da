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
    ...['SystemCallArchitectures', 'SystemCallFilter'],
  ],
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

t.test('a unit for the node, and one for each process of a split one', async (t) => {
  const found = await units()
  t.same(
    [...found.keys()].sort(),
    ['', '-receive', '-serve', '-signer', '-transmit'].map((role) => `concordata${role}.service`).sort(),
  )
  for (const [name, unit] of found) {
    const role = /^concordata-?(\w*)\.service$/.exec(name)?.[1] || 'node'
    t.match(valuesOf(unit, 'ExecStart'), [new RegExp(`^/opt/concordata/bin/concordata\\.js ${role} --data /var/lib/`)])
    t.same(valuesOf(unit, 'Restart'), ['always'])
  }
  const users = [...found.values()].map((unit) => valuesOf(unit, 'User')[0])
  t.equal(new Set(users).size, found.size, 'each under a user of its own')
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

t.test('what systemd would pass over is found', async (t) => {
  t.throws(() => parseUnit('[Service]\nNoNewPrivilege=yes\n'))
  t.throws(() => parseUnit('[Sevice]\n'))
  t.throws(() => parseUnit('User=ana\n'))
})
