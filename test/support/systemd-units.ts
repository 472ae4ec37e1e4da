import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BINARY } from './guide.ts'

/** Numbers of the users and groups of `ops/systemd`, that nobody on this machine has. */
const NUMBERS: Readonly<Record<string, number>> = {
  root: 0,
  concordata: 61_000,
  'concordata-signer': 61_001,
  'concordata-serve': 61_002,
  'concordata-transmit': 61_003,
  'concordata-receive': 61_004,
}

/** By this a program of Node.js starts sooner, and does nothing else. */
const { NODE_OPTIONS, NODE_COMPILE_CACHE } = process.env
const OF_RUNNER = { NODE_OPTIONS, NODE_COMPILE_CACHE }

export const numberOf = (name: string) => NUMBERS[name] as number

/** Whether a user that is somebody else may read a file. */
export function reads(path: string, uid: number, gid: number): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -r "$0"', path], { uid, gid }).status === 0
}

/**
 * Only root can give processes users of their own, and only where all may read the checkout; else all is one user's, and modes
 * alone are looked at.
 */
export const hasUsers =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  [BINARY, process.execPath].every((path) => reads(path, numberOf('concordata-serve'), numberOf('concordata-serve')))

/** What a document says to root, below `root` as if that were `/`, and by numbers. */
export function rooted(root: string, text: string): string {
  const paths = text.replace(/(?<![\w.:/-])\/(?=(root|etc\/concordata|var\/lib|run\/concordata)\b)/g, `${root}/`)
  return paths.replace(/ -o ([\w-]+) -g ([\w-]+)/g, (_, owner, group) =>
    hasUsers ? ` -o ${numberOf(owner)} -g ${numberOf(group)}` : '',
  )
}

/** The directories of `concordata-split.tmpfiles`, and those that the signer's unit makes, below `root`. */
export async function makeDirectories(root: string): Promise<void> {
  const lines = (await unitFile('concordata-split.tmpfiles')).matchAll(/^d (\S+) (\d+) (\S+) (\S+) -$/gm)
  for (const [, path = '', mode = '', owner = '', group = ''] of lines) {
    await makeDirectory(join(root, path), mode, owner, group)
  }
  const { user, group, values } = await unitOf('signer')
  const name = values('RuntimeDirectory')[0] as string
  await makeDirectory(join(root, 'run', name), values('RuntimeDirectoryMode')[0] as string, user, group)
}

async function makeDirectory(path: string, mode: string, owner: string, group: string): Promise<void> {
  await mkdir(path, { recursive: true })
  if (hasUsers) await chown(path, numberOf(owner), numberOf(group))
  await chmod(path, Number.parseInt(mode, 8))
}

/** Starts the program of a unit as its unit says: command, user, group, umask, environment. What locks it in is systemd's. */
export async function startUnit(root: string, role: string, handle: string): Promise<ChildProcess> {
  const { user, group, values } = await unitOf(role)
  const [, command = '', data = ''] = /concordata (\w+) --data (\S+)$/.exec(values('ExecStart')[0] as string) ?? []
  const hasCredential = values('LoadCredentialEncrypted').length > 0
  const variables = values('Environment').flatMap((line) => {
    const [name = '', value = ''] = line.split('=', 2)
    if (name === 'PATH') return []
    if (value === '%d/passphrase' && !hasCredential) throw new Error(`${role} has no such credential`)
    const credential = join(root, 'etc/concordata/passphrase')
    return [[name, value.replace('%d/passphrase', credential).replace('HANDLE', handle)]]
  })
  const script = `umask ${values('UMask')[0]}; exec "$0" "$@"`
  return spawn('/bin/sh', ['-c', script, process.execPath, BINARY, command, '--data', join(root, data)], {
    env: { ...OF_RUNNER, PATH: process.env.PATH, CONCORDATA_LOG_LEVEL: 'warn', ...Object.fromEntries(variables) },
    stdio: ['ignore', 'ignore', 'inherit'],
    ...(hasUsers && { uid: numberOf(user), gid: numberOf(group) }),
  })
}

async function unitOf(role: string) {
  const text = await unitFile(`concordata-${role}.service`)
  const values = (name: string) => [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
  return { user: values('User')[0] as string, group: values('Group')[0] as string, values }
}

function unitFile(name: string): Promise<string> {
  return readFile(new URL(`../../ops/systemd/${name}`, import.meta.url), 'utf8')
}
