import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import type { Test } from 'tap'

/**
 * A headless Chromium, closed with the test. It comes from npm with the shared libraries that Debian alone lacks, for x86-64, and is
 * unpacked into a folder of this process: the package takes whatever stands in the common one, complete or not.
 */
export async function startChromium(t: Test): Promise<Browser> {
  const dir = mkdtempSync(join(tmpdir(), 'concordata-chromium-'))
  t.teardown(() => rm(dir, { recursive: true, maxRetries: 3 }))
  process.env.TMPDIR = dir
  const { inflate } = await import('@sparticuz/chromium')
  const packed = (file: string) => fileURLToPath(new URL(`../bin/${file}`, import.meta.resolve('@sparticuz/chromium')))
  const [executablePath, libraries] = await Promise.all(
    ['chromium.br', 'al2023.tar.br'].map((file) => inflate(packed(file))),
  )
  const browser = await chromium.launch({
    executablePath: executablePath as string,
    args: ['--no-sandbox', '--headless=shell'],
    env: { ...process.env, LD_LIBRARY_PATH: join(libraries as string, 'lib') },
  })
  t.teardown(() => browser.close())
  return browser
}
