import { resolve } from 'node:path'
import { ConfigurationInvalid } from '../config/configuration.ts'

/** `sun_path` of unix(7), without the zero at its end; Node silently truncates a longer one. */
const PATH_BYTES_MAX = 107

/** Where a signer listens. `socket` counts from the data directory. Throws ConfigurationInvalid. */
export function socketPath(dir: string, socket: string): string {
  const path = resolve(dir, socket)
  const bytes = Buffer.byteLength(path)
  if (bytes <= PATH_BYTES_MAX) return path
  const message = `the name of a Unix socket has at most ${PATH_BYTES_MAX} bytes, and ${path} has ${bytes}: choose a shorter one`
  throw new ConfigurationInvalid('configuration_invalid', message, { source: path, setting: 'signer/socket' })
}
